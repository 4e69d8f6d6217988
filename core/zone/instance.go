package zone

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
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
	b, ok := dnswire.AppendLabels(make([]byte, 0, 64), svc.Name)
	b, ok2 := dnswire.AppendLabels(b, ns.Name)
	b = append(b, 0)
	return string(b), ok && ok2 && len(b) <= dnswire.MaxName
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
	m := member{id: inst.ID()}
	health := inst.HealthIn(s.checked)
	m.key.down = health == registry.Unhealthy
	m.waiting = s.checked && health == registry.Unknown
	weight, region := uint8(1), ""
	port := uint16(0)
	for k, v := range inst.Attributes().All() {
		switch k {
		case registry.AttrIPv4:
			m.v4, m.hasV4 = parse4(v)
		case registry.AttrIPv6:
			m.v6, m.hasV6 = parse6(v)
		case registry.AttrPort:
			n, _ := strconv.ParseUint(v, 10, 16)
			port = uint16(n)
		case registry.AttrCNAME:
			m.target = s.targetOf(inst, CNAME, v)
		case registry.AttrAliasDNSName:
			m.target = s.targetOf(inst, A, v)
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
		m.host = &Host{Label: label(inst.ID()), Port: port, Weight: weight, V4: m.v4, V6: m.v6,
			HasV4: m.hasV4, HasV6: m.hasV6, TTL: s.TTL[SRV], waiting: m.waiting}
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
func (s *Set) targetOf(inst *registry.Instance, k Kind, name string) *Target {
	if !s.has[k] && (k != A || !s.has[AAAA]) {
		return nil
	}
	wire, ok := dnswire.ParseName(name)
	if !ok {
		return nil
	}
	return &Target{Name: wire, id: registry.InstanceID(strings.Clone(string(inst.ID())))}
}

// sameRecords reports whether two members make the same records.
func (m *member) sameRecords(other *member) bool {
	a, b := *m, *other
	a.host, a.target, b.host, b.target = nil, nil, nil, nil
	return a == b && samePointed(m.host, other.host) && samePointed(m.target, other.target)
}

func samePointed[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// idHash is the hash of an instance's id that a class has.
func idHash(id registry.InstanceID) uint32 { return uint32(hashOf(string(id))) }

// add takes an instance in. The Set must be b's own.
func (s *Set) add(b *builder, m *member) {
	s.count++
	if m.waiting {
		return
	}
	hash := idHash(m.id)
	switch {
	case s.has[SRV]:
		if s.hosts == nil {
			s.hosts = new(pool[*Host])
		}
		s.hosts.add(b, m.key, hash, m.host)
	case m.target != nil:
		if s.names == nil {
			s.names = new(pool[*Target])
		}
		s.names.add(b, m.key, hash, m.target)
	default:
		if s.has[A] && m.hasV4 {
			s.v4.add(b, m.key, hash, m.v4)
		}
		if s.has[AAAA] && m.hasV6 {
			s.v6.add(b, m.key, hash, m.v6)
		}
	}
}

// remove takes an instance out that was added in the same form. The Set must be
// b's own.
func (s *Set) remove(b *builder, m *member) {
	s.count--
	if m.waiting {
		return
	}
	hash := idHash(m.id)
	switch {
	case s.has[SRV]:
		s.hosts.remove(b, m.key, hash, func(h *Host) bool { return h.id() == m.host.id() })
	case m.target != nil:
		s.names.remove(b, m.key, hash, func(t *Target) bool { return t.id == m.id })
	default:
		if s.has[A] && m.hasV4 {
			s.v4.remove(b, m.key, hash, func(v [4]byte) bool { return v == m.v4 })
		}
		if s.has[AAAA] && m.hasV6 {
			s.v6.remove(b, m.key, hash, func(v [16]byte) bool { return v == m.v6 })
		}
	}
}
