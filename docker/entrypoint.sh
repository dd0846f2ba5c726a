#!/usr/bin/env bash
# Runs one role of Daybook: api, gunicorn, project, worker, beat, flower, migrate; any other word is a command of
# `daybook`, such as `admin create`.
set -euo pipefail

role=${1:-api}
[ $# -eq 0 ] || shift

case $role in
    gunicorn)
        # Metrics of several processes under one port are kept in files; those of the run before are of no use.
        export PROMETHEUS_MULTIPROC_DIR=${PROMETHEUS_MULTIPROC_DIR:-/tmp/metrics}
        rm -rf "$PROMETHEUS_MULTIPROC_DIR" && mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
        export WEB_CONCURRENCY=${WEB_CONCURRENCY:-2}
        exec gunicorn --config /usr/local/share/daybook/gunicorn.conf.py --bind "0.0.0.0:${API_PORT:-8000}" \
            'interfaces.cli.gunicorn_worker:application()' "$@"
        ;;
    flower) exec daybook flower --address 0.0.0.0 "$@" ;;
    *) exec daybook "$role" "$@" ;;
esac
