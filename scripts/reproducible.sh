#!/bin/sh
# Builds the last commit twice, in two clones with caches of their own, and compares: the same bytes, static, nothing of this
# machine inside. Modules come from the cache that is there, so that nothing is fetched twice.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOMODCACHE=$($go env GOMODCACHE)
export GOMODCACHE GOFLAGS=-modcacherw
for place in here somewhere/else/entirely; do
	mkdir -p "$work/$place"
	git clone -q --no-hardlinks . "$work/$place/clone"
	(
		cd "$work/$place/clone"
		TZ=$([ $place = here ] && echo UTC || echo Asia/Shanghai) HOME="$work/$place" GOPATH="$work/$place/go" GOCACHE="$work/$place/cache" make -s build GO="$go"
	)
done
one=$work/here/clone/bin/recoverbot two=$work/somewhere/else/entirely/clone/bin/recoverbot
sha256sum "$one" "$two" | sed "s|$work/||"
cmp "$one" "$two"
if readelf -l "$one" | grep -q INTERP || readelf -d "$one" 2>/dev/null | grep -q NEEDED; then
	echo "the binary is not static" >&2
	exit 1
fi
for path in "$work" "$GOMODCACHE" "$($go env GOROOT)" "$(hostname)"; do
	if grep -qaF "$path" "$one"; then
		echo "the binary has this machine's $path inside" >&2
		exit 1
	fi
done
"$one" version
echo "reproducible, static, and without paths of this machine"
