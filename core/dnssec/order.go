package dnssec

import (
	"cmp"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// CompareNames compares names in wire form and lower case in the canonical order of
// RFC 4034 section 6.1: by labels from the last to the first. It is negative if a is
// before b.
func CompareNames(a, b string) int {
	var labelsA, labelsB [dnswire.MaxName / 2]uint8
	i, j := labelsOf(a, &labelsA), labelsOf(b, &labelsB)
	for i > 0 && j > 0 {
		i, j = i-1, j-1
		if c := cmp.Compare(label(a, labelsA[i]), label(b, labelsB[j])); c != 0 {
			return c
		}
	}
	return i - j
}

// labelsOf puts the offsets of the labels of a name into at and returns their number.
func labelsOf(name string, at *[dnswire.MaxName / 2]uint8) int {
	n := 0
	for i := 0; name[i] != 0; i += 1 + int(name[i]) {
		at[n] = uint8(i)
		n++
	}
	return n
}

func label(name string, at uint8) string { return name[int(at)+1 : int(at)+1+int(name[at])] }
