package runner

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// Subnet is a network of this node that gives addresses to tasks. The first address of
// each prefix is the node's.
type Subnet struct {
	// ID is what network configurations of tasks name, such as "subnet-abcd1234".
	ID string
	// IPv4 is required, IPv6 is not.
	IPv4, IPv6 netip.Prefix
}

// DefaultSubnet is the ID of the subnet of tasks that name no configured one.
const DefaultSubnet = "default"

// pool gives addresses of subnets to tasks. An address that was freed is used again as
// late as possible, because clients may still know it.
type pool struct {
	mu      sync.Mutex
	subnets map[string]*addresses
	byTask  map[string]string // subnet
}

// addresses are those of one subnet. The IPv6 address of a task has the same distance
// from the first one as its IPv4 address.
type addresses struct {
	subnet Subnet
	last   netip.Addr
	used   map[netip.Addr]string // task
	owned  map[string]netip.Addr
}

func newPool(subnets []Subnet) (*pool, error) {
	p := &pool{subnets: map[string]*addresses{}, byTask: map[string]string{}}
	var all []netip.Prefix
	for _, s := range subnets {
		if err := s.check(all); err != nil {
			return nil, err
		}
		if p.subnets[s.ID] != nil {
			return nil, fmt.Errorf("subnet %s is given twice", s.ID)
		}
		all = append(all, s.prefixes()...)
		p.subnets[s.ID] = &addresses{subnet: s, last: s.gateway(), used: map[netip.Addr]string{}, owned: map[string]netip.Addr{}}
	}
	return p, nil
}

func (s *Subnet) check(others []netip.Prefix) error {
	if s.ID == "" || !s.IPv4.Addr().Is4() || s.IPv4.Bits() > 30 || s.IPv4.Bits() < 8 {
		return fmt.Errorf("subnet %q: needs an id and an IPv4 prefix of 8 to 30 bits", s.ID)
	}
	if s.IPv6.IsValid() && (!s.IPv6.Addr().Is6() || s.IPv6.Bits() > 96) {
		return fmt.Errorf("subnet %s: the IPv6 prefix must have 96 bits or less", s.ID)
	}
	for _, p := range s.prefixes() {
		for _, o := range others {
			if p.Overlaps(o) {
				return fmt.Errorf("subnet %s: %v overlaps %v", s.ID, p, o)
			}
		}
	}
	return nil
}

func (s *Subnet) prefixes() []netip.Prefix {
	all := []netip.Prefix{s.IPv4}
	if s.IPv6.IsValid() {
		all = append(all, s.IPv6)
	}
	return all
}

func (s *Subnet) gateway() netip.Addr { return s.IPv4.Masked().Addr().Next() }

// gateways returns the addresses of the node.
func (s *Subnet) gateways() []netip.Addr {
	all := []netip.Addr{s.gateway()}
	if s.IPv6.IsValid() {
		all = append(all, s.IPv6.Masked().Addr().Next())
	}
	return all
}

// addressesOf returns the addresses of a task whose IPv4 address is known.
func (s *Subnet) addressesOf(a netip.Addr) []netip.Prefix {
	all := []netip.Prefix{netip.PrefixFrom(a, s.IPv4.Bits())}
	if s.IPv6.IsValid() {
		six, four, base := s.IPv6.Masked().Addr().As16(), a.As4(), s.IPv4.Masked().Addr().As4()
		for i := range four {
			six[12+i] |= four[i] &^ base[i]
		}
		all = append(all, netip.PrefixFrom(netip.AddrFrom16(six), s.IPv6.Bits()))
	}
	return all
}

// choose returns the subnet of a task: the first configured one that it names.
func (p *pool) choose(wanted []string) (*Subnet, error) {
	for _, id := range wanted {
		if a := p.subnets[id]; a != nil && id != DefaultSubnet {
			return &a.subnet, nil
		}
	}
	if a := p.subnets[DefaultSubnet]; a != nil {
		return &a.subnet, nil
	}
	return nil, fmt.Errorf("this node has none of the subnets %q", wanted)
}

// take returns the addresses of a task in a subnet. A task that has some keeps them.
func (p *pool) take(id string, subnet string) ([]netip.Prefix, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.subnets[subnet]
	if a == nil {
		return nil, fmt.Errorf("subnet %s is not configured on this node", subnet)
	}
	if own, ok := a.owned[id]; ok {
		return a.subnet.addressesOf(own), nil
	}
	address, ok := a.free()
	if !ok {
		return nil, fmt.Errorf("subnet %s (%v) has no free address", subnet, a.subnet.IPv4)
	}
	p.set(id, a, address)
	a.last = address
	return a.subnet.addressesOf(address), nil
}

// free returns the next free address after the one that was given last.
func (a *addresses) free() (netip.Addr, bool) {
	first := a.subnet.gateway().Next()
	try := a.last.Next()
	for range 1 << (32 - a.subnet.IPv4.Bits()) {
		if !a.subnet.IPv4.Contains(try) || !a.subnet.IPv4.Contains(try.Next()) { // the last one is for broadcasts
			try = first
		}
		if a.used[try] == "" {
			return try, true
		}
		try = try.Next()
	}
	return netip.Addr{}, false
}

func (p *pool) set(id string, a *addresses, address netip.Addr) {
	a.used[address], a.owned[id] = id, address
	p.byTask[id] = a.subnet.ID
}

// keep records the addresses that a task has already.
func (p *pool) keep(id string, has []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.subnets {
		i := slices.IndexFunc(has, func(x netip.Addr) bool { return a.subnet.IPv4.Contains(x) })
		if i >= 0 && a.used[has[i]] == "" {
			p.set(id, a, has[i])
		}
	}
}

// given records that an address was given to a task before the program was started:
// others come first.
func (p *pool) given(address netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.subnets {
		if a.subnet.IPv4.Contains(address) {
			a.last = address
		}
	}
}

// release frees the addresses of a task.
func (p *pool) release(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.subnets[p.byTask[id]]; a != nil {
		delete(a.used, a.owned[id])
		delete(a.owned, id)
	}
	delete(p.byTask, id)
}

// ids returns the ids of the configured subnets.
func (p *pool) ids() []string {
	var all []string
	for id := range p.subnets {
		if id != DefaultSubnet {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}
