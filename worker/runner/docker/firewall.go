package docker

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The engine isolates its networks from each other, and translates addresses between
// them. The subnets of a VPC are not isolated, and the source address decides what a
// task sees in DNS. So three things are added to the rules of the engine:
//
//   - in its chain DOCKER-USER, which exists for rules of others: packets from one of
//     our bridges to another one pass
//   - in a table of ours, before its own translation: the source address of such
//     packets stays
//   - in the same table: tasks do not reach the ports of Config.Forbidden on this machine

// bridgePrefix begins the name of each bridge of ours.
const bridgePrefix = "cairn-"

// engineBridge is the bridge of tasks in bridge mode.
const engineBridge = "docker0"

// userChain is the chain of the engine for rules of others.
const userChain = "DOCKER-USER"

func (d *Driver) tableName() string { return "cairn-docker-" + digest([]byte(d.cfg.Node))[:9] }

// updateFirewall sets the rules for the networks that this node has. If it has none,
// only the forbidden ports are left.
func (d *Driver) updateFirewall(ctx context.Context) error {
	list, err := d.networks(ctx, "")
	if err != nil {
		return err
	}
	var subnets []netip.Prefix
	for _, n := range list {
		for _, c := range n.IPAM.Config {
			subnets = append(subnets, c.Subnet)
		}
	}
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := d.replaceTable(c)
	d.forbidPorts(c, t)
	keepSources(c, t, subnets)
	if err := d.passUserChains(c, len(list) > 0); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// removeFirewall deletes all rules of this node.
func (d *Driver) removeFirewall() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	c.DelTable(d.replaceTable(c))
	if err := d.passUserChains(c, false); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// replaceTable makes an empty table. To delete one that is not there is an error, so it
// is added first.
func (d *Driver) replaceTable(c *nftables.Conn) *nftables.Table {
	t := &nftables.Table{Family: nftables.TableFamilyINet, Name: d.tableName()}
	c.AddTable(t)
	c.DelTable(t)
	return c.AddTable(t)
}

// forbidPorts keeps tasks away from ports of this machine.
func (d *Driver) forbidPorts(c *nftables.Conn, t *nftables.Table) {
	chain := c.AddChain(&nftables.Chain{
		Name: "input", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	for _, port := range d.cfg.Forbidden {
		for _, in := range [][]byte{[]byte(bridgePrefix), interfaceName(engineBridge)} {
			c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: slices.Concat(
				compare(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, in),
				compare(&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, []byte{unix.IPPROTO_TCP}),
				compare(&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: 1}, binaryutil.BigEndian.PutUint16(port)),
				[]expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}},
			)})
		}
	}
}

// keepSources translates the source address of packets between our bridges to itself,
// before the rules of the engine translate it to that of the machine.
func keepSources(c *nftables.Conn, t *nftables.Table, subnets []netip.Prefix) {
	priority := nftables.ChainPriority(*nftables.ChainPriorityNATSource - 1)
	chain := c.AddChain(&nftables.Chain{
		Name: "postrouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: &priority,
	})
	for _, s := range subnets {
		family, offset, size := byte(unix.NFPROTO_IPV4), uint32(12), uint32(4)
		if s.Addr().Is6() {
			family, offset, size = unix.NFPROTO_IPV6, 8, 16
		}
		source := &expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size, DestRegister: 1}
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: slices.Concat(
			compare(&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, []byte{family}),
			compare(&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}, []byte(bridgePrefix)),
			[]expr.Any{
				source,
				&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: size, Mask: mask(s), Xor: make([]byte, size)},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: s.Masked().Addr().AsSlice()},
				source,
				&expr.NAT{Type: expr.NATTypeSourceNAT, Family: uint32(family), RegAddrMin: 1},
			},
		)})
	}
}

func mask(p netip.Prefix) []byte {
	b := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return b
}

// passUserChains makes or deletes the rule of this node in DOCKER-USER of IPv4 and
// IPv6. Without the chain there is no isolation, or the engine uses the older iptables.
func (d *Driver) passUserChains(c *nftables.Conn, pass bool) error {
	for _, family := range []nftables.TableFamily{nftables.TableFamilyIPv4, nftables.TableFamilyIPv6} {
		chains, err := c.ListChainsOfTableFamily(family)
		if err != nil {
			return fmt.Errorf("nftables: %w", err)
		}
		i := slices.IndexFunc(chains, func(h *nftables.Chain) bool { return h.Name == userChain && h.Table.Name == "filter" })
		if i < 0 {
			continue
		}
		if err := d.passUserChain(c, chains[i], pass); err != nil {
			return fmt.Errorf("nftables: %w", err)
		}
	}
	return nil
}

func (d *Driver) passUserChain(c *nftables.Conn, chain *nftables.Chain, pass bool) error {
	rules, err := c.GetRules(chain.Table, chain)
	if err != nil {
		return err
	}
	mark := []byte(d.tableName())
	i := slices.IndexFunc(rules, func(r *nftables.Rule) bool { return bytes.Contains(r.UserData, mark) })
	switch {
	case pass && i < 0:
		c.InsertRule(&nftables.Rule{Table: chain.Table, Chain: chain, UserData: comment(mark), Exprs: slices.Concat(
			compare(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, []byte(bridgePrefix)),
			compare(&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}, []byte(bridgePrefix)),
			[]expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictAccept}},
		)})
	case !pass && i >= 0:
		return c.DelRule(rules[i])
	}
	return nil
}

// comment returns user data of a rule that nft shows as a comment.
func comment(text []byte) []byte {
	return slices.Concat([]byte{0, byte(len(text) + 1)}, text, []byte{0})
}

// compare loads a value into register 1 and compares it. A name of an interface without
// its final zeros matches as a prefix.
func compare(load expr.Any, data []byte) []expr.Any {
	return []expr.Any{load, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

func interfaceName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
