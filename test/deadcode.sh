#!/bin/sh
# Fails if there is a function that no program reaches: neither the command nor
# the benchmarks and tools. Functions that tests alone use belong into tests.
set -eu
export CGO_ENABLED=0 # as the programs that tests build

# What the test helper node/nodetest needs of a node, and what generated code can call
# of the codecs: each API calls a part of it, the made-up APIs of test/protocols all.
# Prefixes has the kinds of records, for the tests of all kinds.
allowed='^edge/admin/admin\.go:.*: unreachable func: Server\.Handler$|^node/.*: unreachable func: Node\.(Ready|Addrs)$|^core/state/slice\.go:.*: unreachable func: Prefixes$|^edge/aws/(awsjson|awsxml|constraint|query|rest|timestamp)/'

dead=$(go tool -modfile=tools/tools.mod deadcode ./cmd/... ./bench/... ./tools/... | grep -vE "$allowed" || true)
helpers=$(go tool -modfile=tools/tools.mod deadcode -test ./...)
[ -z "$dead$helpers" ] || {
	printf '%s\n' "$dead" "$helpers" | sort -u
	echo "nothing calls these functions" >&2
	exit 1
}
