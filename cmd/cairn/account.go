package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
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

func newAccount(p *program) *cobra.Command {
	return noun(p, &cobra.Command{
		Use:   "account COMMAND",
		Short: "Show accounts and set their quotas and rates",
		Long: `Shows the accounts that anything is known of, and sets quotas and request rates
of one account, which stand in place of those of the configuration. An account
needs no creation: it is there as soon as it has a user.`,
		Example: `  cairn account list
  cairn account set 123456789012 --quotas services_per_namespace=200 --rates discover=1000:2000
  cairn account reset 123456789012`,
	}, listAccounts, showAccount, setAccount, resetAccount)
}

func listAccounts(p *program, f *identityFlags) *cobra.Command {
	return verb(p, f, &cobra.Command{
		Use: "list", Short: "List accounts", Example: "  cairn account list",
	}, func(ctx context.Context, c *identities, _ []string) error {
		all, err := listed[account](ctx, c, "list-accounts", object{})
		if err != nil {
			return err
		}
		var rows [][]string
		for _, a := range all {
			rows = append(rows, []string{a.ID, strconv.Itoa(a.Users), strconv.Itoa(a.Roles), strconv.Itoa(a.Keys), strconv.Itoa(a.Namespaces), a.quotas(), a.rates()})
		}
		return c.list("Accounts", all, []string{"ID", "USERS", "ROLES", "KEYS", "NAMESPACES", "QUOTAS", "RATES"}, rows)
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

func (c *identities) findAccount(ctx context.Context, id string) (*account, error) {
	return one(ctx, c, "list-accounts", "account "+id, func(a *account) bool { return a.ID == id })
}

func showAccount(p *program, f *identityFlags) *cobra.Command {
	return verb(p, f, &cobra.Command{
		Use: "show ID", Short: "Show an account", Example: "  cairn account show 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		a, err := c.findAccount(ctx, args[0])
		if err != nil {
			return err
		}
		return c.show(a, field{"ID", a.ID}, field{"Users", strconv.Itoa(a.Users)}, field{"Roles", strconv.Itoa(a.Roles)}, field{"Keys", strconv.Itoa(a.Keys)},
			field{"Namespaces", strconv.Itoa(a.Namespaces)}, field{"Quotas", a.quotas()}, field{"Rates", a.rates()})
	})
}

func setAccount(p *program, f *identityFlags) *cobra.Command {
	var quotas, rates string
	cmd := verb(p, f, &cobra.Command{
		Use:   "set ID",
		Short: "Set all quotas and rates of an account",
		Long: `Sets the quotas and rates of an account, all of them: what is left out is as the
configuration says. 0 means no limit.`,
		Example: "  cairn account set 123456789012 --quotas services_per_namespace=200 --rates discover=1000:2000,write=5:10",
	}, func(ctx context.Context, c *identities, args []string) error {
		q, err := parseQuotas(quotas)
		if err != nil {
			return err
		}
		r, err := parseRates(rates)
		if err != nil {
			return err
		}
		return c.call(ctx, "put-account", object{"ID": args[0], "Quotas": q, "Rates": r}, nil)
	})
	cmd.Flags().StringVar(&quotas, "quotas", "", "quotas as `NAME=N,...`, by their names in the configuration")
	cmd.Flags().StringVar(&rates, "rates", "", "rates as `CLASS=PER_SECOND:BURST,...`, of discover, revision, read, write and sts")
	cmd.MarkFlagsOneRequired("quotas", "rates")
	return cmd
}

func parseQuotas(text string) (map[string]int, error) {
	given, err := parseMap("--quotas", text)
	if err != nil {
		return nil, err
	}
	quotas := map[string]int{}
	for name, value := range given {
		if quotas[name], err = strconv.Atoi(value); err != nil {
			return nil, usagef("--quotas: %q of %s must be a number", value, name)
		}
	}
	return quotas, nil
}

func parseRates(text string) (map[string]rate, error) {
	given, err := parseMap("--rates", text)
	if err != nil {
		return nil, err
	}
	rates := map[string]rate{}
	for class, value := range given {
		perSecond, burst, ok := strings.Cut(value, ":")
		r, err1 := strconv.ParseFloat(perSecond, 64)
		n, err2 := strconv.Atoi(burst)
		if !ok || err1 != nil || err2 != nil {
			return nil, usagef("--rates: %q of %s must be PER_SECOND:BURST", value, class)
		}
		rates[class] = rate{r, n}
	}
	return rates, nil
}

func resetAccount(p *program, f *identityFlags) *cobra.Command {
	return verb(p, f, &cobra.Command{
		Use: "reset ID", Short: "Give an account the quotas and rates of the configuration", Example: "  cairn account reset 123456789012",
	}, func(ctx context.Context, c *identities, args []string) error {
		return c.call(ctx, "put-account", object{"ID": args[0]}, nil)
	})
}
