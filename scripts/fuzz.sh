#!/bin/sh
# usage: fuzz.sh TIME PACKAGES: runs every fuzz target, each for TIME.
set -eu
for dir in $(go list -f '{{.Dir}}' "$2"); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go 2>/dev/null); do
		echo "== $dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 2s -tags invariants "$dir"
	done
done
