package sim

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// What docs/scale.md reckons with. The bounds of history are those of package replica.
const (
	changeRate  = 1000 * 500 // bytes of changes a second
	link        = 125e6      // bytes a second that a machine sends: 1 Gbit/s
	idleHistory = 16 << 20   // bytes of changes that a node remembers for followers that come back
	busyHistory = 256 << 20  // and for those that load, at least; or a quarter of the state
	recordBytes = 300        // of an instance, in the store and on the way
)

// sender is a machine that sends all changes to several others.
type sender struct {
	name      string
	followers int
}

var senders = []sender{
	{"a member of etcd, of 3 for 1,000 nodes", 334},
	{"a member, of 5 for 1,000 followers", 200},
	{"a member, of 5 for 30 followers", 6},
	{"one of these 30, for 1,000 followers", 34},
}

// catchUp returns when the followers of a sender are up to date again that all come back at
// once after an outage: they get the changes that they have missed, or all records and then
// the changes since. It returns 0 if they never are.
func (s sender) catchUp(outage time.Duration, instances int) time.Duration {
	each := link / float64(s.followers)
	if each <= changeRate {
		return 0
	}
	behind := changeRate * outage.Seconds()
	if behind > idleHistory {
		behind = float64(instances) * recordBytes
		if loading := behind / each; loading*changeRate > max(busyHistory, behind/4) {
			return 0 // after the load the changes since its beginning are not remembered any more
		}
	}
	return time.Duration(behind / (each - changeRate) * float64(time.Second))
}

var update = flag.Bool("update", false, "write the table of docs/scale.md")

// TestScaleTable: the table in docs/scale.md is what the simulation finds.
func TestScaleTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| sender | sends | outage of 30 s | of 60 s, 1 million instances | of 60 s, 10 million |\n|---|---|---|---|---|\n")
	for _, s := range senders {
		fmt.Fprintf(&b, "| %s | %d MB/s |", s.name, s.followers*changeRate/1e6)
		for _, c := range []struct {
			outage    time.Duration
			instances int
		}{{30 * time.Second, 1e6}, {time.Minute, 1e6}, {time.Minute, 1e7}} {
			if after := s.catchUp(c.outage, c.instances); after > 0 {
				fmt.Fprintf(&b, " %s |", short(after))
			} else {
				b.WriteString(" never |")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	const file, begin, end = "../../docs/scale.md", "<!-- begin: go test ./test/sim -run ScaleTable -update -->\n\n", "<!-- end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	have, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	if string(have) == b.String() {
		return
	}
	if !*update {
		t.Fatalf("%s has\n%s\nwant\n%s", file, have, b.String())
	}
	if err := os.WriteFile(file, bytes.Join([][]byte{before, []byte(begin), []byte(b.String()), []byte(end), after}, nil), 0o644); err != nil {
		t.Fatal(err)
	}
}

// short writes a time with two digits.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.2g s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

// TestCatchUp: the rules agree with what can be reckoned by hand.
func TestCatchUp(t *testing.T) {
	for _, test := range []struct {
		followers, instances int
		outage, want         time.Duration // 0: never
	}{
		{100, 1e6, 30 * time.Second, 20 * time.Second}, // 15 MB at 0.75 MB/s
		{100, 1e6, time.Minute, 400 * time.Second},     // 300 MB at 0.75 MB/s
		{249, 1e6, time.Minute, 0},                     // the load takes 600 s, and changes of 300 MB
		{250, 1e6, 30 * time.Second, 0},                // as fast as the changes
	} {
		got := sender{"", test.followers}.catchUp(test.outage, test.instances)
		if (got - test.want).Abs() > test.want/100 {
			t.Errorf("%d followers after %v: %v, want %v", test.followers, test.outage, got, test.want)
		}
	}
}

// TestSizeOfInstances: a usual instance takes no more in the store than docs/scale.md reckons
// with, and not much less.
func TestSizeOfInstances(t *testing.T) {
	const account, count, group = command.AccountID("111122223333"), 1000, 100
	rules := &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
	data := memory.New()
	r, err := replica.New(replica.Config{Store: data, Rules: func() *state.Rules { return rules }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx) })
	defer func() { cancel(); running.Wait() }()
	<-r.Loaded()
	do := func(c command.Command) command.Reply {
		reply, err := r.Propose(ctx, account, c)
		if err != nil {
			t.Error(err)
		}
		return reply
	}
	do(&registry.CreateNamespace{Type: registry.HTTP, Name: "shop"})
	var service registry.ServiceID
	for ns := range r.Current().Registry.Namespaces(account, "") {
		service = do(&registry.CreateService{Name: "web", NamespaceRef: string(ns)}).Value.(*registry.Service).ID
	}
	for i := range count / group {
		var some sync.WaitGroup
		for j := range group {
			some.Go(func() {
				n := i*group + j
				do(&registry.RegisterInstance{ServiceRef: string(service), ID: registry.InstanceID(fmt.Sprintf("i-%017x", n)), Attributes: map[string]string{
					registry.AttrIPv4: fmt.Sprintf("10.0.%d.%d", n/250%250, n%250), registry.AttrPort: "8080", "version": "1.24.3", "zone": "eu-west-1a"}})
			})
		}
		some.Wait()
	}
	records, size := 0, 0
	if _, err := data.Load(ctx, func(changes []store.Change) error {
		for _, c := range changes {
			if strings.HasPrefix(c.Key, "4i/") {
				records, size = records+1, size+len(c.Key)+len(c.Value)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := size / count; records != count || got < recordBytes/2 || got > recordBytes {
		t.Errorf("%d records of %d bytes, want at most %d", records, got, recordBytes)
	}
}
