package zone

import (
	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Record is one record of an RRset whose data is not an address, or an alias.
type Record struct {
	// ID distinguishes the member that the record is of, where one record has to
	// be chosen in the same way by all nodes.
	ID string
	// Data is the data of the record in wire form, without the Suffix of its
	// RRset; of an alias it is the name of the target.
	Data string
	// Host holds the addresses of the target of an SRV record, if the record
	// brings them along: then the target is a name of the zone.
	Host Host
}

// Host holds the addresses of a name that exists because an SRV record points to
// it.
type Host struct {
	V4           [4]byte
	V6           [16]byte
	HasV4, HasV6 bool
	// TTL is that of the SRV records, in seconds.
	TTL uint32
	// Pending: the health of the instance is not known yet, so the addresses are
	// not answered.
	Pending bool

	exists bool
	// next is another host of the same name.
	next *Host
}

// NewHost returns a Host that is a name of the zone.
func NewHost(h Host) Host {
	h.exists, h.next = true, nil
	return h
}

// NextSameName returns another host of the same name, or nil: names of instances
// can differ by case, names in the DNS do not.
func (h *Host) NextSameName() *Host { return h.next }

// sameAddresses ignores the other hosts of the name.
func (h *Host) sameAddresses(other *Host) bool {
	a, b := *h, *other
	a.next, b.next = nil, nil
	return a == b
}

// without returns the chain of hosts without one like m.
func (h *Host) without(m *Host) *Host {
	if h == nil {
		return nil
	}
	if h.sameAddresses(m) {
		return h.next
	}
	c := *h
	c.next = h.next.without(m)
	return &c
}

// same reports whether two records are the same in every respect; both may be nil.
func (r *Record) same(other *Record) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.ID == other.ID && r.Data == other.Data && r.Host.sameAddresses(&other.Host)
}

// Health says whether a member is answered with.
type Health uint8

// The states of health.
const (
	// Up: the member is in rotation.
	Up Health = iota
	// Down: the member is answered with only where none is up.
	Down
	// Pending: the member is not answered with before its first verdict.
	Pending
)

// Member contributes records to the RRsets of a name: an instance of a service.
type Member struct {
	Health Health
	// Weight counts in RRsets with the policy Weighted, Region in those with
	// Latency.
	Weight uint8
	Region string

	// V4 and V6 are the data for the RRsets of types A and AAAA.
	V4           [4]byte
	V6           [16]byte
	HasV4, HasV6 bool
	// Alias, if not nil, takes the place of addresses: A and AAAA are answered
	// with the addresses of another name.
	Alias *Record
	// Record is the data for the RRset of type Type, which is none of the above. Type
	// 0: there is none.
	Type   uint16
	Record *Record
}

// same reports whether two members contribute the same records.
func (m *Member) same(other *Member) bool {
	return m.Health == other.Health && m.Weight == other.Weight && m.Region == other.Region &&
		m.V4 == other.V4 && m.V6 == other.V6 && m.HasV4 == other.HasV4 && m.HasV6 == other.HasV6 &&
		m.Type == other.Type && m.Alias.same(other.Alias) && m.Record.same(other.Record)
}

// classKey is the key of the class of a pool that the member belongs to. The
// policy decides what it consists of.
func (m *Member) classKey(p Policy) classKey {
	key := classKey{down: m.Health == Down}
	switch p {
	case Weighted:
		key.weight = m.Weight
	case Latency:
		key.region = m.Region
	}
	return key
}

// values are the operations on the values of a pool.
type values[T any] interface {
	hash(T) uint32
	same(a, b T) bool
	// twins reports whether two values that are not the same are one in an answer, whose
	// weights all count the same if even. Twins have one hash.
	twins(a, b T, even bool) bool
}

// addr4, addr6 and recordPtr are the operations on IPv4 addresses, on IPv6
// addresses and on other records.
type (
	addr4     struct{}
	addr6     struct{}
	recordPtr struct{}
)

func (addr4) hash(v [4]byte) uint32            { return uint32(Hash(v[:])) }
func (addr4) same(a, b [4]byte) bool           { return a == b }
func (addr4) twins(_, _ [4]byte, _ bool) bool  { return false }
func (addr6) hash(v [16]byte) uint32           { return uint32(Hash(v[:])) }
func (addr6) same(a, b [16]byte) bool          { return a == b }
func (addr6) twins(_, _ [16]byte, _ bool) bool { return false }
func (recordPtr) same(a, b *Record) bool       { return a.same(b) }

// hash ignores the case of letters and, of SRV records, the weight.
func (recordPtr) hash(r *Record) uint32 {
	var buf [dnswire.MaxName + srvFixed]byte
	data := buf[:copy(buf[:], r.Data)]
	dnswire.Lower(data)
	if len(data) > srvFixed {
		data[2], data[3] = 0, 0
	}
	return uint32(Hash(data))
}

// twins compares SRV records. Ids of instances that differ only in the case of letters
// give targets that do: RFC 2181 section 5, RFC 4343.
func (recordPtr) twins(a, b *Record, even bool) bool {
	return len(a.Data) > srvFixed && len(b.Data) > srvFixed &&
		a.Data[:2] == b.Data[:2] && (even || a.Data[2:4] == b.Data[2:4]) && a.Data[4:srvFixed] == b.Data[4:srvFixed] &&
		dnswire.EqualName(a.Data[srvFixed:], b.Data[srvFixed:])
}
