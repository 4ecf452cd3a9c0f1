# Reredis. `make` lists what there is; CI calls the same targets (.ci/run).

GO       ?= go
TOOL      = $(GO) tool -modfile=internal/tools/go.mod
MODULE    = github.com/reredis/reredis
TAGS      = invariants

# What `reredis version` says. A build without make reads it from the toolchain.
RELEASE  ?= $(shell git describe --tags --dirty 2>/dev/null)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null)$(if $(shell git status --porcelain 2>/dev/null),-dirty)
DATE     ?= $(shell date -u +%Y-%m-%dT%H:%M:%SZ)
LDFLAGS   = -s -w $(foreach v,release=$(RELEASE) commit=$(COMMIT) date=$(DATE),-X $(MODULE)/internal/version.$(v))

ARGS     ?=
PREFIX   ?= /usr/local
FUZZTIME ?= 30s
SEEDS    ?= 20000
PKG      ?= ./...
BENCH    ?= .
COUNT    ?= 6
ROUNDS   ?= 5
CASES    ?= get-c50-P1,set-c50-P1,get-c500-P1,get-c50-P16,set-c50-P16,get-c50-P64,incr-c50-P16
OUT      ?=
KEYS     ?= 10000000
DURATION ?= 10m
SUITE    ?=
UNITS    ?= type/string,type/incr,protocol,quit

.DEFAULT_GOAL := help
.PHONY: help run build install clean test race deps check lint fmt fresh gen vuln fuzz \
	bench microbench pgo keys10m soak conformance crash differ hooks

help: ## list the targets
	@awk -F ':.*## ' '/^## / {printf "\n%s\n", substr($$0, 4)} /^[a-z0-9]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Build and run

run: build ## build and start a server (ARGS="--port 7000")
	exec ./reredis $(ARGS)

build: ## build ./reredis with its version inside
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o reredis ./cmd/reredis

install: build ## copy the binary to PREFIX/bin (PREFIX=/usr/local)
	install -D -m 0755 reredis '$(DESTDIR)$(PREFIX)/bin/reredis'

clean: ## remove what make builds, keep data
	rm -rf reredis bin out
	$(GO) clean -testcache

## Test

test: deps ## every test, shuffled, with invariant checks; then a short race run and the binary as users build it
	$(GO) test -shuffle=on -tags $(TAGS) ./...
	$(GO) test -race -short -shuffle=on -tags $(TAGS) ./keyspace ./bus ./server
	$(GO) test -short -shuffle=on ./cmd/reredis

race: deps ## every test under the race detector (keyspace uses heap mode there)
	$(GO) test -race -shuffle=on -tags $(TAGS) ./...

deps: # what the tests compare with: installed if root, otherwise named
	@scripts/test-deps.sh

fuzz: ## every fuzz target for FUZZTIME=30s each (PKG=./internal/resp for one package)
	scripts/fuzz.sh '$(FUZZTIME)' '$(PKG)'

crash: ## the model check of power cuts and failing disks, and that it sees a log that is wrong (SEEDS=20000)
	$(GO) test -count=1 -tags $(TAGS) ./wal -run '^TestCrash' -v -crash.seeds $(SEEDS)

differ: ## random commands for long, replies compared with redis-server's byte for byte (DURATION=10m)
	$(GO) test -count=1 -tags $(TAGS) ./cmd/reredis -run '^TestDiffer' -v -timeout 0 -differ $(DURATION)

conformance: build ## Redis' own Tcl suite (SUITE=an unpacked Redis 7.0.15, UNITS=type/string,...)
	scripts/conformance.sh '$(SUITE)' '$(UNITS)'

## Keep in order

check: gen lint test ## what a change must pass: gen, lint, test

lint: ## golangci-lint, the pinned version; the first run compiles it for minutes
	$(TOOL) golangci-lint run ./...

fmt: ## format every file with gofumpt
	$(TOOL) gofumpt -w $$(git ls-files -co --exclude-standard '*.go')

fresh: gen ## fail if something is unformatted, fails vet, or generated files or go.mod are stale
	scripts/fresh.sh '$(TAGS)'

gen: ## write docs/reference from the tables of commands and parameters
	scripts/gen.sh

vuln: ## known vulnerabilities of what is called (asks vuln.go.dev)
	$(TOOL) govulncheck -tags $(TAGS) ./...

hooks: ## let git run .githooks/pre-commit
	git config core.hooksPath .githooks

## Measure (nothing else should run on the machine)

bench: build ## side by side with redis-server (ROUNDS=5 CASES=get-c50-P16,... OUT=docs/bench/latest.md)
	$(GO) run ./internal/bench compare -ours ./reredis -rounds $(ROUNDS) -cases '$(CASES)' -out '$(OUT)'

microbench: ## Go benchmarks, summed up by benchstat (PKG=./bus BENCH=Get COUNT=6)
	@mkdir -p out
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG) | tee out/microbench.txt
	$(TOOL) benchstat out/microbench.txt

pgo: ## take the profile anew that builds of ./cmd/reredis are optimized with; commit it
	@mkdir -p out
	$(GO) test ./cmd/reredis -run '^$$' -bench EndToEnd -benchtime 4s -cpuprofile out/default.pgo -o out/bench.test
	mv out/default.pgo cmd/reredis/default.pgo

keys10m: build ## SET latency while 10M keys of 16 + 64 bytes arrive, memory, garbage collections (KEYS=10000000)
	$(GO) run ./internal/bench grow -ours ./reredis -keys $(KEYS)

soak: build ## changing load that checks every reply, then memory and descriptors (DURATION=10m)
	$(GO) run ./internal/bench soak -ours ./reredis -duration $(DURATION)
