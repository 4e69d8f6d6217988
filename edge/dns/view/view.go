// Package view decides by the source address of a client which private zones it sees (split
// horizon). It also decides whether names outside our zones are resolved for the client.
// Every client sees public zones.
//
//	t, err := view.New(view.Config{Trusted: trusted, VPCs: vpcs})
//	client := t.Lookup(from.Addr())
package view

import (
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"

	"github.com/cairn-discovery/cairn/core/command"
)

// VPC is a network whose clients see the private zones bound to it.
type VPC struct {
	// ID is the id of the VPC in private namespaces. Required.
	ID string
	// CIDRs are the source addresses that belong to it. They may overlap each
	// other and those of other VPCs; see Table.Lookup. None means that the VPC
	// exists and has no clients.
	CIDRs []netip.Prefix
	// Owner is the account that alone may have private zones in it. Empty: several
	// accounts may.
	Owner command.AccountID
}

// Config assigns source addresses to VPCs.
type Config struct {
	// Trusted clients see the private zones of every VPC. None means that no
	// client is trusted.
	Trusted []netip.Prefix
	// VPCs are all VPCs. Nil means that VPCs are not distinguished: loopback and
	// private (RFC 1918, RFC 4193) sources see every private zone. Empty but not
	// nil means that there are none.
	VPCs []VPC
}

// Client is the view of a source address.
type Client struct {
	// Trusted clients see every private zone.
	Trusted bool
	// AllVPCs means that the client is in every VPC: it is trusted, or VPCs are
	// not distinguished and its address is private. VPCs is not used then.
	AllVPCs bool
	// VPCs are the ids of the VPCs that the client is in, sorted. The slice is
	// shared and must not be changed.
	VPCs []string
	// Owners has the Owner of each of VPCs. Nil: none has one. The slice is shared.
	Owners []command.AccountID
	// Recursion means that names outside our zones may be resolved for the
	// client. It is true for trusted clients and clients in a VPC only, so that
	// the server is not an open resolver.
	Recursion bool
}

// Table maps source addresses to views. It is immutable, so it is safe for concurrent
// use; a new configuration needs a new Table.
type Table struct {
	// routes has every prefix of the configuration with the view of the addresses
	// whose longest match it is. New includes what shorter prefixes add, so one
	// look-up is enough.
	routes *bart.Fast[Client]
}

// New builds the table. It returns an error for invalid prefixes, VPCs without an id
// and duplicate ids.
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
// A client is trusted if any trusted prefix contains it. If CIDRs of several VPCs
// contain it, the longest one wins, so a range can be excluded from a larger VPC. If
// that CIDR belongs to several VPCs, the client is in all of them.
func (t *Table) Lookup(addr netip.Addr) Client {
	c, _ := t.routes.Lookup(addr.Unmap())
	return c
}
