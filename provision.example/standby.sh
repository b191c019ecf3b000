#!/bin/sh
# An example to adapt: makes a bare Debian machine a standby of PRIMARY. The bot runs it there as root, after it has copied
# the install files to WORKDIR. It must not start the services: the bot brings the data and go-api's config.yaml first.
# It may run again. What stands below "Yours" are guesses at what lies in your /root/workdir.
set -eu
: "${WORKDIR:?}" "${PRIMARY:?}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq cron mariadb-server python3 redis-server rsync

# Yours: the services' binaries, their units, settings of MySQL and redis.
mkdir -p /wwwroot/go /shell/sql_backup
tar -xzf "$WORKDIR/go.tar.gz" -C /wwwroot/go --no-same-owner          # go-api/go-api, go-api/config.yaml, go-upload/…
for unit in go-api go-upload go-fly go-admin go-job; do
	install -m 0644 "$WORKDIR/$unit.service" "/etc/systemd/system/$unit.service"
	chmod 0640 "/wwwroot/go/$unit/config.yaml"
	sed -i "s/@PRIMARY@/$PRIMARY/g" "/wwwroot/go/$unit/config.yaml"   # the archive holds templates
done
install -m 0644 "$WORKDIR/mysql.cnf" /etc/mysql/mariadb.conf.d/90-company.cnf
install -m 0640 -o redis -g redis "$WORKDIR/redis.conf" /etc/redis/redis.conf

systemctl daemon-reload
systemctl enable mariadb redis-server go-api
systemctl restart mariadb redis-server
mysql -e 'SELECT 1' >/dev/null       # root logs in by its socket: so does the bot
echo "standby installed"
