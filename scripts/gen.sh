#!/bin/sh
# Writes docs/reference: the tests that hold it up to date write it when asked to.
set -eu
packages=$(grep -l 'flag.Bool("update"' ./*/*_test.go | xargs -n1 dirname | sort -u)
go test -count=1 -run Reference $packages -update
