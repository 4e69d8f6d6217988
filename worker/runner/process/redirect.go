//go:build linux

package process

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
)

// redirect changes the ports of packets in the network namespace of this thread. Packets
// from outside to some ports go to others, and packets from within to task.ConnectRange go
// to the port connect. It replaces the redirects that are there.
func redirect(all []task.Redirect, connect uint16) error {
	if len(all) == 0 && connect == 0 {
		return nil
	}
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := (&firewall{table: "proxy"}).replaceTable(c)
	chain := c.AddChain(&nftables.Chain{
		Name: "prerouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest,
	})
	for _, r := range all {
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: join(
			interfaceIs(expr.MetaKeyIIFNAME, expr.CmpOpNeq, "lo"), portIs(unix.IPPROTO_TCP, r.Port),
			redirectTo(r.To),
		)})
	}
	if connect != 0 {
		output := c.AddChain(&nftables.Chain{
			Name: "output", Table: t, Type: nftables.ChainTypeNAT,
			Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
		})
		c.AddRule(&nftables.Rule{Table: t, Chain: output, Exprs: join(
			destinationIn(netip.MustParsePrefix(task.ConnectRange)),
			[]expr.Any{
				&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
			},
			redirectTo(connect),
		)})
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: redirects: %w", err)
	}
	return nil
}

func redirectTo(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: 1},
	}
}
