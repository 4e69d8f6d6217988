package zone

import (
	"net/netip"
	"strconv"

	"cairn/core/registry"
	"cairn/internal/ptree"
)

// AttrRegion is the attribute by which LATENCY knows where an instance is.
const AttrRegion = "region"

// newSet makes the Set of a service without its instances, or nil if it has no
// records.
func newSet(ns *registry.Namespace, svc *registry.Service) *Set {
	tail, ok := wireTail(ns, svc)
	if svc.DNS == nil || !ok {
		return nil
	}
	s := &Set{Service: svc.ID, policy: policyOf(svc.DNS.Policy), Tail: tail, checked: svc.HasHealth()}
	for _, rec := range svc.DNS.Records {
		if k, ok := kindOf(rec.Type); ok {
			s.has[k], s.TTL[k] = true, uint32(rec.TTL)
		}
	}
	return s
}

// wireTail is the name of a service in wire form; "." is the namespace itself.
func wireTail(ns *registry.Namespace, svc *registry.Service) (string, bool) {
	b, ok := AppendName(make([]byte, 0, 64), svc.Name)
	b, ok2 := AppendName(b, ns.Name)
	b = append(b, 0)
	return string(b), ok && ok2 && len(b) <= MaxName
}

func kindOf(t registry.RecordType) (Kind, bool) {
	switch t {
	case registry.RecordA:
		return A, true
	case registry.RecordAAAA:
		return AAAA, true
	case registry.RecordSRV:
		return SRV, true
	case registry.RecordCNAME:
		return CNAME, true
	}
	return 0, false
}

// member is what the instances of a service are to its records.
type member struct {
	id      registry.InstanceID
	key     classKey
	waiting bool // not answered before the first verdict

	v4     [4]byte
	v6     [16]byte
	hasV4  bool
	hasV6  bool
	host   *Host
	target *Target
}

// member reads an instance. The result depends on nothing but the instance and
// the Set's own settings, so what was added can be found again.
func (s *Set) member(inst *registry.Instance) member {
	m := member{id: inst.ID}
	health := inst.HealthIn(s.checked)
	m.key.down = health == registry.Unhealthy
	m.waiting = s.checked && health == registry.Unknown
	weight, region := uint8(1), ""
	port := uint16(0)
	for k, v := range inst.Attributes.All() {
		switch k {
		case registry.AttrIPv4:
			m.v4, m.hasV4 = parse4(v)
		case registry.AttrIPv6:
			m.v6, m.hasV6 = parse6(v)
		case registry.AttrPort:
			n, _ := strconv.ParseUint(v, 10, 16)
			port = uint16(n)
		case registry.AttrCNAME:
			m.target = s.targetOf(CNAME, v)
		case registry.AttrAliasDNSName:
			m.target = s.targetOf(A, v)
		case registry.AttrWeight:
			weight = parseWeight(v)
		case AttrRegion:
			region = v
		}
	}
	switch s.policy {
	case weighted:
		m.key.weight = weight
	case latency:
		m.key.region = region
	}
	if s.has[SRV] {
		m.host = &Host{Label: label(inst.ID), Port: port, Weight: weight, V4: m.v4, V6: m.v6,
			HasV4: m.hasV4, HasV6: m.hasV6, TTL: s.TTL[SRV], id: inst.ID, waiting: m.waiting}
	}
	return m
}

func label(id registry.InstanceID) string {
	if len(id) > 63 {
		id = id[:63] // registration does not let it come to this
	}
	return string(rune(len(id))) + string(id)
}

func parse4(v string) ([4]byte, bool) {
	addr, err := netip.ParseAddr(v)
	if err != nil || !addr.Is4() {
		return [4]byte{}, false
	}
	return addr.As4(), true
}

func parse6(v string) ([16]byte, bool) {
	addr, err := netip.ParseAddr(v)
	if err != nil || !addr.Is6() {
		return [16]byte{}, false
	}
	return addr.As16(), true
}

// parseWeight reads a weight. The attribute's name is a common word, so where
// it is not checked it may hold anything.
func parseWeight(v string) uint8 {
	n, err := strconv.ParseUint(v, 10, 8)
	if err != nil {
		return 1
	}
	return uint8(n)
}

// targetOf returns the target if the service has records of the kind, A standing
// for AAAA too.
func (s *Set) targetOf(k Kind, name string) *Target {
	if !s.has[k] && (k != A || !s.has[AAAA]) {
		return nil
	}
	wire, ok := Wire(name)
	if !ok {
		return nil
	}
	return &Target{Name: wire}
}

// add takes an instance in. The Set must be the caller's own copy.
func (s *Set) add(t *ptree.Token, m *member) {
	s.count++
	if m.waiting {
		return
	}
	var at slot
	switch {
	case s.has[SRV]:
		s.hosts = copied(s.hosts)
		at[0] = s.hosts.add(m.key, m.id, m.host)
	case m.target != nil:
		s.names = copied(s.names)
		at[0] = s.names.add(m.key, m.id, m.target)
	default:
		if s.has[A] && m.hasV4 {
			at[0] = s.v4.add(m.key, m.id, m.v4)
		}
		if s.has[AAAA] && m.hasV6 {
			at[1] = s.v6.add(m.key, m.id, m.v6)
		}
	}
	s.slots = s.slots.Put(t, m.id, at)
}

func copied[T any](p *pool[T]) *pool[T] {
	if p == nil {
		return new(pool[T])
	}
	c := *p
	return &c
}

// remove takes an instance out that was added in the same form.
func (s *Set) remove(t *ptree.Token, m *member) {
	s.count--
	if m.waiting {
		return
	}
	at, ok := s.slots.Get(m.id)
	if !ok {
		return
	}
	s.slots = s.slots.Delete(t, m.id)
	switch {
	case s.has[SRV]:
		s.hosts = copied(s.hosts)
		s.moved(t, 0, at[0])(s.hosts.remove(m.key, at[0]))
	case m.target != nil:
		s.names = copied(s.names)
		s.moved(t, 0, at[0])(s.names.remove(m.key, at[0]))
	default:
		if s.has[A] && m.hasV4 {
			s.moved(t, 0, at[0])(s.v4.remove(m.key, at[0]))
		}
		if s.has[AAAA] && m.hasV6 {
			s.moved(t, 1, at[1])(s.v6.remove(m.key, at[1]))
		}
	}
}

// moved records the new index of the instance that took the place of another.
func (s *Set) moved(t *ptree.Token, field int, to uint32) func(registry.InstanceID, bool) {
	return func(id registry.InstanceID, ok bool) {
		if !ok {
			return
		}
		at, _ := s.slots.Get(id)
		at[field] = to
		s.slots = s.slots.Put(t, id, at)
	}
}
