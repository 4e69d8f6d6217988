package xfr

import (
	"encoding/binary"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
)

// Apex holds the settings that the records of all zones share.
type Apex struct {
	// Servers are the names in the NS records, in wire form.
	Servers []string
	NSTTL   uint32
	// SOA is the data of SOA records before the serial, Timers are their refresh,
	// retry and expire fields in seconds.
	SOA    []byte
	Timers [3]uint32
	// Fixed has the names that the configuration sets. Nil: there are none.
	Fixed *zone.Fixed
}

// isServer reports whether a name is that of a name server.
func (a *Apex) isServer(name string) bool {
	return slices.ContainsFunc(a.Servers, func(server string) bool { return dnswire.EqualName(server, name) })
}

// soaOf has the parts of an SOA record that differ from zone to zone, except for the
// serial.
type soaOf struct {
	apex         string
	own          string // the data of a zone that has an SOA record of its own
	ttl, minimum uint32
}

func (a *Apex) appendSOA(b []byte, z soaOf, serial uint64) []byte {
	data := a.soaData(z, serial)
	return append(appendHead(b, z.apex, dnswire.TypeSOA, z.ttl, len(data)), data...)
}

func (a *Apex) soaData(z soaOf, serial uint64) []byte {
	if z.own != "" {
		return zone.SOAData(z.own, serial)
	}
	b := binary.BigEndian.AppendUint32(slices.Clip(a.SOA), uint32(serial))
	for _, t := range a.Timers {
		b = binary.BigEndian.AppendUint32(b, t)
	}
	return binary.BigEndian.AppendUint32(b, z.minimum)
}

// ns returns the NS records of every zone. A server that is configured twice has one.
func (a *Apex) ns() zone.Copy {
	c := zone.Copy{Type: dnswire.TypeNS, TTL: a.NSTTL}
	for i, server := range a.Servers {
		if !slices.ContainsFunc(a.Servers[:i], func(before string) bool { return dnswire.EqualName(before, server) }) {
			c.Data = append(c.Data, []byte(server))
		}
	}
	return c
}

// appendHead appends a record of class IN up to its data.
func appendHead(b []byte, name string, rrtype uint16, ttl uint32, dataLen int) []byte {
	return dnswire.AppendFixed(append(b, name...), rrtype, dnswire.ClassIN, ttl, dataLen)
}
