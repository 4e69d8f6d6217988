//go:build linux

package process

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// firewall is what the table of nftables contains. The table is replaced as a whole in
// one transaction, so it always is that of one moment.
type firewall struct {
	table     string
	networks  []bridged
	mappings  []mapping
	forbidden []uint16
	outbound  bool
}

// bridged is a bridge with the addresses of its tasks.
type bridged struct {
	bridge  string
	subnets []netip.Prefix
	mapped  bool // its containers have mapped ports
}

// mapping is a port of this machine that leads to a container.
type mapping struct {
	protocol byte // IPPROTO_TCP or IPPROTO_UDP
	port     uint16
	to       netip.AddrPort
}

// apply replaces the table.
func (f *firewall) apply() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := f.replaceTable(c)
	f.protect(c, t)
	f.translate(c, t)
	if err := f.mapPorts(c, t); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return f.routeLoopback()
}

// remove deletes the table.
func (f *firewall) remove() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	c.DelTable(f.replaceTable(c))
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// replaceTable makes an empty table. To delete one that is not there is an error, so
// it is added first.
func (f *firewall) replaceTable(c *nftables.Conn) *nftables.Table {
	t := &nftables.Table{Family: nftables.TableFamilyINet, Name: f.table}
	c.AddTable(t)
	c.DelTable(t)
	return c.AddTable(t)
}

// routeLoopback lets connections to mapped ports of loopback addresses leave by the
// bridge. It comes after the rule that keeps containers away from these addresses.
func (f *firewall) routeLoopback() error {
	for _, n := range f.networks {
		file := filepath.Join("/proc/sys/net/ipv4/conf", n.bridge, "route_localnet")
		if n.mapped && number(file) != 1 {
			err := os.WriteFile(file, []byte("1"), 0)
			if err != nil && !isMissing(err) { // the bridge is being removed
				return err
			}
		}
	}
	return nil
}

// protect keeps tasks away from loopback addresses and forbidden ports of this
// machine.
func (f *firewall) protect(c *nftables.Conn, t *nftables.Table) {
	raw := c.AddChain(&nftables.Chain{
		Name: "loopback", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw,
	})
	input := c.AddChain(&nftables.Chain{
		Name: "input", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	for _, n := range f.networks {
		c.AddRule(&nftables.Rule{Table: t, Chain: raw, Exprs: join(
			interfaceIs(expr.MetaKeyIIFNAME, expr.CmpOpEq, n.bridge),
			destinationIn(netip.MustParsePrefix("127.0.0.0/8")),
			[]expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}},
		)})
		for _, port := range f.forbidden {
			c.AddRule(&nftables.Rule{Table: t, Chain: input, Exprs: join(
				interfaceIs(expr.MetaKeyIIFNAME, expr.CmpOpEq, n.bridge),
				portIs(unix.IPPROTO_TCP, port),
				[]expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}},
			)})
		}
	}
}

