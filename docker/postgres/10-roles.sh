#!/usr/bin/env bash
# On the first start: the login role of the application. It owns nothing; `daybook migrate` grants what it needs.
set -euo pipefail

psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set user="$DB_USER" --set pass="$(<"$DB_PASS_FILE")" <<'SQL'
CREATE ROLE :"user" LOGIN PASSWORD :'pass';
GRANT CONNECT ON DATABASE :"DBNAME" TO :"user";
SQL
