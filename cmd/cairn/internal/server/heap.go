package server

import (
	"math"
	"os"
	"runtime/debug"
)

// heapReserve is how much garbage a node makes, at least, between two garbage collections.
const heapReserve = 48 << 20

// reserveHeap returns memory that only counts as live for the garbage collector. A node with
// few records has a heap of some MiB, which would be collected many times a second under
// load. Nothing writes to the reserve, so it needs no physical memory; garbage that waits
// for its collection does, at most as much as the reserve and the live heap. The caller keeps
// it alive. It is empty if the environment sets the garbage collector (GOGC, GOMEMLIMIT).
func reserveHeap() []byte {
	if os.Getenv("GOGC") != "" || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return nil
	}
	return make([]byte, heapReserve)
}
