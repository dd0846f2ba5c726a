#!/bin/sh
# PostgreSQL's archive_command: archive.sh SEGMENT NAME keeps a finished segment until docker/backup has collected it.
# Without the folder, which docker/backup makes, nobody collects, and nothing is kept.
set -eu

archive=/var/lib/postgresql/archive
[ -d "$archive" ] || exit 0
gzip -1 <"$1" >"$archive/$2.partial"
sync "$archive/$2.partial"
mv "$archive/$2.partial" "$archive/$2.gz"
sync "$archive"
