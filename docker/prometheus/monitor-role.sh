#!/usr/bin/env bash
# Makes the role daybook_monitor, or sets its password. It reads the statistics of the server (pg_monitor) and may
# connect to the database; no table of Daybook is granted to it.
set -euo pipefail

export PGPASSWORD PGAPPNAME=daybook-monitor-role
PGPASSWORD=$(</run/secrets/db_superuser_pass)
until pg_isready --quiet --host=postgres --username=postgres; do sleep 1; done
psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --host=postgres --username=postgres --dbname=daybook \
    --set pass="$(</run/secrets/monitor_pass)" <<'SQL'
SELECT 'CREATE ROLE daybook_monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'daybook_monitor') \gexec
ALTER ROLE daybook_monitor LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5 PASSWORD :'pass';
GRANT pg_monitor TO daybook_monitor;
GRANT CONNECT ON DATABASE :"DBNAME" TO daybook_monitor;
SQL
