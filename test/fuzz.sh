#!/bin/sh
# Runs every fuzz target of the module, one after the other, for the time ("10s")
# or the number of inputs ("5000x") given. CI gives a number: Go may report the
# end of the time as a failure ("context deadline exceeded") on a slow machine.
# Each package is built once for all of its targets, and only this module is instrumented
# for coverage: with "go test -fuzz", everything else would be compiled once more.
set -eu
export CGO_ENABLED=0 # as the programs that tests build
amount=${1:-10s}
cache=$(go env GOCACHE)/fuzz/$(go list -m)
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
count=0
for dir in $(git ls-files -co --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz' | xargs -n1 dirname | sort -u); do
	go test -c -gcflags "$(go list -m)/...=-d=libfuzzer" -o "$built/fuzz.test" "./$dir"
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go); do
		echo "fuzz ./$dir $target"
		(cd "$dir" && "$built/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$amount" \
			-test.fuzzminimizetime 100x -test.fuzzcachedir "$cache/$dir")
		count=$((count + 1))
	done
done
echo "$count fuzz targets ran for $amount each"
