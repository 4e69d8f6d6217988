#!/usr/bin/env bash
# Runs every fuzz target of the module for the time ("10s") or the number of inputs
# ("5000x") given. CI gives a number: Go may report the end of the time as a failure
# ("context deadline exceeded") on a slow machine. Only this module is instrumented for
# coverage: with "go test -fuzz", everything else would be compiled once more.
set -euo pipefail
export CGO_ENABLED=0 # as the programs that tests build
amount=${1:-10s}
module=$(go list -m)
packages=$(git ls-files -co --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz' | xargs -n1 dirname | sort -u | sed 's|^|./|')
log=$(mktemp)
trap 'rm -f "$log"' EXIT
go test -v -count 1 -timeout 0 -vet off -gcflags "$module/...=-d=libfuzzer" \
	-exec "'$PWD/test/fuzz_package.sh' $amount" $packages | tee "$log"
echo "$(grep -c '^fuzz target ' "$log") fuzz targets ran for $amount each"
