#!/bin/sh
# Starts Redis with the password of a secret, so that no command line shows it: redis.sh PASSWORD_FILE [option ...]
set -eu

{
    printf 'requirepass %s\n' "$(cat "$1")"
    shift
    for option; do printf '%s\n' "$option"; done
} >/tmp/redis.conf
exec docker-entrypoint.sh redis-server /tmp/redis.conf
