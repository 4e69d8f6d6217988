package zone

import (
	"cairn/core/registry"
	"cairn/internal/chunkvec"
	"cairn/internal/ptree"
)

// Set holds the records of a service, prepared for answering: of an address
// record just the address, since all the rest of it is the same for the whole
// RRset. It is immutable.
type Set struct {
	Service registry.ServiceID
	// TTL is that of each kind of record, in seconds; Has says which the
	// service has.
	TTL    [kinds]uint32
	has    [kinds]bool
	policy policy
	// few4 are the IPv4 addresses that every answer holds, where fewNumber is
	// not zero: the usual service is answered without following a pointer.
	fewNumber uint8
	few4      [MaxAnswer][4]byte
	// Tail is the name of the service in wire form, as it was given: the hosts
	// that SRV records point to are below it.
	Tail string

	checked bool // the service has a health check
	count   int  // registered instances, those that are not answered included

	v4    pool[[4]byte]
	v6    pool[[16]byte]
	hosts *pool[*Host]   // with SRV records
	names *pool[*Target] // with CNAME records, or aliases
	// slots says where in its pool an instance is: the class follows from the
	// instance, this is the index there.
	slots ptree.Map[registry.InstanceID, slot]
}

// policy is a registry.RoutingPolicy.
type policy uint8

const (
	multivalue policy = iota
	weighted
	latency
)

func policyOf(p registry.RoutingPolicy) policy {
	switch p {
	case registry.Weighted:
		return weighted
	case registry.Latency:
		return latency
	}
	return multivalue
}

// ByLatency reports whether Picker.Regions matters.
func (s *Set) ByLatency() bool { return s.policy == latency }

// settle brings few4 up to date.
func (s *Set) settle() {
	s.fewNumber = 0
	classes := s.v4.live
	if len(classes) == 0 {
		classes = s.v4.down
	}
	if s.policy == multivalue && len(classes) == 1 && classes[0].vals.Len() <= MaxAnswer {
		s.fewNumber = uint8(copy(s.few4[:], classes[0].vals.First()))
	}
}

// Kind is a type of record that services have.
type Kind uint8

// The kinds of records.
const (
	A Kind = iota
	AAAA
	SRV
	CNAME
	kinds
)

// Has reports whether the service has records of a kind, even if no instance
// makes one.
func (s *Set) Has(k Kind) bool { return s.has[k] }

// Count returns the number of registered instances, whatever their health.
func (s *Set) Count() int { return s.count }

// Host is the target of an SRV record.
type Host struct {
	// Label is the instance's id as a label in wire form: any octets.
	Label  string
	Port   uint16
	Weight uint8
	V4     [4]byte
	V6     [16]byte
	HasV4  bool
	HasV6  bool
	// TTL is that of the SRV records.
	TTL uint32

	id      registry.InstanceID
	waiting bool // for a first verdict on its health
	// twin is another host of the same name: ids differ by case, names do not.
	twin *Host
}

// Twin returns another host of the same name, or nil.
func (h *Host) Twin() *Host { return h.twin }

// Waiting reports whether the host's health is not known yet, so that it is not
// answered.
func (h *Host) Waiting() bool { return h.waiting }

// Target is the other name that a CNAME record or an alias points to.
type Target struct {
	// Name is in wire form, its case as given.
	Name string
}

// slot is the place of an instance: the index in the class of its IPv4 address,
// host or target, and that of its IPv6 address.
type slot [2]uint32

// pool holds the values of one kind of record, so sorted that picking some of
// those in rotation needs no look at the others.
type pool[T any] struct {
	live []class[T] // in rotation
	down []class[T] // known to be unhealthy
}

// classKey is what the values of a class have in common. Policies that do not
// look at one of these leave it at its zero value.
type classKey struct {
	down   bool
	weight uint8  // WEIGHTED
	region string // LATENCY
}

// class is a set of values that are alike to the routing policy, in no order.
type class[T any] struct {
	classKey
	vals chunkvec.Vec[T]
	ids  chunkvec.Vec[registry.InstanceID]
}

func (p *pool[T]) list(down bool) *[]class[T] {
	if down {
		return &p.down
	}
	return &p.live
}

// add puts a value into its class and returns its index there.
func (p *pool[T]) add(key classKey, id registry.InstanceID, val T) uint32 {
	list := p.list(key.down)
	i := indexOf(*list, key)
	old := *list
	*list = make([]class[T], max(len(old), i+1))
	copy(*list, old)
	c := &(*list)[i]
	c.classKey = key
	at := c.vals.Len()
	c.vals, c.ids = c.vals.Push(val), c.ids.Push(id)
	return uint32(at)
}

// indexOf returns the index of a class, len(list) if there is none.
func indexOf[T any](list []class[T], key classKey) int {
	for i := range list {
		if list[i].classKey == key {
			return i
		}
	}
	return len(list)
}

// remove takes the value at an index out of a class. The last value of the class
// takes its place; remove returns the instance that this one belongs to.
func (p *pool[T]) remove(key classKey, at uint32) (moved registry.InstanceID, ok bool) {
	list := p.list(key.down)
	i := indexOf(*list, key)
	c := (*list)[i]
	last := c.vals.Len() - 1
	if last == 0 {
		*list = withoutClass(*list, i)
		return "", false
	}
	if int(at) != last {
		moved, ok = *c.ids.At(last), true
		c.vals, c.ids = c.vals.Set(int(at), *c.vals.At(last)), c.ids.Set(int(at), moved)
	}
	c.vals, c.ids = c.vals.Pop(), c.ids.Pop()
	next := make([]class[T], len(*list))
	copy(next, *list)
	next[i] = c
	*list = next
	return moved, ok
}

func withoutClass[T any](list []class[T], i int) []class[T] {
	if len(list) == 1 {
		return nil
	}
	next := make([]class[T], 0, len(list)-1)
	next = append(next, list[:i]...)
	return append(next, list[i+1:]...)
}
