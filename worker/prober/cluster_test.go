package prober

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

// cluster is services with TCP checks, each in a network of its own that works or
// not: service n has the addresses 10.n.0.0/16.
type cluster struct {
	*testing.T
	replica  *replica.Replica
	prober   *Prober
	services []registry.ServiceID

	mu      sync.Mutex
	network [256]behavior // control addresses are 10.255.0.0/16
	dials   [256][]time.Time
	hanging int // connections that are not made

	threshold int64
	settings  map[string]string // attributes of services that are made
	// stopProber ends the prober in order.
	stopProber func()
	accounts   []command.AccountID // of the services
}

func newCluster(t *testing.T, strict bool, change func(*Config)) *cluster {
	f := &cluster{T: t, threshold: 3}
	rules := func() *state.Rules {
		return &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60, Strict: strict}}
	}
	log := slog.New(slog.DiscardHandler)
	var err error
	if f.replica, err = replica.New(replica.Config{Store: memory.New(), Rules: rules, Logger: log}); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Replica: f.replica, Logger: log, Strict: strict,
		Interval: 30 * time.Second, InitialInterval: time.Second, Dial: f.dial}
	if change != nil {
		change(&cfg)
	}
	if f.prober, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	f.background(f.replica.Run)
	f.background(f.prober.Run)
	<-f.replica.Loaded()
	return f
}

// background runs a part until stop is called or the test has ended.
func (f *cluster) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(f.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := run(ctx); err != nil {
			f.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	f.Cleanup(stop)
	return stop
}

func (f *cluster) do(c command.Command) command.Reply { return f.doAs(simAccount, c) }

func (f *cluster) doAs(account command.AccountID, c command.Command) command.Reply {
	f.Helper()
	reply, err := f.replica.Propose(f.Context(), account, c)
	if err != nil {
		f.Fatalf("%T: %v", c, err)
	}
	return reply
}

// service makes one with n instances, all at once.
func (f *cluster) service(n int) registry.ServiceID { return f.serviceOf(simAccount, n) }

func (f *cluster) serviceOf(account command.AccountID, n int) registry.ServiceID {
	f.Helper()
	var ns registry.NamespaceID
	for ns = range f.replica.Current().Registry.Namespaces(account, "") {
	}
	if ns == "" {
		f.doAs(account, &registry.CreateNamespace{Type: registry.HTTP, Name: "cluster.example"})
		for ns = range f.replica.Current().Registry.Namespaces(account, "") {
		}
	}
	number := len(f.services)
	id := f.doAs(account, &registry.CreateService{Name: fmt.Sprint("s", number), NamespaceRef: string(ns),
		HealthCheck: &registry.HealthCheck{Type: registry.CheckTCP, FailureThreshold: f.threshold}}).Value.(*registry.Service).ID
	if f.settings != nil {
		f.doAs(account, &registry.UpdateServiceAttributes{Ref: string(id), Attributes: f.settings})
	}
	f.services, f.accounts = append(f.services, id), append(f.accounts, account)
	for i := range n {
		f.register(number, i)
	}
	return id
}

func (f *cluster) register(service, i int) {
	f.Helper()
	f.registerAt(service, i, netip.AddrFrom4([4]byte{10, byte(service), byte(i / 256), byte(i)}))
}

func (f *cluster) registerAt(service, i int, addr netip.Addr) {
	f.Helper()
	f.doAs(f.accounts[service], &registry.RegisterInstance{ServiceRef: string(f.services[service]), ID: registry.InstanceID(fmt.Sprint(i)),
		Attributes: map[string]string{registry.AttrIPv4: addr.String(), registry.AttrPort: "80"}})
}

func (f *cluster) set(service int, o behavior) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.network[service] = o
}

