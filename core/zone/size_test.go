package zone

import (
	"testing"
	"unsafe"
)

// A name of a service takes a Node, a Set and an RRset. They are the sizes of allocations
// of Go, and what the usual answer needs is at the beginning of the Set: one more field
// can take memory for each name, and one more wait for memory for each answer.
func TestSizes(t *testing.T) {
	for name, c := range map[string]struct{ size, want uintptr }{
		"Node":             {unsafe.Sizeof(Node{}), 112},
		"Set":              {unsafe.Sizeof(Set{}), 96},
		"RRset":            {unsafe.Sizeof(RRset{}), 64},
		"Set, for inline":  {unsafe.Offsetof(Set{}.rrsets), 48},
		"Node, with a set": {unsafe.Offsetof(Node{}.host), 80},
	} {
		if c.size > c.want {
			t.Errorf("%s: %d octets, want at most %d", name, c.size, c.want)
		}
	}
}
