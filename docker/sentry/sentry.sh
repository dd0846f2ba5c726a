#!/usr/bin/env bash
# The commands of sentry-base, carried out by GlitchTip: config generate-secret-key, upgrade, createuser, run, health.
# Any other command is a program of the image.
set -euo pipefail

encoded() {  # the text, percent-encoded for a URL
    local LC_ALL=C text=$1 out='' char i
    for ((i = 0; i < ${#text}; i++)); do
        char=${text:i:1}
        case $char in
            [a-zA-Z0-9.~_-]) out+=$char ;;
            *) printf -v char '%%%02X' "'$char" && out+=$char ;;
        esac
    done
    printf '%s' "$out"
}

generate() {  # a key of 50 characters out of 48, as Sentry made them, without those that environment files change
    local characters='abcdefghijklmnopqrstuvwxyz0123456789!@%^&*(-_=+)' key='' number
    while [ ${#key} -lt 50 ]; do
        number=$((16#$(od -An -N1 -tx1 /dev/urandom | tr -d ' ')))
        [ "$number" -ge 240 ] || key+=${characters:number % ${#characters}:1}  # 240 = 5 * 48: each is equally likely
    done
    printf '%s\n' "$key"
}

settings() {  # the settings of Sentry as those of GlitchTip
    local missing='' name
    for name in SENTRY_SECRET_KEY SENTRY_DB_NAME SENTRY_DB_USER SENTRY_DB_PASSWORD; do
        [ -n "${!name:-}" ] || missing+=" $name"
    done
    if [ -n "$missing" ]; then
        echo "Set these in .env.docker.sentry:$missing" >&2
        [[ $missing != *SECRET_KEY* ]] || echo "A key is made by: config generate-secret-key" >&2
        exit 2
    fi
    local host=${SENTRY_POSTGRES_HOST:-sentry-postgres} port=${SENTRY_POSTGRES_PORT:-5432}
    export SECRET_KEY=$SENTRY_SECRET_KEY
    DATABASE_URL="postgres://$(encoded "$SENTRY_DB_USER"):$(encoded "$SENTRY_DB_PASSWORD")@$host:$port/$(encoded "$SENTRY_DB_NAME")"
    export DATABASE_URL
    export VALKEY_URL="redis://${SENTRY_REDIS_HOST:-sentry-redis}:${SENTRY_REDIS_PORT:-6379}"
    export GLITCHTIP_DOMAIN=${SENTRY_URL:-http://localhost:9000} PORT=9000
    export ENABLE_USER_REGISTRATION=False ENABLE_ORGANIZATION_CREATION=False
    export EMAIL_URL=${EMAIL_URL:-consolemail://} SERVER_ROLE=all_in_one
    unset SENTRY_SECRET_KEY SENTRY_DB_PASSWORD POSTGRES_PASSWORD
    reach "$host" "$port"
}

reach() {  # wait until PostgreSQL answers, which takes a while at its first start
    local tries
    for ((tries = 0; tries < 120; tries++)); do
        if (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; then
            return
        fi
        sleep 1
    done
    echo "PostgreSQL does not answer at $1:$2. Read: docker compose -f docker-compose-sentry.yml logs sentry-postgres" >&2
    exit 1
}

case "${1:-run} ${2:-}" in
    'config generate-secret-key') generate ;;
    'upgrade '*) settings && exec ./manage.py migrate --noinput ;;
    'createuser '*) settings && shift && exec ./manage.py createsuperuser "$@" ;;
    'run '*) settings && exec ./bin/start.sh ;;
    'health '*)
        exec 3<>/dev/tcp/127.0.0.1/9000
        printf 'GET /_health/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
        IFS= read -r -t 4 status <&3
        [[ $status == *' 200 '* ]]
        ;;
    *) exec "$@" ;;
esac
