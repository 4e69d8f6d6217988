# Everything a developer needs; `make test` and `.ci/run` work on a fresh Debian
# machine with Go.

.PHONY: run test check bench fuzz setup generate

run: ## a node on the default loopback ports
	go run ./cmd/cairn serve

test: setup ## all tests, as CI runs them
	go test -race -timeout 20m $(TESTFLAGS) ./...

# With -race, as the tests: so packages are compiled once for both.
check: ## what CI checks besides the tests
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	go vet -race ./...
	GOFLAGS="$$(go env GOFLAGS) -race" $$(CGO_ENABLED=0 go tool -n -modfile=tools/tools.mod staticcheck) ./...
	test/deadcode.sh

bench: ## ratios against limits and peers, in one interleaved run
	go run ./bench
	go run ./bench/dns

fuzz: ## every fuzz target for FUZZTIME (default 10s) each
	test/fuzz.sh $(or $(FUZZTIME),10s)

setup: ## the programs that tests use, from Debian, where they are missing; INSTALL=no installs nothing
	@INSTALL=$(or $(INSTALL),yes) test/setup.sh

generate: ## what is made from the API's model
	go generate ./...
