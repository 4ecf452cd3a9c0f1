#!/bin/sh
# Tests compare with a real Redis 7.0. Installs it as root on Debian; elsewhere
# names what is missing, and the tests that need it skip themselves (in CI: fail).
set -eu
missing=
want() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
find_missing() {
	missing=
	want redis-server redis-server
	want redis-cli redis-tools
	want redis-benchmark redis-tools
	want tclsh tcl
	missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
}
find_missing
[ -n "${missing% }" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing $missing"
	export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # RUNLEVEL: do not start the service
	apt-get update -qq >/dev/null && apt-get install -qq -y --no-install-recommends $missing >/dev/null || true
	find_missing
	[ -n "${missing% }" ] || exit 0
fi
echo "missing (Debian package names): $missing- tests that compare with Redis will skip; version 7.0 is the reference" >&2
[ -z "${CI:-}" ]
