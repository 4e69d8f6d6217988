package xfr

import (
	"bytes"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// records are resource records in wire form without compression, one after the
// other.
type records struct {
	wire []byte
	n    int
}

// cut returns the first record of b, and the length of its name.
func cut(b []byte) (rr []byte, name int) {
	r, ok := dnswire.ParseRecord(b, 0)
	if !ok {
		panic("xfr: half a record") // they are written here
	}
	return b[:r.End:r.End], r.NameEnd()
}

// each calls do for each record.
func (r *records) each(do func(rr []byte) error) error {
	for b := r.wire; len(b) > 0; {
		rr, _ := cut(b)
		if err := do(rr); err != nil {
			return err
		}
		b = b[len(rr):]
	}
	return nil
}

// list splits wire into its records, sorted and without duplicates.
func list(wire []byte) [][]byte {
	var out [][]byte
	for b := wire; len(b) > 0; {
		rr, _ := cut(b)
		out = append(out, rr)
		b = b[len(rr):]
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

// compare adds the records that are only in old to removed, and those that are only
// in new to added.
func compare(old, new [][]byte, removed, added *records) {
	for len(old) > 0 || len(new) > 0 {
		by := 0
		switch {
		case len(old) == 0:
			by = 1
		case len(new) == 0:
			by = -1
		default:
			by = bytes.Compare(old[0], new[0])
		}
		if by < 0 {
			removed.add(old[0])
		}
		if by > 0 {
			added.add(new[0])
		}
		if by <= 0 {
			old = old[1:]
		}
		if by >= 0 {
			new = new[1:]
		}
	}
}

func (r *records) add(rr []byte) {
	r.wire = append(r.wire, rr...)
	r.n++
}
