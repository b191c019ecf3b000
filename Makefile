# make alone prints this help.
.DEFAULT_GOAL := help
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty --abbrev=12 2>/dev/null || echo dev)
BIN := bin/recoverbot

.PHONY: help
help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the static binary bin/recoverbot
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) .

.PHONY: drill
drill: ready ## break a miniature company on this machine and recover it: SCENARIO=nginx|standby|primary|both|total, or several
	./$(BIN) drill $(or $(SCENARIO),primary) $(DRILL_FLAGS)

.PHONY: play
play: ready ## keep the miniature company running to play with, until Ctrl-C
	./$(BIN) drill

.PHONY: ready
ready: # installing and compiling wait for different things
	@$(MAKE) --no-print-directory -j2 deps build

.PHONY: deps
deps: ## install the servers that the drill and the tests run (Debian)
	@sh scripts/install-drill-deps.sh

.PHONY: test-deps
test-deps: deps ## what the tests need beyond the drill: gcc for -race, chromium
	@sh scripts/install-test-deps.sh

# The longest package goes first. Without GORACE each test binary sleeps a second at its end.
.PHONY: test
test: export GORACE = atexit_sleep_ms=0
test: test-deps ## run all tests with the race detector
	$(GO) vet ./...
	$(GO) test -race -timeout 20m ./e2e ./...

.PHONY: bench-restore
bench-restore: ready ## compare a restore with mysql < file: SIZE=megabytes, PAIRS=n, or DUMP=file of your own
	$(GO) run ./bench/restore -binary $(BIN) -size $(or $(SIZE),1100) -pairs $(or $(PAIRS),3) $(if $(DUMP),-dump $(DUMP))

.PHONY: faults
faults: deps ## kill the bot at every point and fail every call, each in a run of its own (hours): RUN=pattern, FROM=n
	RUN='$(RUN)' FROM='$(FROM)' $(GO) test -tags faults -count=1 -timeout 12h -run TestEveryPoint -v ./faults

.PHONY: fuzz
fuzz: ## feed all parsers with random input: FUZZTIME=30s each, FUZZ=pattern of "folder FuzzName"
	@GO="$(GO)" FUZZTIME="$(or $(FUZZTIME),30s)" FUZZ='$(FUZZ)' FUZZFLAGS='$(FUZZFLAGS)' sh scripts/fuzz.sh

.PHONY: soak
soak: ready ## an hour of random kills, network faults and clicks on the real bot, with a summary: DURATION=5m, SEED=n
	cd soak && $(GO) build -trimpath -o ../bin/soak .
	bin/soak -binary $(BIN) -duration $(or $(DURATION),1h) $(if $(SEED),-seed $(SEED)) $(SOAK_FLAGS)

.PHONY: model
model: ## play the model of the state machine with thousands of random runs: CHECKS=n
	RAPID_CHECKS=$(or $(CHECKS),3000) $(GO) test -race -timeout 60m -run '^TestModel' ./runbook/engine

.PHONY: generate
generate: ## write the JSON Schemas of the files that users write
	$(GO) generate ./...

.PHONY: licences
licences: ## write THIRD_PARTY_NOTICES: the licences of all that is linked in
	mkdir -p bin && $(GO) run ./scripts/licences >bin/notices && mv bin/notices THIRD_PARTY_NOTICES

.PHONY: vulncheck
vulncheck: ## look for known holes in what is linked in: GOVULNDB=https://… or file:///… where vuln.go.dev is not reachable
	@GO=$(GO) sh scripts/vulncheck.sh

.PHONY: reproducible
reproducible: ## build twice in different places and compare: the same bytes, static, no path of this machine
	@GO=$(GO) sh scripts/reproducible.sh

.PHONY: container-check
container-check: build ## run the container's files read-only, as nobody, with nothing else (root, Linux)
	@sh scripts/container-check.sh

.PHONY: packaging-check
packaging-check: ## verify the systemd unit and its hardening
	@sh scripts/packaging-check.sh

.PHONY: lint
lint: ## run golangci-lint, where it is installed
	golangci-lint run

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
