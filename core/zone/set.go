package zone

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/internal/persist/chunkvec"
	"github.com/cairn-discovery/cairn/internal/persist/hashtrie"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
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

	owner *builder // may change the Set and its pools in place
}

// builder is one Draft, as the owner of what it has copied.
type builder struct {
	names hashtrie.Token
	trees ptree.Token
	vecs  chunkvec.Token
}

// own returns s itself if the builder may change it in place, else a copy that
// the builder owns.
func (s *Set) own(b *builder) *Set {
	if s.owner == b {
		return s
	}
	c := *s
	c.owner = b
	c.v4, c.v6 = s.v4.cloned(), s.v6.cloned()
	if s.hosts != nil {
		hosts := s.hosts.cloned()
		c.hosts = &hosts
	}
	if s.names != nil {
		names := s.names.cloned()
		c.names = &names
	}
	return &c
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

// Answers reports whether there may be records of a kind to answer with. Where
// there are aliases, what they lead to decides, which is not known here.
func (s *Set) Answers(k Kind) bool {
	aliases := s.names.any()
	switch k {
	case A:
		return s.has[A] && (s.v4.any() || aliases)
	case AAAA:
		return s.has[AAAA] && (s.v6.any() || aliases)
	case SRV:
		return s.has[SRV] && s.hosts.any()
	case CNAME:
		return s.has[CNAME] && aliases
	}
	return false
}

// Samples reports whether answers hold a part of the instances, drawn anew for
// each.
func (s *Set) Samples() bool { return s.policy != weighted && s.count > MaxAnswer }

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

	waiting bool // for a first verdict on its health
	// twin is another host of the same name: ids differ by case, names do not.
	twin *Host
}

// id is the instance's. Registration makes sure that it is no longer than a label.
func (h *Host) id() registry.InstanceID { return registry.InstanceID(h.Label[1:]) }

// Twin returns another host of the same name, or nil.
func (h *Host) Twin() *Host { return h.twin }

// Waiting reports whether the host's health is not known yet, so that it is not
// answered.
func (h *Host) Waiting() bool { return h.waiting }

// Target is the other name that a CNAME record or an alias points to.
type Target struct {
	// Name is in wire form, its case as given.
	Name string

	id registry.InstanceID
}

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
	// hashes are those of the ids of the instances that the values belong to:
	// an id is known elsewhere, and is too long to be repeated here.
	hashes chunkvec.Vec[uint32]
	// index finds a value by its hash, see entry. It is empty while there is but
	// one chunk of hashes, which is searched as fast.
	index ptree.Map[uint64, struct{}]
}

func (p *pool[T]) cloned() pool[T] { return pool[T]{slices.Clone(p.live), slices.Clone(p.down)} }

// any reports whether there are values at all; p may be nil.
func (p *pool[T]) any() bool { return p != nil && len(p.live)+len(p.down) > 0 }

func (p *pool[T]) list(down bool) *[]class[T] {
	if down {
		return &p.down
	}
	return &p.live
}

// add puts a value into its class. The pool must be b's own.
func (p *pool[T]) add(b *builder, key classKey, hash uint32, val T) {
	list := p.list(key.down)
	i := indexOf(*list, key)
	if i == len(*list) {
		*list = append(*list, class[T]{classKey: key})
	}
	(*list)[i].add(b, hash, val)
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

// remove takes a value out of its class: one that is the same as the value of
// the instance whose id has the hash. Of two that agree in both it does not
// matter which. The pool must be b's own.
func (p *pool[T]) remove(b *builder, key classKey, hash uint32, same func(T) bool) {
	list := p.list(key.down)
	i := indexOf(*list, key)
	if i == len(*list) {
		return
	}
	c := &(*list)[i]
	if at, ok := c.find(hash, same); ok {
		c.remove(b, at)
	}
	if c.vals.Len() == 0 {
		*list = withoutClass(*list, i)
	}
}

// entry is that of the i-th value in an index: in order of hashes.
func entry(hash uint32, i int) uint64 { return uint64(hash)<<32 | uint64(i+1) }

func (c *class[T]) add(b *builder, hash uint32, val T) {
	n := c.vals.Len()
	c.vals, c.hashes = c.vals.Push(&b.vecs, val), c.hashes.Push(&b.vecs, hash)
	switch {
	case n > chunkvec.Chunk:
		c.index = c.index.Put(&b.trees, entry(hash, n), struct{}{})
	case n == chunkvec.Chunk:
		for i := range n + 1 {
			c.index = c.index.Put(&b.trees, entry(*c.hashes.At(i), i), struct{}{})
		}
	}
}

// find returns the place of a value.
func (c *class[T]) find(hash uint32, same func(T) bool) (int, bool) {
	if c.vals.Len() <= chunkvec.Chunk {
		for i, h := range c.hashes.First() {
			if h == hash && same(*c.vals.At(i)) {
				return i, true
			}
		}
		return 0, false
	}
	for e := range c.index.After(entry(hash, -1)) {
		if uint32(e>>32) != hash {
			break
		}
		if i := int(uint32(e)) - 1; same(*c.vals.At(i)) {
			return i, true
		}
	}
	return 0, false
}

// remove takes the value at a place out; the last one takes its place.
func (c *class[T]) remove(b *builder, at int) {
	last := c.vals.Len() - 1
	lastHash := *c.hashes.At(last)
	if last <= chunkvec.Chunk {
		c.index = ptree.Map[uint64, struct{}]{}
	} else {
		c.index = c.index.Delete(&b.trees, entry(*c.hashes.At(at), at))
	}
	if at != last {
		if last > chunkvec.Chunk {
			c.index = c.index.Delete(&b.trees, entry(lastHash, last)).Put(&b.trees, entry(lastHash, at), struct{}{})
		}
		c.vals, c.hashes = c.vals.Set(&b.vecs, at, *c.vals.At(last)), c.hashes.Set(&b.vecs, at, lastHash)
	}
	c.vals, c.hashes = c.vals.Pop(&b.vecs), c.hashes.Pop(&b.vecs)
}

func withoutClass[T any](list []class[T], i int) []class[T] {
	if len(list) == 1 {
		return nil
	}
	next := make([]class[T], 0, len(list)-1)
	next = append(next, list[:i]...)
	return append(next, list[i+1:]...)
}