func (f *cluster) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	n := to.Addr().As4()[1]
	f.mu.Lock()
	o := f.network[n]
	f.dials[n] = append(f.dials[n], time.Now())
	f.mu.Unlock()
	switch o {
	case answers:
		conn, other := net.Pipe()
		_ = other.Close()
		return conn, nil
	case hangsBefore:
		f.hang(1)
		defer f.hang(-1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, syscall.ECONNREFUSED
}

func (f *cluster) hang(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hanging += by
}

// states counts the instances of a service by health.
func (f *cluster) states(service int) (n [3]int) {
	synctest.Wait()
	svc, _ := f.replica.Current().Registry.Service(f.accounts[service], f.services[service])
	for _, inst := range svc.Instances("") {
		n[svc.Health(inst)]++
	}
	return n
}

func (f *cluster) want(what string, service, unknown, healthy, unhealthy int) {
	f.Helper()
	if got := f.states(service); got != [3]int{unknown, healthy, unhealthy} {
		f.Errorf("%s: service %d has %d unknown, %d healthy, %d unhealthy; want %d, %d, %d",
			what, service, got[0], got[1], got[2], unknown, healthy, unhealthy)
	}
}

// pass lets simulated time pass.
func pass(d time.Duration) { time.Sleep(d) }

// TestFirstVerdict is row 2 of the decisions: at once, then every initial
// interval, until the threshold of three.
func TestFirstVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, nil)
		f.service(1)
		start := time.Now()
		f.want("at once", 0, 1, 0, 0)
		pass(1900 * time.Millisecond)
		f.want("after two", 0, 1, 0, 0)
		pass(200 * time.Millisecond)
		f.want("after three", 0, 0, 1, 0)
		pass(5 * time.Minute)
		synctest.Wait()
		var gaps []time.Duration
		for i, at := range f.dials[0] {
			if i > 0 {
				gaps = append(gaps, at.Sub(f.dials[0][i-1]))
			}
		}
		if f.dials[0][0] != start || gaps[0] != time.Second || gaps[1] != time.Second || gaps[2] > 30*time.Second {
			t.Errorf("first probe after %v, gaps %v", f.dials[0][0].Sub(start), gaps)
		}
		for _, gap := range gaps[3:] {
			if gap != 30*time.Second {
				t.Errorf("gaps %v", gaps)
			}
		}
	})
}

// TestStrictStart is row 2 of the decisions: healthy until data says otherwise.
func TestStrictStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, true, nil)
		f.set(0, refuses)
		f.service(1)
		f.want("at once", 0, 0, 1, 0)
		pass(29 * time.Second)
		f.want("after one or two failures", 0, 0, 1, 0)
		pass(62 * time.Second)
		f.want("after three failures", 0, 0, 0, 1)
	})
}

// TestProbesAreSpread: however they were registered, the probes of many checks
// come at a steady rate.
func TestProbesAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, nil)
		f.service(900)
		pass(time.Minute)
		synctest.Wait()
		f.mu.Lock()
		f.dials[0] = nil
		f.mu.Unlock()
		start := time.Now()
		pass(30 * time.Second)
		synctest.Wait()
		var perSecond [30]int
		for _, at := range f.dials[0] {
			perSecond[min(int(at.Sub(start)/time.Second), 29)]++
		}
		for _, n := range perSecond {
			if n < 8 || n > 60 { // 30 on average
				t.Errorf("probes per second: %v", perSecond)
				break
			}
		}
	})
}

// TestHangingServicesDelayNobody: with more hanging endpoints than probes that
// may run, the checks of other services stay on time.
func TestHangingServicesDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.MaxProbes = 32 })
		for n := range 3 {
			f.set(n, hangsBefore)
			f.service(200)
		}
		f.service(20) // the healthy one
		pass(3 * time.Second)
		f.want("beside hanging services", 3, 0, 20, 0)
		f.mu.Lock()
		f.dials[3] = nil
		f.mu.Unlock()
		pass(10 * time.Minute)
		f.mu.Lock()
		n := len(f.dials[3])
		f.mu.Unlock()
		if n < 20*19 || n > 20*21 {
			t.Errorf("%d probes of 20 instances in 20 intervals", n)
		}
		pass(10 * time.Minute) // with eight probes at a time of ten seconds each
		f.want("hanging", 0, 0, 0, 200)
	})
}

// TestOutageInFewCommits: a whole zone goes down, and so few commits show it that
// most of its changes share one.
func TestOutageInFewCommits(t *testing.T) {
	for interval, most := range map[time.Duration]uint64{time.Second: 6, 10 * time.Second: 16} {
		n := 10_000
		if testing.Short() || raceDetector {
			n = 2000
		}
		synctest.Test(t, func(t *testing.T) {
			f := newCluster(t, false, func(c *Config) { c.Interval = interval; c.MaxRate = 20_000 })
			f.service(n)
			pass(3 * interval)
			f.want("before", 0, 0, n, 0)
			f.set(0, refuses)
			before := f.replica.Current().Revision
			pass(3*interval + batchTimeMax)
			f.want("after", 0, 0, 0, n)
			if commits := f.replica.Current().Revision - before; commits > most {
				t.Errorf("every %v: %d commits for %d instances", interval, commits, n)
			} else {
				t.Logf("every %v: %d commits for %d instances", interval, commits, n)
			}
		})
	}
}

