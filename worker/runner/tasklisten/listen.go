//go:build linux

// Package tasklisten opens listeners of the program in the network namespace of a task,
// in such a way that the ports stay free for the task.
package tasklisten

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// port is where the program listens. ECS reserves it: task definitions cannot map it.
const port = 51679

// table is the table of rules in the namespace.
const table = "cairn_listen"

// Listen opens a listener in the network namespace of the calling thread. The task
// reaches it at the address, which is added to the loopback interface if it is
// link-local. The listener has another port, to which connections are redirected: a
// program of the task can listen on the port of the address at all its addresses.
func Listen(ctx context.Context, address netip.AddrPort) (net.Listener, error) {
	if address.Addr().IsLinkLocalUnicast() {
		if err := addToLoopback(address.Addr()); err != nil {
			return nil, fmt.Errorf("address %v: %w", address.Addr(), err)
		}
	}
	to := netip.AddrPortFrom(address.Addr(), port)
	var lc net.ListenConfig // the socket is opened on this thread
	ln, err := lc.Listen(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	if err := redirect(address, to); err != nil {
		return nil, errors.Join(fmt.Errorf("nftables: %w", err), ln.Close())
	}
	return ln, nil
}

func addToLoopback(a netip.Addr) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.AddrReplace(lo, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}})
}

// redirect sends connections of the task to an IPv4 address to another port of it. It
// may be called again.
func redirect(from, to netip.AddrPort) error {
	if !from.Addr().Is4() {
		return fmt.Errorf("%v is not an IPv4 address", from.Addr())
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: table}
	c.AddTable(t) // to delete one that is not there is an error
	c.DelTable(t)
	c.AddTable(t)
	chain := c.AddChain(&nftables.Chain{
		Name: "output", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: destinationOffset, Len: 4},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: from.Addr().AsSlice()},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, from.Port())},
		&expr.Immediate{Register: 1, Data: to.Addr().AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(to.Port())},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
	}})
	if from.Addr().IsLinkLocalUnicast() {
		onlyFromInside(c, t, from.Addr())
	}
	return c.Flush()
}

// destinationOffset is where the destination is in the header of IPv4, RFC 791.
const destinationOffset = 16

// onlyFromInside drops packets to an address that come in by another interface than
// loopback. The kernel would accept them, so another task on the same bridge could send
// some with a raw socket, and read what is meant for this task.
func onlyFromInside(c *nftables.Conn, t *nftables.Table, address netip.Addr) {
	chain := c.AddChain(&nftables.Chain{
		Name: "input", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	loopback := make([]byte, unix.IFNAMSIZ)
	copy(loopback, "lo")
	c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: loopback},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: destinationOffset, Len: 4},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: address.AsSlice()},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}})
}
