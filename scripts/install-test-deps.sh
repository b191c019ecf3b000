#!/bin/sh
# Installs what the tests need beyond the drill's servers: gcc (for the race detector), chromium (for the console),
# Alertmanager (for alerts) and Galera (for a node of a cluster). Says so first; does nothing where all is there.
set -eu
missing=""
command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v prometheus-alertmanager >/dev/null 2>&1 || missing="$missing prometheus-alertmanager"
[ -e /usr/lib/galera/libgalera_smm.so ] || missing="$missing galera-4"
[ -n "$missing" ] || exit 0
echo "installing by apt-get:$missing"
if [ "$(id -u)" != 0 ]; then
	echo "run as root, or install these yourself: apt-get install$missing" >&2
	exit 1
fi
policy=/usr/sbin/policy-rc.d # the tests start an Alertmanager of their own
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' INT TERM HUP
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
	apt-get update -qq
	# shellcheck disable=SC2086
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