// translate adds the address translations.
func (f *firewall) translate(c *nftables.Conn, t *nftables.Table) {
	post := c.AddChain(&nftables.Chain{
		Name: "postrouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	masquerade := []expr.Any{&expr.Masq{}}
	for _, n := range f.networks {
		for _, subnet := range n.subnets {
			if f.outbound {
				c.AddRule(&nftables.Rule{Table: t, Chain: post, Exprs: join(
					sourceIn(subnet), interfaceIs(expr.MetaKeyOIFNAME, expr.CmpOpNeq, n.bridge), masquerade,
				)})
			}
			if n.mapped {
				// The answer to a container of the same bridge has to come back
				// through this machine.
				c.AddRule(&nftables.Rule{Table: t, Chain: post, Exprs: join(
					sourceIn(subnet), interfaceIs(expr.MetaKeyOIFNAME, expr.CmpOpEq, n.bridge), translated(), masquerade,
				)})
			}
		}
		if n.mapped {
			c.AddRule(&nftables.Rule{Table: t, Chain: post, Exprs: join(
				sourceIn(netip.MustParsePrefix("127.0.0.0/8")), interfaceIs(expr.MetaKeyOIFNAME, expr.CmpOpEq, n.bridge), masquerade,
			)})
		}
	}
}

// Registers of 32 bits, as the expressions below name them.
const register0, register1 = unix.NFT_REG32_00, unix.NFT_REG32_01

// mapPorts leads the mapped ports of this machine to the containers. All are in one map:
// a rule for each would need a message and an answer for each, and the kernel would
// compare each packet with all of them.
func (f *firewall) mapPorts(c *nftables.Conn, t *nftables.Table) error {
	ports := &nftables.Set{
		ID:    1, // any in a batch; the library would count in a variable of all goroutines
		Table: t, Name: "ports", IsMap: true, Concatenation: true,
		KeyType:  nftables.MustConcatSetType(nftables.TypeInetProto, nftables.TypeInetService),
		DataType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	}
	if err := c.AddSet(ports, nil); err != nil {
		return err
	}
	const atOnce = 500 // the kernel limits the size of the list in a message to 64 KiB
	for part := range slices.Chunk(f.mappings, atOnce) {
		elements := make([]nftables.SetElement, len(part))
		for i, m := range part {
			elements[i] = m.element()
		}
		if err := c.SetAddElements(ports, elements); err != nil {
			return err
		}
	}
	for _, hook := range []struct {
		name string
		num  *nftables.ChainHook
	}{{"prerouting", nftables.ChainHookPrerouting}, {"output", nftables.ChainHookOutput}} {
		chain := c.AddChain(&nftables.Chain{
			Name: hook.name, Table: t, Type: nftables.ChainTypeNAT, Hooknum: hook.num, Priority: nftables.ChainPriorityNATDest,
		})
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: join(localDestination(), []expr.Any{
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register0},
			&expr.Payload{DestRegister: register1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			&expr.Lookup{SourceRegister: register0, DestRegister: register0, IsDestRegSet: true, SetName: ports.Name, SetID: ports.ID},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: register0, RegProtoMin: register1},
		})})
	}
	return nil
}

// element returns the mapping as an element of the map: each part fills registers of
// four bytes.
func (m mapping) element() nftables.SetElement {
	key := []byte{m.protocol, 0, 0, 0}
	key = append(binary.BigEndian.AppendUint16(key, m.port), 0, 0)
	to := binary.BigEndian.AppendUint16(m.to.Addr().AsSlice(), m.to.Port())
	return nftables.SetElement{Key: key, Val: append(to, 0, 0)}
}

func join(parts ...[]expr.Any) []expr.Any {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func interfaceIs(key expr.MetaKey, op expr.CmpOp, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return []expr.Any{
		&expr.Meta{Key: key, Register: 1},
		&expr.Cmp{Op: op, Register: 1, Data: padded},
	}
}

// Offsets of the addresses in the headers of IPv4 (RFC 791) and IPv6 (RFC 8200).
const (
	sourceOffset4, destinationOffset4 = 12, 16
	sourceOffset6, destinationOffset6 = 8, 24
)

func sourceIn(p netip.Prefix) []expr.Any {
	if p.Addr().Is4() {
		return addressIn(p, unix.NFPROTO_IPV4, sourceOffset4)
	}
	return addressIn(p, unix.NFPROTO_IPV6, sourceOffset6)
}

func destinationIn(p netip.Prefix) []expr.Any {
	if p.Addr().Is4() {
		return addressIn(p, unix.NFPROTO_IPV4, destinationOffset4)
	}
	return addressIn(p, unix.NFPROTO_IPV6, destinationOffset6)
}

func addressIn(p netip.Prefix, family byte, offset uint32) []expr.Any {
	n := uint32(p.Addr().BitLen() / 8)
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{family}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: n},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: n, Mask: ipNet(p).Mask, Xor: make([]byte, n)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: p.Masked().Addr().AsSlice()},
	}
}

// portIs matches the destination port.
func portIs(protocol byte, port uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, port)},
	}
}

// localDestination matches IPv4 packets to an address of this machine.
func localDestination() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.NFPROTO_IPV4}},
		&expr.Fib{Register: 1, ResultADDRTYPE: true, FlagDADDR: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
	}
}

// ctStatusDNAT is the bit of a connection whose destination was changed (IPS_DST_NAT of
// the kernel).
const ctStatusDNAT = 1 << 5

// translated matches connections whose destination was changed.
func translated() []expr.Any {
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATUS, Register: 1},
		&expr.Bitwise{
			SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(ctStatusDNAT), Xor: make([]byte, 4),
		},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
	}
}
