//go:build linux

package process

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
)

// redirect makes what comes from outside to some ports of the network namespace of this
// thread go to others. It replaces the redirects that are there.
func redirect(all []task.Redirect) error {
	if len(all) == 0 {
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
			[]expr.Any{
				&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(r.To)},
				&expr.Redir{RegisterProtoMin: 1},
			},
		)})
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: redirects: %w", err)
	}
	return nil
}
