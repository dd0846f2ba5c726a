#!/usr/bin/env bash
# Writes docker/secrets/redis_exporter: the passwords of Redis and of the broker, as the exporter of metrics reads them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/secrets"
[ ! -e redis_exporter ] || chmod 644 redis_exporter
printf '{"redis://redis:6379": "%s", "redis://broker:6379": "%s"}' "$(<redis_pass)" "$(<broker_pass)" >redis_exporter
chmod 444 redis_exporter
