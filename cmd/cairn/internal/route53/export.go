package route53

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/zonefile"
)

func newExport(p *cli.Program) *cobra.Command {
	var name, id string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export a hosted zone as a zone file",
		Long: `Writes all records of a hosted zone, or of the zone of a namespace, to standard output
as a zone file. A zone file has no routing policies and no aliases: of record sets with a
set identifier it has all values together, and of aliases the records that they answer
with now. Comments say so. The serial of the SOA record is that of the DNS.`,
		Example: `  cairn zone export example.com > example.com.zone`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error {
		z, err := c.zone(ctx, name, id)
		if err != nil {
			return err
		}
		if z == nil {
			return fmt.Errorf("there is no hosted zone %s", name)
		}
		return c.export(ctx, z)
	}, cli.Arg{Name: "NAME", Set: func(v string) error {
		name = v
		return nil
	}})
	cmd.Flags().StringVar(&id, "zone-id", "", "`ID` of the hosted zone, where several have the name")
	cli.RequireValue(cmd, "argument NAME", func() bool { return name != "" || id != "" })
	return cmd
}

// export writes the zone file.
func (c *client) export(ctx context.Context, z *hostedZone) error {
	sets, err := c.sets(ctx, z)
	if err != nil {
		return err
	}
	// The SOA record comes first: RFC 1035 section 5.2.
	slices.SortStableFunc(sets, func(a, b recordSet) int { return soaFirst(&a) - soaFirst(&b) })
	var out strings.Builder
	for i := 0; i < len(sets); {
		end := i + 1
		for end < len(sets) && sets[end].Name == sets[i].Name && sets[end].Type == sets[i].Type {
			end++
		}
		if err := c.exportGroup(ctx, z, sets[i:end], &out); err != nil {
			return err
		}
		i = end
	}
	_, err = io.WriteString(c.Stdout, out.String())
	return err
}

func soaFirst(s *recordSet) int {
	if s.Type == "SOA" {
		return 0
	}
	return 1
}

// aliasTTL is the TTL of the records of an alias, which has none of its own.
const aliasTTL = 60

// exportGroup writes the records of a name and type.
func (c *client) exportGroup(ctx context.Context, z *hostedZone, sets []recordSet, out *strings.Builder) error {
	rtype, ok := rdata.Type(sets[0].Type)
	name, err := rdata.Octal.ParseName(sets[0].Name)
	if !ok || err != nil {
		return fmt.Errorf("record set %s %s cannot be written", sets[0].Name, sets[0].Type)
	}
	owner := rdata.Decimal.Name(name)
	ttl, values := int64(-1), []string{}
	for i := range sets {
		set := &sets[i]
		if set.SetIdentifier != "" {
			fmt.Fprintf(out, "; %s %s: record set %q of a routing policy\n", owner, set.Type, set.SetIdentifier)
		}
		more := set.Values
		if set.Alias != nil {
			fmt.Fprintf(out, "; %s %s: an alias to %s\n", owner, set.Type, set.Alias.DNSName)
			if more, err = c.answer(ctx, z, set.Name, set.Type); err != nil {
				return err
			}
		}
		if set.Type == "SOA" {
			if now, err := c.answer(ctx, z, set.Name, set.Type); err == nil && len(now) == 1 {
				more = now
			}
		}
		if set.TTL != nil && (ttl < 0 || *set.TTL < ttl) {
			ttl = *set.TTL
		}
		for _, v := range more {
			if !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	if ttl < 0 {
		ttl = aliasTTL
	}
	for _, v := range values {
		data, err := rdata.Octal.Parse(rtype, v)
		if err != nil {
			return fmt.Errorf("%s %s: %w", owner, sets[0].Type, err)
		}
		out.WriteString((&zonefile.Record{Name: name, Type: rtype, TTL: uint32(ttl), Data: data}).Text())
	}
	return nil
}
