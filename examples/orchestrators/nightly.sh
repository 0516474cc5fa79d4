#!/bin/sh
# cron: 0 3 * * *  /srv/reconciler/nightly.sh        Says nothing when all is well; otherwise cron sends what it printed.
# reconciler.env has mode 0600, and lines such as RECONCILER_TOKEN=… and RECONCILER_LEDGER_URL=…
set -a
. "${RECONCILER_ENV:-/etc/reconciler.env}"
set +a
workspace=${1:-/srv/reconciler}  # a checkout of the repository with the specs
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
for minutes in 5 20 0; do
  "${RECONCILER:-/usr/local/bin/reconciler}" -C "$workspace" \
    apply --only loads --auto-approve --lock-timeout 10m --no-color >"$log" 2>&1
  code=$?
  case $code in 0) exit 0 ;; 4 | 64) break ;; esac # running it again would end the same way
  [ "$minutes" = 0 ] || sleep "${minutes}m"
done
cat "$log"
exit $code
