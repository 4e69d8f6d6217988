package xfr

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
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

// appendOwner appends the records of a name.
func appendOwner(b []byte, o *zone.Owner, strict bool) []byte {
	for i := range o.V4 {
		b = appendHead(b, o.Name, dnswire.TypeA, o.TTL[zone.A], 4)
		b = append(b, o.V4[i][:]...)
	}
	for i := range o.V6 {
		b = appendHead(b, o.Name, dnswire.TypeAAAA, o.TTL[zone.AAAA], 16)
		b = append(b, o.V6[i][:]...)
	}
	if o.Target != nil {
		b = appendHead(b, o.Name, dnswire.TypeCNAME, o.TTL[zone.CNAME], len(o.Target.Name))
		b = append(b, o.Target.Name...)
	}
	return appendSRV(b, o, strict)
}

// appendSRV appends SRV records without duplicates. Targets are in lower case: ids
// that differ in case only have the same name.
func appendSRV(b []byte, o *zone.Owner, strict bool) []byte {
	start := len(b)
	for _, h := range o.Hosts {
		b = appendHead(b, o.Name, dnswire.TypeSRV, o.TTL[zone.SRV], 6+len(h.Label)+len(o.Tail))
		weight := uint16(h.Weight)
		if strict {
			weight = 1
		}
		b = binary.BigEndian.AppendUint16(b, 1)
		b = binary.BigEndian.AppendUint16(b, weight)
		b = binary.BigEndian.AppendUint16(b, h.Port)
		at := len(b)
		b = append(b, h.Label...)
		b = append(b, o.Tail...)
		dnswire.Lower(b[at:])
	}
	if rrs := list(b[start:]); len(rrs) < len(o.Hosts) {
		b = append(b[:start:start], bytes.Join(rrs, nil)...)
	}
	return b
}
