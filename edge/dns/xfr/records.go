package xfr

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/cairn-discovery/cairn/core/zone"
)

// records are resource records in wire form, not compressed, one after the
// other.
type records struct {
	wire []byte
	n    int
}

// recordLen returns how long the record at the beginning of b is, and how long
// its name is.
func recordLen(b []byte) (all, name int) {
	for b[name] != 0 {
		name += 1 + int(b[name])
	}
	name++
	return name + 10 + int(binary.BigEndian.Uint16(b[name+8:])), name
}

// each hands out one record after the other.
func (r *records) each(do func(rr []byte) error) error {
	for b := r.wire; len(b) > 0; {
		n, _ := recordLen(b)
		if err := do(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// list returns the records apart from each other, sorted, none twice.
func list(wire []byte) [][]byte {
	var out [][]byte
	for b := wire; len(b) > 0; {
		n, _ := recordLen(b)
		out = append(out, b[:n:n])
		b = b[n:]
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

// compare adds to gone what is only in old and to come what is only in new.
func compare(old, new [][]byte, gone, come *records) {
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
			gone.add(old[0])
		}
		if by > 0 {
			come.add(new[0])
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
		b = appendHead(b, o.Name, typeA, o.TTL[zone.A], 4)
		b = append(b, o.V4[i][:]...)
	}
	for i := range o.V6 {
		b = appendHead(b, o.Name, typeAAAA, o.TTL[zone.AAAA], 16)
		b = append(b, o.V6[i][:]...)
	}
	if o.Target != nil {
		b = appendHead(b, o.Name, typeCNAME, o.TTL[zone.CNAME], len(o.Target.Name))
		b = append(b, o.Target.Name...)
	}
	return appendSRV(b, o, strict)
}

// appendSRV appends SRV records. Targets are in lower case: ids that differ by
// case make one name, and two records of one port must not be there twice.
func appendSRV(b []byte, o *zone.Owner, strict bool) []byte {
	start := len(b)
	for _, h := range o.Hosts {
		b = appendHead(b, o.Name, typeSRV, o.TTL[zone.SRV], 6+len(h.Label)+len(o.Tail))
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
		zone.Lower(b[at:])
	}
	if rrs := list(b[start:]); len(rrs) < len(o.Hosts) {
		b = append(b[:start:start], bytes.Join(rrs, nil)...)
	}
	return b
}
