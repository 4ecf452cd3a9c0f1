#!/bin/sh
# usage: fresh.sh TAGS: fails if a file is unformatted, go vet complains, go.mod
# is untidy, or what `make gen` writes differs from what is committed.
set -eu
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { printf 'not formatted (make fmt):\n%s\n' "$unformatted" >&2; exit 1; }
go vet -tags "$1" ./...
go mod tidy -diff
git diff --exit-code --stat -- docs/reference || { echo 'docs/reference is stale: commit what make gen wrote' >&2; exit 1; }
stray=$(git ls-files -o --exclude-standard -- docs/reference)
[ -z "$stray" ] || { printf 'not committed:\n%s\n' "$stray" >&2; exit 1; }
