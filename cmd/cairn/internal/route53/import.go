package route53

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/zonefile"
)

// maxFile bounds a zone file, in bytes.
const maxFile = 256 << 20

// importFlags are those of zone import.
type importFlags struct {
	file, zone, id             string
	create, prune, yes, dryRun bool
}

func newImport(p *cli.Program) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import --zone NAME",
		Short: "Import a zone file into a hosted zone",
		Long: `Reads a zone file, compares it with the hosted zone and shows a plan: what is to be
created (+), changed (~) and deleted (-). It asks before it changes anything, unless
--yes is given. Names in the file are below the zone unless they end with a dot. $ORIGIN,
$TTL, $INCLUDE (names of files are relative to the folder of FILE) and $GENERATE are
understood.

The SOA and NS records of the zone itself are left as they are, and so are record sets
with a routing policy and aliases. A file with an error is not imported; each error names
its line. A batch of changes is made completely or not at all; an import of several
batches can be run again after a failure. There are several if the changes are more than
Route 53 takes in one.`,
		Example: `  cairn zone import example.com.zone --zone example.com --create --yes`,
	}
	command(p, cmd, func(ctx context.Context, c *client) error { return c.runImport(ctx, &f) }, cli.Arg{Name: "FILE", Set: func(v string) error {
		f.file = v
		return nil
	}})
	cli.RequireValue(cmd, "argument FILE", func() bool { return f.file != "" })
	cmd.Flags().StringVar(&f.zone, "zone", "", "`NAME` of the zone")
	cmd.Flags().StringVar(&f.id, "zone-id", "", "`ID` of the hosted zone, where several have the name")
	cmd.Flags().BoolVar(&f.create, "create", false, "create a public hosted zone if there is none of the name")
	cmd.Flags().BoolVar(&f.prune, "prune", false, "delete record sets that the file does not have")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the plan only")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "make the changes without asking")
	cli.RequireValue(cmd, "flag --zone", func() bool { return f.zone != "" })
	return cmd
}

func (c *client) runImport(ctx context.Context, f *importFlags) error {
	apex, err := rdata.Decimal.ParseName(f.zone)
	if err != nil {
		return fmt.Errorf("--zone: %w", err)
	}
	apex = dnswire.Lowered(apex)
	sets, notes, err := readFile(f.file, apex)
	if err != nil {
		return err
	}
	z, err := c.zone(ctx, f.zone, f.id)
	if err != nil {
		return err
	}
	var have []recordSet
	switch {
	case z == nil && !f.create:
		return fmt.Errorf("there is no hosted zone %s: create it with --create, or with the API", f.zone)
	case z == nil:
		notes = append(notes, "the hosted zone "+f.zone+" is to be created")
	default:
		if have, err = c.sets(ctx, z); err != nil {
			return err
		}
	}
	plan := newPlan(sets, have, rdata.Octal.Name(apex), f.prune)
	plan.notes = append(notes, plan.notes...)
	plan.print(c.Stdout)
	if f.dryRun || z != nil && len(plan.changes()) == 0 {
		return nil
	}
	if err := c.Confirm(f.yes); err != nil {
		return err
	}
	if z == nil {
		if z, err = c.create(ctx, f.zone); err != nil {
			return err
		}
	}
	return c.carryOut(ctx, z, f.file, plan.changes())
}

// readFile reads a zone file. All its errors are in the error.
func readFile(path, apex string) ([]recordSet, []string, error) {
	left := int64(maxFile)
	text, err := readText(path, &left)
	if err != nil {
		return nil, nil, err
	}
	records, problems := zonefile.Parse(text, apex, func(name string) (string, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		return readText(name, &left)
	})
	sets, notes, outside := wanted(records, apex)
	var errs []error
	for _, e := range append(problems, outside...) {
		errs = append(errs, fmt.Errorf("%s: %w", path, e))
	}
	return sets, notes, errors.Join(errs...)
}

// readText reads a file, which may have as many bytes as are left.
func readText(path string, left *int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, *left+1))
	if err != nil {
		return "", err
	}
	if *left -= int64(len(text)); *left < 0 {
		return "", fmt.Errorf("%s: the zone file, with the files that it includes, is larger than %d MiB", path, maxFile>>20)
	}
	return string(text), nil
}

// carryOut makes the changes in batches, and tells how many are made.
func (c *client) carryOut(ctx context.Context, z *hostedZone, file string, changes []change) error {
	for done := 0; done < len(changes); {
		batch := firstBatch(changes[done:])
		if err := c.apply(ctx, z, "cairn zone import "+file, batch); err != nil {
			return fmt.Errorf("%d of %d changes are made; the next batch was refused as a whole: %w", done, len(changes), err)
		}
		done += len(batch)
		fmt.Fprintf(c.Stderr, "%d of %d changes are made\n", done, len(changes))
	}
	return nil
}
