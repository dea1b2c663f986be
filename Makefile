STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
IMAGE    ?= xc-group-sync:dev
DOCKER   ?= docker
FUZZTIME ?= 5m
N        ?= 100000
FIRST    ?= 1

.DEFAULT_GOAL := help
.PHONY: help build test lint docs fuzz soak bench reproducible image

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build ./xc-group-sync
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X xc-group-sync/internal/cli.version=$(VERSION)" -o xc-group-sync .

# The race detector needs a C compiler. Without one, the tests run without it.
RACE := $(shell command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)

# A process with the race detector sleeps for a second before it ends, and the tests
# start hundreds.
test: export GORACE ?= atexit_sleep_ms=10
test: ## Run all tests, with the race detector and in random order
	$(if $(RACE),,@echo "no C compiler found: running without the race detector")
	go test $(RACE) -shuffle=on -timeout 15m ./...

lint: ## Check formatting, go vet, staticcheck, the workflows, the generated docs and go.mod
	@unformatted="$$(gofmt -l .)"; test -z "$$unformatted" || { echo "gofmt -w is needed for:" $$unformatted; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(ACTIONLINT) .github/workflows/*.yml docs/recipes/*.yml
	go test -run '^TestDocsAreFresh$$' ./internal/repotest
	go mod tidy -diff
	go mod verify

docs: ## Regenerate what the documentation and action.yml say of settings, outputs, exit codes and packages
	go test -count=1 -run '^TestDocsAreFresh$$' ./internal/repotest -update

fuzz: ## Run each fuzz target for FUZZTIME
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:[0-9]*:func / /' | while read -r file target; do \
		echo "$$target ($$file)"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
	done

soak: ## Run N random worlds on virtual time, from seed FIRST
	go test -run '^TestSoak$$' -count=1 -timeout 0 -v ./internal/soak -soak.runs=$(N) -soak.first=$(FIRST)

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchtime 3x -timeout 0 ./internal/access ./internal/cli ./internal/roster ./internal/xc

reproducible: ## Build twice, and compare
	scripts/reproducible.sh

image: ## Build the container image
	$(DOCKER) build --build-arg VERSION="$(VERSION)" --build-arg REVISION="$(REVISION)" -t $(IMAGE) .
