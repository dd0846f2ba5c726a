#!/usr/bin/env bash
# Healthy: the API answers /health/live on its port; a role without a port runs as process 1. No Python is started.
set -euo pipefail

case "$(tr '\0' ' ' </proc/1/cmdline)" in
    *gunicorn* | *" api "* | *" api")
        exec 3<>"/dev/tcp/127.0.0.1/${API_PORT:-8000}"
        printf 'GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
        IFS= read -r -t 4 status <&3
        [[ $status == *" 200 "* ]]
        ;;
    *" flower "* | *" flower") exec 3<>/dev/tcp/127.0.0.1/5555 ;;
esac
