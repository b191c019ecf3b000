#!/bin/sh
# Holds the systemd unit to its grammar and to a bound of exposure (systemd-analyze security, of 100), without starting it.
set -eu
cd "$(dirname "$0")/.."
command -v systemd-analyze >/dev/null || { echo "packaging-check needs systemd-analyze (Debian: apt-get install systemd)" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed "s|^ExecStart=[^ ]*|ExecStart=$(command -v true)|" packaging/recoverbot.service >"$work/recoverbot.service"
# SYSTEMD_UNIT_PATH with a : at its end keeps the machine's own units, such as network-online.target.
said=$(SYSTEMD_UNIT_PATH="$work:" systemd-analyze verify --man=no "$work/recoverbot.service" 2>&1 | grep -F recoverbot || true)
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
echo "the unit is valid; what it is still exposed to (1.3 is allowed):"
systemd-analyze security --no-pager --offline=true --threshold=13 "$work/recoverbot.service" | grep -E '✗|Overall'