func TestBrownOut(t *testing.T) {
	control := []netip.AddrPort{netip.MustParseAddrPort("10.255.0.1:53")}
	for name, test := range map[string]struct {
		control behavior
		keep    bool
	}{
		"control probe passes": {answers, false},
		"control probe fails":  {refuses, true},
		"control probe hangs":  {hangsBefore, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newCluster(t, false, func(c *Config) { c.Control = control })
				f.service(50)
				f.service(50)
				pass(time.Minute)
				f.want("before", 0, 0, 50, 0)
				for n := range 2 {
					f.set(n, hangsBefore)
				}
				f.set(255, test.control)
				pass(5 * time.Minute)
				if !test.keep {
					f.want("real outage", 0, 0, 0, 50)
					return
				}
				f.want("cut off", 0, 0, 50, 0)
				if r := f.prober.Reports(t.Context(), f.services[0]); !r["0"].Distrusted {
					t.Error("the prober does not say that it distrusts itself")
				}
				f.set(1, answers)
				f.set(255, answers)
				pass(20 * time.Second)
				f.want("connected again, but no failures of its own yet", 0, 0, 50, 0)
				pass(3 * time.Minute)
				f.want("really down", 0, 0, 0, 50)
				f.want("really up", 1, 0, 50, 0)
			})
		})
	}
}

// TestBrownOutEndsBetweenPasses: instances that are back a probe or two before the
// node trusts itself again are not marked for what failed before.
func TestBrownOutEndsBetweenPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) {
			c.Interval, c.Control = time.Second, []netip.AddrPort{netip.MustParseAddrPort("10.255.0.1:53")}
		})
		f.threshold = 10
		f.service(50)
		pass(time.Minute)
		f.set(0, refuses)
		f.set(255, refuses)
		pass(time.Minute)
		f.want("cut off", 0, 0, 50, 0)
		f.set(255, answers)
		f.set(0, answers)
		for range 20 {
			pass(time.Second)
			f.want("connected again", 0, 0, 50, 0)
		}
	})
}

// TestBrownOutOfEagerChecks: with a threshold of one most are marked before it
// shows that all fail together; that is taken back. And a node that has nothing
// to say recovers as well.
func TestBrownOutOfEagerChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.Control = []netip.AddrPort{netip.MustParseAddrPort("10.255.0.1:53")} })
		f.threshold = 1
		f.service(50)
		pass(time.Minute)
		f.set(0, refuses)
		f.set(255, refuses)
		pass(32 * time.Second)
		f.want("cut off", 0, 0, 50, 0)
		r := f.prober.Reports(t.Context(), f.services[0])["0"]
		if n := len(r.Events); !r.Distrusted || n > 1 && r.Events[n-1].Cause != health.Doubted {
			t.Errorf("report %+v", r)
		}
		f.set(0, answers)
		pass(time.Minute)
		f.set(255, answers)
		pass(2 * controlEvery)
		if r := f.prober.Reports(t.Context(), f.services[0])["0"]; r.Distrusted {
			t.Error("it does not recover")
		}
		f.want("afterwards", 0, 0, 50, 0)
	})
}

// TestMovedAndGone: a probe that hangs keeps nothing waiting when its instance
// is registered elsewhere, and ends when it is gone.
func TestMovedAndGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.MaxProbes = 4 })
		f.service(1)
		f.set(1, hangsBefore)
		move := func(network int) {
			f.do(&registry.RegisterInstance{ServiceRef: string(f.services[0]), ID: "0", Attributes: map[string]string{
				registry.AttrIPv4: fmt.Sprintf("10.%d.0.0", network), registry.AttrPort: "80"}})
		}
		for range 20 { // more often than there may be probes
			move(1)
			pass(10 * time.Millisecond)
		}
		move(0)
		pass(2100 * time.Millisecond)
		f.want("moved", 0, 0, 1, 0)
		move(1)
		synctest.Wait()
		f.do(&registry.DeregisterInstance{ServiceRef: string(f.services[0]), ID: "0"})
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.hanging != 0 {
			t.Errorf("%d probes of what is gone still run", f.hanging)
		}
	})
}

