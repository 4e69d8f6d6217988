#!/bin/sh
# Runs the fuzz targets of the package in the current folder, one after the other:
# fuzz_package.sh AMOUNT TEST-PROGRAM [FLAG...]. fuzz.sh has go test call it.
set -eu
amount=$1 program=$2
package=$(go list)
for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' ./*_test.go); do
	echo "fuzz target $package $target"
	"$program" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$amount" \
		-test.fuzzminimizetime 100x -test.fuzzcachedir "$(go env GOCACHE)/fuzz/$package"
done
