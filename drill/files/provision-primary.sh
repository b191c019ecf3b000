#!/bin/sh
# Makes a bare Debian machine the primary (安装主机) from the install files in WORKDIR: MySQL, redis and all services, whose
# configurations use the redis and MySQL of PRIMARY. The bot starts the services once the data is there. It may run again.
set -eu
: "${WORKDIR:?}" "${PRIMARY:?}"
base=$(cd "$WORKDIR/../.." && pwd)   # the root of this machine: / in reality
command -v mariadbd >/dev/null && command -v redis-server >/dev/null || [ -x /usr/sbin/mariadbd ] || {
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mariadb-server redis-server python3
}
echo "unpacking $WORKDIR/install.tar.gz"
tar -xzf "$WORKDIR/install.tar.gz" -C "$base" --no-same-owner
for config in "$base"/wwwroot/go/*/config.yaml; do   # the archive holds templates
	sed -i "s/@PRIMARY@/$PRIMARY/g" "$config"
done
mkdir -p "$base/shell/sql_backup"
systemctl daemon-reload
systemctl enable --now mariadb redis-server
mysql < "$base/root/workdir/grants.sql"
for unit in go-api go-upload go-fly go-admin go-job; do
	systemctl cat "$unit" >/dev/null
done
echo "primary installed"
