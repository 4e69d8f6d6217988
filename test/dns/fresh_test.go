package dns_test

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

var freshRounds = flag.Int("rounds", 200, "rounds of TestFresh, of seven changes each; 10000 for a thorough run")

// An answer asked for after a change was acknowledged never shows the old
// state, over any number of rounds, with others registering and asking all the
// time. The store is the one on disk: durable, visible, acknowledged.
func TestFresh(t *testing.T) {
	w := start(t, onDisk(t))
	ns := w.namespace(t, "shop.example", false)
	stop := w.load(t, ns)
	defer stop()
	const workers = 8
	var wg sync.WaitGroup
	for worker := range workers {
		name := fmt.Sprintf("fresh-%d", worker)
		service := w.service(t, ns, name, "A", "MULTIVALUE", checked)
		f := &fresh{fixture: w, t: t, service: service, name: name + ".shop.example.", conn: w.dial(t, "udp")}
		wg.Go(func() {
			for round := range *freshRounds / workers {
				if f.round(round); t.Failed() {
					return
				}
			}
		})
	}
	wg.Wait()
}

// onDisk keeps the registry in the embedded store.
func onDisk(t *testing.T) nodetest.Option {
	dir := t.TempDir()
	return nodetest.With(func(c *node.Config) {
		c.DataDir = dir
		c.OpenStore = func() (store.Store, error) { return embedded.Open(embedded.Config{Dir: dir}) }
	})
}

// fresh changes one service and looks at it.
type fresh struct {
	*fixture
	t             *testing.T
	service, name string
	conn          *wire
	id            uint16
}

// round makes each kind of change once and looks after each.
func (f *fresh) round(n int) {
	kept, moved := fmt.Sprintf("10.1.%d.%d", n>>8&0xff, n&0xff), fmt.Sprintf("10.2.%d.%d", n>>8&0xff, n&0xff)
	f.register(f.t, f.service, "a", "IPV4="+kept)
	f.expect("a registration", kept)
	f.register(f.t, f.service, "b", "IPV4="+moved)
	f.expect("a second registration", kept, moved)
	f.setHealth(f.t, f.service, "a", "UNHEALTHY")
	f.expect("bad health", moved)
	f.setHealth(f.t, f.service, "a", "HEALTHY")
	f.expect("good health", kept, moved)
	f.deregister(f.t, f.service, "a")
	f.expect("a deregistration", moved)
	f.register(f.t, f.service, "b", "IPV4="+kept)
	f.expect("new attributes", kept)
	f.deregister(f.t, f.service, "b")
	f.expect("the last deregistration")
}

func (f *fresh) expect(after string, want ...string) {
	f.t.Helper()
	q := new(dns.Msg).SetQuestion(f.name, dns.TypeA)
	f.id++
	q.Id = f.id
	raw, err := q.Pack()
	if err != nil {
		f.t.Error(err)
		return
	}
	f.conn.send(raw)
	m := new(dns.Msg)
	if err := m.Unpack(f.conn.receive()); err != nil || m.Id != f.id {
		f.t.Errorf("%v\n%v", err, m)
		return
	}
	if got := addresses(m); m.Rcode != dns.RcodeSuccess || !slices.Equal(got, want) {
		f.t.Errorf("%s after %s: %v, want %v", f.name, after, got, want)
	}
}

// load registers and asks all the time until it is stopped.
func (w *fixture) load(t *testing.T, ns string) (stop func()) {
	service := w.service(t, ns, "load", "A", "MULTIVALUE")
	var ended atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !ended.Load() && !t.Failed(); i++ {
			id := fmt.Sprintf("i-%d", i%50)
			w.register(t, service, id, fmt.Sprintf("IPV4=10.3.0.%d", i%250+1))
		}
	})
	conn := w.dial(t, "udp")
	wg.Go(func() {
		for !ended.Load() && !t.Failed() {
			conn.send(sentinel(1))
			conn.receive()
		}
	})
	return func() {
		ended.Store(true)
		wg.Wait()
	}
}
