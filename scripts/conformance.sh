#!/bin/sh
# usage: conformance.sh SUITE UNITS: runs units of Redis' Tcl suite against ./reredis.
# SUITE is an unpacked source tree of Redis 7.0.15 (it has tests/ and src/);
# TCLSUITE is the program that drives it.
set -eu
driver=${TCLSUITE:-../shared/conformance/tclsuite.py}
fail() { echo "conformance: $*" >&2; exit 2; }
[ -n "$1" ] || fail "say where an unpacked Redis 7.0.15 lies: make conformance SUITE=/path/to/redis-7.0.15"
[ -f "$1/tests/test_helper.tcl" ] || fail "$1 is no Redis source tree: no tests/test_helper.tcl in it"
[ -f "$driver" ] || fail "the suite's driver is not at $driver; set TCLSUITE=/path/to/tclsuite.py"
for tool in python3 tclsh redis-cli redis-benchmark; do
	command -v $tool >/dev/null 2>&1 || fail "$tool is missing (Debian: python3, tcl, redis-tools)"
done
mkdir -p out
exec python3 "$driver" "$1" 127.0.0.1 "${PORT:-27001}" \
	--server-cmd "$PWD/reredis --port {port} --dir {dir} --http-port 0 --appendonly no --save \"\" --enable-protected-configs yes --enable-debug-command yes --enable-module-command yes" \
	--baseline redis-7.0.15-standalone.json --units "$2" --out out/conformance
