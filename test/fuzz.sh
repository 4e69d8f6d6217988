#!/bin/sh
# Runs every fuzz target of the module, one after the other, for the time ("10s")
# or the number of inputs ("5000x") given. CI gives a number: Go may report the
# end of the time as a failure ("context deadline exceeded") on a slow machine.
set -eu
amount=${1:-10s}
count=0
for file in $(git ls-files -co --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz'); do
	dir=$(dirname "$file")
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "fuzz ./$dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$amount" -fuzzminimizetime 100x "./$dir"
		count=$((count + 1))
	done
done
echo "$count fuzz targets ran for $amount each"
