#!/bin/sh
# Runs the files of the container image as the image is meant to be run, without a container engine: a read-only root with
# nothing else in it, as user 65532, without capabilities. The bot must get ready and write nowhere but to its volume, its
# configuration and /tmp.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "container-check mounts and changes root: run it as root" >&2; exit 2; }
for tool in unshare setpriv chroot ssh-keygen python3; do
	command -v $tool >/dev/null || { echo "container-check needs $tool (Debian: util-linux coreutils openssh-client python3)" >&2; exit 2; }
done
work=$(mktemp -d)
pid=""
stop() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; [ -z "$pid" ] || wait "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT
chmod 755 "$work"
root=$work/root
mkdir -p "$root/etc/ssl/certs" "$root/etc/recoverbot" "$root/var/lib/recoverbot" "$root/tmp" "$work/lib" "$work/etc"
cp bin/recoverbot "$root/recoverbot"
ssh-keygen -q -t ed25519 -N '' -f "$work/etc/key"
: >"$work/etc/known_hosts"
cat >"$work/etc/fleet.yaml" <<'FLEET'
hosts:
  - {name: nginx1, address: 127.0.0.2, port: 1, http_port: 1, roles: [nginx]}
  - {name: nginx2, address: 127.0.0.3, port: 1, http_port: 1, roles: [nginx]}
  - {name: primary, address: 127.0.0.4, port: 1, roles: [primary]}
  - {name: standby, address: 127.0.0.5, port: 1, roles: [standby, backup]}
databases: [{name: speed}]
services: [{name: go-api, config: /wwwroot/go/go-api/config.yaml, on: [primary, standby], health: {port: 1}}]
people: [{name: ops1, roles: [approver, danger]}]
FLEET
chown -R 65532:65532 "$work/lib" "$work/etc"
chmod 700 "$work/lib" "$work/etc"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

cat >"$work/run" <<'RUN'
set -eu
root=$1
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$2" "$root/var/lib/recoverbot"
mount --bind "$3" "$root/etc/recoverbot"
mount -t tmpfs -o noexec,nosuid,nodev,size=64m,mode=1777 tmpfs "$root/tmp"
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid --inh-caps=-all chroot --userspec=65532:65532 "$root" /recoverbot serve
RUN
env -i FLEET_FILE=/etc/recoverbot/fleet.yaml SSH_KEY_FILE=/etc/recoverbot/key SSH_KNOWN_HOSTS=/etc/recoverbot/known_hosts \
	DATABASE_URL=sqlite:///var/lib/recoverbot/journal.db HTTP_ADDR=127.0.0.1:$port PATH="$PATH" \
	unshare --mount --propagation private sh "$work/run" "$root" "$work/lib" "$work/etc" >"$work/log" 2>&1 &
pid=$!

fail() { echo "container-check: $1" >&2; cat "$work/log" >&2; exit 1; }
python3 - "$port" <<'ASK' || fail "the bot is not ready"
import sys, time, urllib.request
for _ in range(100):
    try:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=5)
        print("readyz:", answer.status, answer.read().decode().strip())
        break
    except OSError:
        time.sleep(0.2)
else:
    sys.exit(1)
ASK
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }
[ "$(field Uid | cut -f1)" = 65532 ] || fail "it runs as user $(field Uid)"
[ "$(field CapEff)" = 0000000000000000 ] || fail "it has capabilities: $(field CapEff)"
[ "$(field NoNewPrivs)" = 1 ] || fail "it may get new privileges"
grep -q " / ro[, ]" "/proc/$pid/mountinfo" || grep -qE " $root ro[, ]" "/proc/$pid/mountinfo" || fail "its root can be written"
[ -s "$work/lib/journal.db" ] || fail "the journal is not on the volume"
[ "$(find "$root" -type f | wc -l)" = 1 ] || fail "files beside the binary: $(find "$root" -type f)"
if command -v file >/dev/null; then file -b "$root/recoverbot" | cut -d, -f1-5; fi
kill "$pid"
wait "$pid" || fail "it did not end well"
pid=""
echo "written to the volume: $(cd "$work/lib" && echo *)"
echo "the container's files run read-only, as 65532, without capabilities"
