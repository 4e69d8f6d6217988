package xfr

import (
	"encoding/binary"
	"net/netip"
	"strings"

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
	// Hosts are names that the server answers itself. Each is in the copies of the
	// zones that contain its name.
	Hosts []Host
}

// Host is a name with fixed addresses. It replaces a service of the same name.
type Host struct {
	Name  string // in wire form and lower case
	TTL   uint32
	Addrs []netip.Addr
}

// hostsIn calls yield for the hosts in a zone.
func (a *Apex) hostsIn(apex string, yield func(*Host)) {
	for i := range a.Hosts {
		if dnswire.IsSubdomain(a.Hosts[i].Name, apex) {
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

// soaOf has the parts of an SOA record that differ from zone to zone, except for the
// serial.
type soaOf struct {
	apex         string
	ttl, minimum uint32
}

func (a *Apex) appendSOA(b []byte, z soaOf, revision uint64) []byte {
	b = appendHead(b, z.apex, dnswire.TypeSOA, z.ttl, len(a.SOA)+20)
	b = append(b, a.SOA...)
	b = binary.BigEndian.AppendUint32(b, zone.Serial(revision))
	for _, t := range a.Timers {
		b = binary.BigEndian.AppendUint32(b, t)
	}
	return binary.BigEndian.AppendUint32(b, z.minimum)
}

// appendNS appends the NS records of a zone or of a zone below it.
func (a *Apex) appendNS(b []byte, name string) []byte {
	for i, server := range a.Servers {
		// A server that is configured twice has one record.
		twice := false
		for _, before := range a.Servers[:i] {
			twice = twice || strings.EqualFold(before, server)
		}
		if !twice {
			b = appendHead(b, name, dnswire.TypeNS, a.NSTTL, len(server))
			b = append(b, server...)
		}
	}
	return b
}

func (h *Host) append(b []byte) []byte {
	for _, addr := range h.Addrs {
		if addr = addr.Unmap(); addr.Is4() {
			b = appendHead(b, h.Name, dnswire.TypeA, h.TTL, 4)
		} else {
			b = appendHead(b, h.Name, dnswire.TypeAAAA, h.TTL, 16)
		}
		b = append(b, addr.AsSlice()...)
	}
	return b
}

// appendHead appends a record of class IN up to its data.
func appendHead(b []byte, name string, rrtype uint16, ttl uint32, dataLen int) []byte {
	return dnswire.AppendFixed(append(b, name...), rrtype, dnswire.ClassIN, ttl, dataLen)
}
