package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxShown bounds the instances that String shows.
const maxShown = 50

// String is the whole explanation as text.
func (a *Answer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, asked from %s: %s\n", a.Name, a.From, a.Outcome)
	for _, f := range a.Findings {
		fmt.Fprintf(&b, "  %s\n", f)
	}
	for n, i := range a.Instances {
		if n == maxShown {
			fmt.Fprintf(&b, "\n… and %d more instances\n", len(a.Instances)-n)
			break
		}
		fmt.Fprintf(&b, "\n%s: %s\n", i.ID, i.place(a.Outcome == "HTTP"))
		for _, r := range i.Reasons {
			fmt.Fprintf(&b, "  %s\n", r)
		}
		for _, ev := range i.Events {
			fmt.Fprintf(&b, "    %s\n", ev)
		}
	}
	if len(a.Hints) > 0 {
		b.WriteString("\nHints:\n")
	}
	for _, h := range a.Hints {
		fmt.Fprintf(&b, "  %s\n", h)
	}
	b.WriteString("\nTimes are UTC.\n")
	return b.String()
}

// place says where an instance is answered.
func (i *Instance) place(http bool) string {
	word := func(in bool) string {
		if in {
			return "in"
		}
		return "out"
	}
	switch {
	case http:
		return word(i.InDiscover)
	case i.InDNS == i.InDiscover:
		return word(i.InDNS)
	}
	return word(i.InDNS) + " (DNS), " + word(i.InDiscover) + " (DiscoverInstances)"
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// clock shows a time of today without its date.
func (e *explanation) clock(ms int64) string {
	at, now := time.UnixMilli(ms).UTC(), time.UnixMilli(e.q.Now).UTC()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format("2006-01-02 15:04:05")
}

// span is a number of seconds in words.
func span(seconds int64) string {
	for _, u := range []struct {
		n    int64
		name string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if seconds >= u.n && seconds%u.n == 0 {
			return plural(seconds/u.n, u.name)
		}
	}
	return plural(seconds, "second")
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", small(n), what)
}

func small(n int64) string {
	words := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
	if n < int64(len(words)) {
		return words[n]
	}
	return fmt.Sprint(n)
}

func ordinal(n int) string {
	words := []string{"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	if n < len(words) {
		return words[n]
	}
	suffix := "th"
	if n/10%10 != 1 {
		suffix = map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]
		if suffix == "" {
			suffix = "th"
		}
	}
	return fmt.Sprint(n) + suffix
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
