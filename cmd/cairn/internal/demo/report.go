package demo

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// row is what one client saw in one phase.
type row struct {
	phase, client string
	tally         tally
}

// printReport prints the table of the phases.
func printReport(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "PHASE\tCLIENT\tREQUESTS\tFAILURES\tINSTANCES USED\tNEW INSTANCE USED AFTER\tSTALE ANSWERS\tP50\tP99")
	for _, r := range rows {
		s := &r.tally
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%d\t%v\t%v\n", r.phase, r.client, s.requests, s.failures, len(s.used),
			firstUse(s.firstUse), s.stale, quantile(s.latencies, 0.5), quantile(s.latencies, 0.99))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.tally.firstError != "" {
			if _, err := fmt.Fprintf(w, "first failure in %q, %s: %s\n", r.phase, r.client, r.tally.firstError); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstUse returns the shortest and the longest time, or "-".
func firstUse(times []time.Duration) string {
	if len(times) == 0 {
		return "-"
	}
	return fmt.Sprintf("%v to %v", round(slices.Min(times)), round(slices.Max(times)))
}

// quantile returns the value below which the part q of the values is.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return round(sorted[int(q*float64(len(sorted)-1))])
}

// round keeps about three digits.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}

// failures returns the number of all failures and stale answers.
func failures(rows []row) (failed, stale int) {
	for _, r := range rows {
		failed += r.tally.failures
		stale += r.tally.stale
	}
	return failed, stale
}
