// Package view decides, by a client's source address, which private zones it
// may see and whether names outside our zones are resolved for it (split
// horizon). Public zones are open to everybody and are no matter of this
// package.
//
//	t, err := view.New(view.Config{Trusted: trusted, VPCs: vpcs})
//	client := t.Lookup(from.Addr())
package view

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// VPC is a network whose clients see the private zones bound to it.
type VPC struct {
	// ID is the VPC's id, as private namespaces name it. Required.
	ID string
	// CIDRs are the source addresses that belong to it. They may overlap each
	// other and those of other VPCs; see Table.Lookup. None means that the VPC
	// exists and nobody is in it.
	CIDRs []netip.Prefix
}

// Config says which source addresses are what.
type Config struct {
	// Trusted clients see every private zone, whatever VPC it is bound to.
	// None means nobody is trusted.
	Trusted []netip.Prefix
	// VPCs are all VPCs. Nil means that VPCs are not told apart: loopback and
	// private (RFC 1918, RFC 4193) sources then see every private zone. Empty
	// but not nil means that there are none.
	VPCs []VPC
}

// Client is what a source address may see.
type Client struct {
	// Trusted clients see every private zone.
	Trusted bool
	// AllVPCs says that the client is in every VPC: it is trusted, or VPCs are
	// not told apart and its address is a private one. VPCs is then not needed
	// to judge it.
	AllVPCs bool
	// VPCs are the ids of the VPCs the client is in, sorted. The slice is
	// shared: read only.
	VPCs []string
	// Recursion says that names outside our zones may be resolved for the
	// client. It is true for trusted clients and those in a VPC and false for
	// everybody else, so that the server is no open resolver.
	Recursion bool
}

// Sees says whether the client may see a private zone bound to vpc.
func (c Client) Sees(vpc string) bool {
	return c.AllVPCs || slices.Contains(c.VPCs, vpc)
}

// Table finds a client's view. It never changes, so any number of goroutines
// may use it, and a new configuration is a new Table.
type Table struct {
	// routes holds every prefix of the configuration with what an address
	// means whose longest match it is. What shorter prefixes add is folded in
	// by New, so one look-up is enough.
	routes *bart.Fast[Client]
}

// New builds the table. It refuses prefixes that are not valid, VPCs without an
// id and ids that are listed twice.
func New(cfg Config) (*Table, error) {
	r, err := rulesOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	t := &Table{routes: new(bart.Fast[Client])}
	for _, p := range r.prefixes() {
		t.routes.Insert(p, r.clientAt(p))
	}
	return t, nil
}

// Lookup returns the view of a client by its source address, without
// allocating. An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is
// the IPv4 address, and an IPv6 zone is ignored. The zero address sees
// nothing.
//
// A client is trusted when any trusted prefix holds it. When CIDRs of several
// VPCs hold it, the longest one wins, so that a range can be carved out of a
// wider VPC; if that same CIDR belongs to several VPCs, the client is in all of
// these.
func (t *Table) Lookup(addr netip.Addr) Client {
	c, _ := t.routes.Lookup(addr.Unmap())
	return c
}
