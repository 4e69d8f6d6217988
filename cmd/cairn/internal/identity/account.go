package identity

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

type account struct {
	ID                             string
	Quotas                         map[string]int  `json:",omitempty"`
	Rates                          map[string]rate `json:",omitempty"`
	Users, Roles, Keys, Namespaces int
}

type rate struct {
	PerSecond float64
	Burst     int
}

func newAccount(p *cli.Program) *cobra.Command {
	return newGroupCmd(p, &cobra.Command{
		Use:   "account COMMAND",
		Short: "Show accounts and set their quotas and rates",
		Long: `Shows the accounts that have anything, and sets quotas and request rates of one
account, which replace those of the configuration. An account is not created: it
exists as soon as it has a user.`,
		Example: `  cairn account list
  cairn account set 123456789012 --quotas services_per_namespace=200 --rates discover=1000:2000
  cairn account reset 123456789012`,
	}, listAccounts, showAccount, setAccount, resetAccount)
}

// listAccounts lists all accounts, whatever --account is.
func listAccounts(g *group) *cobra.Command {
	return g.leaf(&cobra.Command{
		Use: "list", Short: "List accounts", Example: "  cairn account list",
	}, nil, func(ctx context.Context, c *client, _ []string) error {
		all, err := listInAccount[account](ctx, c, "list-accounts")
		if err != nil {
			return err
		}
		var rows [][]string
		for _, a := range all {
			rows = append(rows, []string{
				a.ID, strconv.Itoa(a.Users), strconv.Itoa(a.Roles), strconv.Itoa(a.Keys), strconv.Itoa(a.Namespaces), a.quotas(), a.rates(),
			})
		}
		return c.PrintList("Accounts", all, []string{"ID", "USERS", "ROLES", "KEYS", "NAMESPACES", "QUOTAS", "RATES"}, rows)
	})
}

func (a *account) quotas() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a.Quotas)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, a.Quotas[name]))
	}
	return strings.Join(parts, ",")
}

func (a *account) rates() string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(a.Rates)) {
		parts = append(parts, fmt.Sprintf("%s=%v:%d", class, a.Rates[class].PerSecond, a.Rates[class].Burst))
	}
	return strings.Join(parts, ",")
}

func showAccount(g *group) *cobra.Command {
	return g.leaf(&cobra.Command{
		Use: "show", Short: "Show an account", Example: "  cairn account show 123456789012",
	}, names("ID"), func(ctx context.Context, c *client, args []string) error {
		a, err := find(ctx, c, "list-accounts", "account "+args[0], func(a *account) bool { return a.ID == args[0] })
		if err != nil {
			return err
		}
		return c.PrintThing(a, cli.Text("ID", a.ID), cli.Text("Users", strconv.Itoa(a.Users)), cli.Text("Roles", strconv.Itoa(a.Roles)),
			cli.Text("Keys", strconv.Itoa(a.Keys)), cli.Text("Namespaces", strconv.Itoa(a.Namespaces)),
			cli.Text("Quotas", a.quotas()), cli.Text("Rates", a.rates()))
	})
}

func setAccount(g *group) *cobra.Command {
	var quotas, rates string
	cmd := g.leaf(&cobra.Command{
		Use:   "set",
		Short: "Set all quotas and rates of an account",
		Long: `Sets all quotas and rates of an account. Those that are not given are as in the
configuration. 0 means no limit.`,
		Example: "  cairn account set 123456789012 --quotas services_per_namespace=200 --rates discover=1000:2000,write=5:10",
	}, names("ID"), func(ctx context.Context, c *client, args []string) error {
		q, err := parseQuotas(quotas)
		if err != nil {
			return err
		}
		r, err := parseRates(rates)
		if err != nil {
			return err
		}
		return c.call(ctx, "put-account", putAccountRequest{args[0], q, r})
	})
	cmd.Flags().StringVar(&quotas, "quotas", "", "quotas as `NAME=N,...`, by their names in the configuration")
	cmd.Flags().StringVar(&rates, "rates", "", "rates as `CLASS=PER_SECOND:BURST,...`, of discover, revision, read, write and sts")
	cmd.MarkFlagsOneRequired("quotas", "rates")
	return cmd
}

func parseQuotas(text string) (map[string]int, error) {
	given, err := cli.ParseMap("--quotas", text)
	if err != nil {
		return nil, err
	}
	quotas := map[string]int{}
	for name, value := range given {
		if quotas[name], err = strconv.Atoi(value); err != nil {
			return nil, cli.Usagef("--quotas: %q of %s must be a number", value, name)
		}
	}
	return quotas, nil
}

func parseRates(text string) (map[string]rate, error) {
	given, err := cli.ParseMap("--rates", text)
	if err != nil {
		return nil, err
	}
	rates := map[string]rate{}
	for class, value := range given {
		perSecond, burst, ok := strings.Cut(value, ":")
		r, err1 := strconv.ParseFloat(perSecond, 64)
		n, err2 := strconv.Atoi(burst)
		if !ok || err1 != nil || err2 != nil {
			return nil, cli.Usagef("--rates: %q of %s must be PER_SECOND:BURST", value, class)
		}
		rates[class] = rate{r, n}
	}
	return rates, nil
}

func resetAccount(g *group) *cobra.Command {
	return g.leaf(&cobra.Command{
		Use: "reset", Short: "Give an account the quotas and rates of the configuration", Example: "  cairn account reset 123456789012",
	}, names("ID"), func(ctx context.Context, c *client, args []string) error {
		return c.call(ctx, "put-account", putAccountRequest{ID: args[0]})
	})
}
