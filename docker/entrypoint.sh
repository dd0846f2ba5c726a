#!/usr/bin/env bash
# Runs one role of Daybook: api, gunicorn, project, worker, beat, flower, migrate; any other word is a command of
# `daybook`, such as `admin create`.
set -euo pipefail

role=${1:-api}
[ $# -eq 0 ] || shift

# Passwords reach the URLs percent-encoded, and only in the environment of this process.
encoded() {
    local text=$1 out='' char i
    for ((i = 0; i < ${#text}; i++)); do
        char=${text:i:1}
        case $char in
            [a-zA-Z0-9.~_-]) out+=$char ;;
            *) printf -v char '%%%02X' "'$char" && out+=$char ;;
        esac
    done
    printf '%s' "$out"
}

if [ -n "${REDIS_PASS_FILE:-}" ]; then
    REDIS_URL="redis://:$(encoded "$(<"$REDIS_PASS_FILE")")@${REDIS_HOST:-redis}:6379/0"
    export REDIS_URL
fi
if [ -n "${BROKER_PASS_FILE:-}" ]; then
    BROKER_URL="redis://:$(encoded "$(<"$BROKER_PASS_FILE")")@${BROKER_HOST:-broker}:6379/0"
    export BROKER_URL
fi
unset REDIS_PASS_FILE BROKER_PASS_FILE REDIS_HOST BROKER_HOST

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
