#!/bin/sh
# Builds the last commit twice, in two clones, homes, time zones and caches, and compares: the same bytes, static, nothing of
# this machine inside. Modules come from the cache that is there, so that nothing is fetched twice.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOMODCACHE=$($go env GOMODCACHE)
export GOMODCACHE GOFLAGS=-modcacherw
rev=$(git rev-parse HEAD) # others may commit meanwhile
build() { # PLACE TZ GOCACHE
	mkdir -p "$work/$1/home"
	git clone -q --no-hardlinks . "$work/$1/clone"
	git -C "$work/$1/clone" checkout -q --detach "$rev"
	(cd "$work/$1/clone" && TZ=$2 HOME="$work/$1/home" GOPATH="$work/$1/go" GOCACHE="$3" make -s build GO="$go")
}
build here UTC "$($go env GOCACHE)"
build somewhere/else/entirely Asia/Shanghai "$work/cache"
one=$work/here/clone/bin/recoverbot two=$work/somewhere/else/entirely/clone/bin/recoverbot
sha256sum "$one" "$two" | sed "s|$work/||"
cmp "$one" "$two"
if readelf -l "$one" | grep -q INTERP || readelf -d "$one" 2>/dev/null | grep -q NEEDED; then
	echo "the binary is not static" >&2
	exit 1
fi
name=$(hostname)
[ ${#name} -ge 8 ] || name=$work # a short one stands in any binary
for path in "$work" "$GOMODCACHE" "$($go env GOROOT)" "$name"; do
	if grep -qaF "$path" "$one"; then
		echo "the binary has this machine's $path inside" >&2
		exit 1
	fi
done
"$one" version
echo "reproducible, static, and without paths of this machine"
