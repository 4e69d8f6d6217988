package identity

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// authority is the built-in certificate authority of a mesh.
type authority struct {
	Mesh  string
	Roots []struct {
		Certificate      string
		Created, Expires time.Time
		Signs            bool
	}
}

func newAuthority(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "authority COMMAND",
		Short: "Show and rotate the certificate authorities of meshes",
		Long: `Shows the roots of the built-in certificate authorities of meshes, which
xds.authority.meshes switches on, writes them for programs outside of the mesh, and
replaces them before it is time.`,
		Example: `  cairn authority list --account 123456789012
  cairn authority rotate shop --account 123456789012
  cairn authority bundle shop --account 123456789012 > roots.pem`,
	}, listAuthorities, rotateAuthority, writeBundle)
}

func listAuthorities(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "list", Short: "List the roots of the authorities of an account", Example: "  cairn authority list --account 123456789012",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := listInAccount[authority](ctx, c, "list-authorities")
		if err != nil {
			return err
		}
		var rows [][]string
		for _, a := range all {
			signed := false
			for _, r := range a.Roots {
				state := "signs"
				switch {
				case !r.Signs && signed:
					state = "signs soon"
				case !r.Signs:
					state = "trusted until it is removed"
				}
				signed = signed || r.Signs
				rows = append(rows, []string{a.Mesh, state, r.Created.Format(time.RFC3339), r.Expires.Format(time.RFC3339)})
			}
		}
		return c.PrintList("Authorities", all, []string{"MESH", "ROOT", "CREATED", "EXPIRES"}, rows)
	})
}

func rotateAuthority(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "rotate", Short: "Give a mesh a new root now",
		Long: `Makes a new root for a mesh. Proxies trust it at once. It signs after
xds.authority.leaf_life, when all proxies that have a valid certificate know it. The old
root is removed when no certificate of it is valid any more, after twice that time. No
connection ends, and no proxy has to be started again.`,
		Example: "  cairn authority rotate shop --account 123456789012",
	}, names("MESH"), func(ctx context.Context, c *client, args []string) error {
		return c.call(ctx, "rotate-authority", struct{ Account, Mesh string }{c.account, args[0]})
	})
}

func writeBundle(g *group) *cobra.Command {
	return g.accountLeaf(&cobra.Command{
		Use: "bundle", Short: "Write the roots of a mesh, in PEM",
		Long: `Writes the certificates that proxies of a mesh trust, in PEM, for programs outside of the
mesh. While a root is replaced there are two: write them again then.`,
		Example: "  cairn authority bundle shop --account 123456789012 > roots.pem",
	}, names("MESH"), func(ctx context.Context, c *client, args []string) error {
		a, err := find(ctx, c, "list-authorities", "the authority of mesh "+args[0], func(a *authority) bool { return a.Mesh == args[0] })
		if err != nil {
			return err
		}
		var all strings.Builder
		for _, r := range a.Roots {
			all.WriteString(r.Certificate)
		}
		return c.PrintText(strings.TrimSuffix(all.String(), "\n"))
	})
}
