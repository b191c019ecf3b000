#!/bin/sh
# Makes a bare Debian machine an nginx (安装 nginx 机器). Its configuration comes from another one afterwards, so that
# nothing is started here. It may run again.
set -eu
: "${WORKDIR:?}"
base=$(cd "$WORKDIR/../.." && pwd)   # the root of this machine: / in reality
if ! command -v nginx >/dev/null && [ ! -x /usr/sbin/nginx ]; then
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nginx
	systemctl disable --now nginx
fi
rm -f "$base/etc/nginx/sites-enabled/default"   # Debian's own page is not for users
[ ! -f "$WORKDIR/nginx.tar.gz" ] || {
	echo "unpacking $WORKDIR/nginx.tar.gz"
	tar -xzf "$WORKDIR/nginx.tar.gz" -C "$base" --no-same-owner
}
systemctl daemon-reload
systemctl cat nginx >/dev/null
echo "nginx installed"
