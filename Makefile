# Everything a developer needs. `make run` and `make test` need nothing but Go; what needs servers says so.

GO      ?= go
BIN     ?= bin/millrace
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)
LDFLAGS := -s -w -X main.version=$(VERSION)
# The profile cmd/millrace/default.pgo makes the program a tenth faster or more and its build take twice as long: releases use it, a first look and
# tests do not.
PGO     ?= auto
test vet lint unit race: export GOFLAGS := -pgo=off

# Packages whose tests run once more under the race detector: what is concurrent.
RACE := ./pipeline/... ./filters/ruby ./filters/aggregate ./internal/esbulk ./internal/ruby ./inputs/... ./outputs/... ./internal/stream/... ./internal/throttle/... ./internal/rdns/... ./internal/faultproxy/... ./cmd/...

.PHONY: build run check test vet lint unit race bench bench-record pgo fuzz soak docs image push test-swarm clean

build: ## one static binary
	CGO_ENABLED=0 $(GO) build -pgo=$(PGO) -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/millrace

run: PGO := off
run: build ## the main job with nothing configured: TCP port 9000, the embedded store, the page
	$(BIN)

test: vet lint unit race ## all that must pass

vet:
	$(GO) vet ./...

lint: ## staticcheck, and the project's own rules as tests
	$(GO) tool staticcheck ./...
	$(GO) test ./internal/lint

unit: ## units, recorded cases, real servers where Java, Maven, Redis and RabbitMQ are installed
	$(GO) test -timeout 20m ./...
	$(GO) test -tags purego ./pipeline/event ./internal/charset ./internal/onig

race:
	CGO_ENABLED=1 $(GO) test -short -race -timeout 20m $(RACE)

bench: ## every stage, against the budgets and bench/recorded.txt: 10 minutes on an idle machine; make bench BENCH=Filter COUNT=5 BENCHTIME=200ms
	$(GO) run ./bench/table -bench '$(or $(BENCH),.)' -count $(or $(COUNT),5) -benchtime $(or $(BENCHTIME),500ms)

bench-record: ## the same, and makes it the run that later ones are compared with
	$(GO) run ./bench/table -record -count $(or $(COUNT),5) -benchtime $(or $(BENCHTIME),500ms)

pgo: ## takes the profile for the compiler anew: 5 minutes
	./bench/pgo.sh

fuzz: ## every fuzz target for FUZZTIME
	./internal/lint/fuzz.sh $(or $(FUZZTIME),60s)

soak: ## crashes and faults at random moments, for long
	MILLRACE_SOAK=100 $(GO) test -timeout 2h -run 'Kill|Simulation|Soak|Conservation' ./internal/esbulk ./pipeline/... ./outputs/... ./cmd/...

docs: ## generated pages of the plugins
	$(GO) generate ./docs

image: ## the container image
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null) \
	  --build-arg SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct 2>/dev/null || echo 0) -t millrace:$(VERSION) -t millrace:latest .

push: image ## make push REGISTRY=registry.example
	docker tag millrace:$(VERSION) $(REGISTRY)/millrace:$(VERSION)
	docker push $(REGISTRY)/millrace:$(VERSION)

test-swarm: ## the image and the stack on a Docker engine of the test's own (root, docker.io, busybox-static; 10 minutes); MILLRACE_SWARM_REBUILD=1: twice and for arm64
	MILLRACE_SWARM=1 $(GO) test -count=1 -v -timeout 40m ./internal/swarmtest

clean:
	rm -rf bin
