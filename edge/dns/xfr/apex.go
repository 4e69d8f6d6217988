package xfr

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/cairn-discovery/cairn/core/zone"
)

// Apex is what all zones have in common.
type Apex struct {
	// Servers are the names in NS records, in wire form.
	Servers []string
	NSTTL   uint32
	// SOA is the data of SOA records up to the serial, Timers are their refresh,
	// retry and expire.
	SOA    []byte
	Timers [3]uint32
	// Hosts are names that the server answers itself, of which zones have those
	// that lie in them.
	Hosts []Host
}

// Host is a name with fixed addresses. It hides what a service has there.
type Host struct {
	Name  string // in wire form and lower case
	TTL   uint32
	Addrs []netip.Addr
}

// Types of records.
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typeSOA   = 6
	typeAAAA  = 28
	typeSRV   = 33
	typeOPT   = 41
	classIN   = 1
)

// below reports whether a name is in the tree that begins at another. Both are
// in wire form and lower case.
func below(name, top string) bool {
	for ; len(name) > len(top); name = name[1+name[0]:] {
	}
	return name == top
}

// hostsIn yields the hosts that lie in a zone.
func (a *Apex) hostsIn(apex string, yield func(*Host)) {
	for i := range a.Hosts {
		if below(a.Hosts[i].Name, apex) {
			yield(&a.Hosts[i])
		}
	}
}

func (a *Apex) isHost(name string) bool {
	for i := range a.Hosts {
		if a.Hosts[i].Name == name {
			return true
		}
	}
	return false
}

// soaOf is what the SOA record of a zone has of its own, its serial aside.
type soaOf struct {
	apex         string
	ttl, minimum uint32
}

func (a *Apex) appendSOA(b []byte, z soaOf, revision uint64) []byte {
	b = appendHead(b, z.apex, typeSOA, z.ttl, len(a.SOA)+20)
	b = append(b, a.SOA...)
	b = binary.BigEndian.AppendUint32(b, zone.Serial(revision))
	for _, t := range a.Timers {
		b = binary.BigEndian.AppendUint32(b, t)
	}
	return binary.BigEndian.AppendUint32(b, z.minimum)
}

// appendNS appends the NS records of a zone, or of one that is cut out of it.
func (a *Apex) appendNS(b []byte, name string) []byte {
	for i, server := range a.Servers {
		// A server that is listed twice has one record.
		twice := false
		for _, before := range a.Servers[:i] {
			twice = twice || strings.EqualFold(before, server)
		}
		if !twice {
			b = appendHead(b, name, typeNS, a.NSTTL, len(server))
			b = append(b, server...)
		}
	}
	return b
}

func (h *Host) append(b []byte) []byte {
	for _, addr := range h.Addrs {
		if addr = addr.Unmap(); addr.Is4() {
			b = appendHead(b, h.Name, typeA, h.TTL, 4)
		} else {
			b = appendHead(b, h.Name, typeAAAA, h.TTL, 16)
		}
		b = append(b, addr.AsSlice()...)
	}
	return b
}

// appendHead appends a record up to its data.
func appendHead(b []byte, name string, rtype uint16, ttl uint32, data int) []byte {
	b = append(b, name...)
	b = binary.BigEndian.AppendUint16(b, rtype)
	b = binary.BigEndian.AppendUint16(b, classIN)
	b = binary.BigEndian.AppendUint32(b, ttl)
	return binary.BigEndian.AppendUint16(b, uint16(data))
}
