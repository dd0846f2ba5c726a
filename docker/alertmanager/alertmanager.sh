#!/bin/sh
# Starts Alertmanager with the receiver that is set up.
set -eu

receiver=page
[ ! -s /run/secrets/alert_webhook_url ] || receiver=webhook
sed "s/RECEIVER$/$receiver/" /usr/local/share/alertmanager.yml >/tmp/alertmanager.yml
exec alertmanager --config.file=/tmp/alertmanager.yml --storage.path=/alertmanager --cluster.listen-address=
