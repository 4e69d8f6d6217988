#!/bin/sh
# Runs every fuzz target of the module for the time given, one after the other.
set -eu
time=${1:-10s}
count=0
for file in $(git ls-files -co --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz'); do
	dir=$(dirname "$file")
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "fuzz ./$dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$dir"
		count=$((count + 1))
	done
done
echo "$count fuzz targets ran for $time each"
