#!/bin/sh
# Installs the servers that the drill runs (Debian, Ubuntu): says so first, does nothing where all is there, and keeps
# the packages from starting services of the system: the drill starts its own.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need sshd openssh-server
need ssh openssh-client
need mariadbd mariadb-server
need mariadb-install-db mariadb-server
need mysqldump mariadb-client
need redis-server redis-server
need nginx nginx
need python3 python3
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')

command -v apt-get >/dev/null 2>&1 || {
	echo "the drill needs: $missing; this machine has no apt-get, install them yourself" >&2
	exit 1
}
sudo=""
if [ "$(id -u)" != 0 ]; then
	sudo=$(command -v sudo) || {
		echo "the drill needs: $missing; run as root: apt-get install $missing" >&2
		exit 1
	}
fi
echo "installing by apt-get: $missing(no system service is started)"

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
	trap '$sudo rm -f "$policy"' EXIT
	trap 'exit 1' INT TERM HUP
fi
install() {
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null
}
log=$(mktemp)
if ! install >"$log" 2>&1; then
	echo "fetching the package lists"
	$sudo apt-get update -qq
	install >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		rm -f "$log"
		exit 1
	}
fi
rm -f "$log"