// TestPartOfTheCluster: what is less than the share is believed at once.
func TestPartOfTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.Control = []netip.AddrPort{netip.MustParseAddrPort("10.255.0.1:53")} })
		f.service(70)
		f.service(30)
		pass(time.Minute)
		f.set(0, refuses)
		f.set(255, refuses)
		pass(2 * time.Minute)
		f.want("seven in ten", 0, 0, 0, 70)
	})
}

// TestEvents: the last twenty changes are remembered, with their reasons.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.Interval = time.Second })
		f.service(1)
		for i := range 31 {
			pass(5 * time.Second)
			f.set(0, []behavior{refuses, answers}[i%2])
		}
		pass(5 * time.Second)
		synctest.Wait()
		r := f.prober.Reports(t.Context(), f.services[0])["0"]
		if len(r.Events) != maxEvents {
			t.Fatalf("%d events", len(r.Events))
		}
		last := r.Events[len(r.Events)-1]
		want := health.Event{At: last.At, From: health.Healthy, To: health.Unhealthy, Reason: health.Reason{Kind: health.Refused}, Streak: 3}
		if last != want {
			t.Errorf("got %+v, want %+v", last, want)
		}
		if !r.Probed || r.Target != "TCP connection to 10.0.0.0:80" || r.Last.Kind != health.Refused || r.Streak < 3 {
			t.Errorf("report %+v", r)
		}
		f.do(&registry.DeregisterInstance{ServiceRef: string(f.services[0]), ID: "0"})
		synctest.Wait()
		if r := f.prober.Reports(t.Context(), f.services[0]); len(r) != 0 {
			t.Errorf("still known: %v", r)
		}
	})
}

// TestChangesAreLogged: one line for each change of health, with what is needed to
// find the instance, and a bounded number of lines in an outage.
func TestChangesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		f := newCluster(t, false, func(c *Config) { c.Interval = time.Second; c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		f.service(1)
		pass(time.Minute)
		f.set(0, refuses)
		pass(time.Minute)
		synctest.Wait()
		for _, want := range []string{
			"level=INFO msg=\"health changed\" account=" + string(simAccount) + " service=" + string(f.services[0]) + " name=s0 instance=0 from=UNKNOWN to=HEALTHY reason=succeeded",
			"instance=0 from=HEALTHY to=UNHEALTHY reason=\"was refused (nothing listens on that port)\"",
		} {
			if n := strings.Count(log.String(), want); n != 1 {
				t.Errorf("%d lines with %s:\n%s", n, want, log.String())
			}
		}
		f.service(1000)
		pass(time.Minute)
		f.register(0, 1)
		pass(time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "health changed"); n > logBurst+10 {
			t.Errorf("%d lines", n)
		}
		if !strings.Contains(log.String(), "not_logged_before=") {
			t.Error("the log does not say that lines were left out")
		}
	})
}

// TestHistoryWithoutCheck: of a service without a check the prober follows instances while
// a lease has run out, or while it remembers changes of their health.
func TestHistoryWithoutCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, nil)
		svc := f.service(1)
		pass(time.Minute)
		f.do(&registry.UpdateService{Ref: string(svc)}) // has no check any more
		register := func(id registry.InstanceID, attributes map[string]string) {
			f.do(&registry.RegisterInstance{ServiceRef: string(svc), ID: id, Attributes: attributes})
		}
		deregister := func(id registry.InstanceID) {
			f.do(&registry.DeregisterInstance{ServiceRef: string(svc), ID: id})
		}
		wantCauses := func(id registry.InstanceID, want ...health.Cause) {
			t.Helper()
			synctest.Wait()
			var got []health.Cause
			for _, e := range f.prober.Reports(t.Context(), svc)[id].Events {
				got = append(got, e.Cause)
			}
			if !slices.Equal(got, want) {
				t.Errorf("instance %s: causes %v, want %v", id, got, want)
			}
		}
		wantCauses("0", health.Probed)
		deregister("0")
		wantCauses("0")

		leased := map[string]string{registry.AttrTTL: "60"}
		register("leased", leased)
		wantCauses("leased")
		pass(61 * time.Second)
		for l := range f.replica.Current().Registry.Leases() {
			f.do(&registry.EndLeases{Leases: []registry.Lease{l}})
		}
		wantCauses("leased", health.Expired)
		register("leased", leased)
		wantCauses("leased", health.Expired, health.Renewed)
		deregister("leased")
		wantCauses("leased")
	})
}
