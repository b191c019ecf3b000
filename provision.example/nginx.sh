#!/bin/sh
# An example to adapt: makes a bare Debian machine an nginx. The bot runs it there as root, after it has copied the install
# files to WORKDIR. It must not start nginx: the bot copies the configuration of another nginx first. It may run again.
set -eu
: "${WORKDIR:?}"
export DEBIAN_FRONTEND=noninteractive
if ! command -v nginx >/dev/null; then
	apt-get update -qq
	apt-get install -y -qq nginx         # and the modules that your configuration loads
	systemctl stop nginx                 # the package starts it
fi
rm -f /etc/nginx/sites-enabled/default   # Debian's own page is not for users

# Yours: what nginx needs beside /etc/nginx, such as certificates and static pages.
if [ -f "$WORKDIR/nginx-files.tar.gz" ]; then
	tar -xzf "$WORKDIR/nginx-files.tar.gz" -C / --no-same-owner
fi

systemctl daemon-reload
systemctl enable nginx
echo "nginx installed"
