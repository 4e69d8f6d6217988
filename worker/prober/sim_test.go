package prober

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

// simRuns is how many random histories are played. Each is a few minutes of
// simulated time.
const simRuns = 2000

// behavior is what a simulated backend does with a connection.
type behavior int

const (
	answers behavior = iota
	errs             // 500, or for TCP a refused connection
	refuses
	hangsBefore // no connection
	hangsAfter  // no answer
	behaviors
)

// takes is how long a probe lasts that meets the behavior: the limits of Route 53.
func (o behavior) takes(tcp bool) time.Duration {
	switch {
	case o == hangsBefore && tcp:
		return 10 * time.Second
	case o == hangsBefore:
		return 4 * time.Second
	case o == hangsAfter && !tcp:
		return 2 * time.Second
	}
	return 0
}

func (o behavior) passes(tcp bool) bool { return o == answers || tcp && (o == hangsAfter || o == errs) }

// backend is one simulated instance, and what its probes have found.
type backend struct {
	id         registry.InstanceID
	behaves    behavior
	registered bool
	asked      time.Time       // when it was registered
	base       registry.Health // before the results
	results    []result
}

type result struct {
	begun, ended time.Time
	pass         bool
}

// sim is a replica, a prober and backends in a synctest bubble.
type sim struct {
	*testing.T
	rand    *rand.Rand
	replica *replica.Replica
	service registry.ServiceID
	config  *registry.HealthCheck
	tcp     bool
	th      health.Thresholds

	interval, initial time.Duration

	mu       sync.Mutex
	backends map[netip.Addr]*backend
	all      []*backend
	stop     func() // ends the prober
}

const simAccount command.AccountID = "000000000000"

func (s *sim) do(c command.Command) command.Reply {
	s.Helper()
	reply, err := s.replica.Propose(s.Context(), simAccount, c)
	if err != nil {
		s.Fatalf("%T: %v", c, err)
	}
	return reply
}

// dial is the simulated network.
func (s *sim) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	s.mu.Lock()
	b := s.backends[to.Addr()]
	o, now := b.behaves, time.Now()
	b.results = append(b.results, result{now, now.Add(o.takes(s.tcp)), o.passes(s.tcp)})
	s.mu.Unlock()
	switch o {
	case refuses:
		return nil, syscall.ECONNREFUSED
	case hangsBefore:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	client, server := net.Pipe()
	go serve(server, o)
	return client, nil
}

func serve(conn net.Conn, o behavior) {
	defer conn.Close()
	var b [4096]byte
	if _, err := conn.Read(b[:]); err != nil {
		return
	}
	switch o {
	case answers:
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	case errs:
		io.WriteString(conn, "HTTP/1.1 500 Oops\r\n\r\n")
	default:
		io.Copy(io.Discard, conn) // until the prober closes
	}
}

// startProber runs one until s.stop is called.
func (s *sim) startProber() {
	p, err := New(Config{Replica: s.replica, Logger: slog.New(slog.DiscardHandler),
		Interval: s.interval, InitialInterval: s.initial, Dial: s.dial})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.Error(err)
		}
	}
}

func newSim(t *testing.T, seed uint64) *sim {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &sim{T: t, rand: r, backends: map[netip.Addr]*backend{}, tcp: r.IntN(3) == 0,
		th:       health.Thresholds{Failure: 1 + r.IntN(4)},
		interval: time.Duration(8+r.IntN(30)) * time.Second, initial: time.Duration(1+r.IntN(3)) * time.Second}
	rules := func() *state.Rules {
		return &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
	}
	rep, err := replica.New(replica.Config{Store: memory.New(), Rules: rules, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.replica = rep
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := rep.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	<-rep.Loaded()
	s.do(&registry.CreateNamespace{Type: registry.DNSPublic, Name: "sim.example"})
	s.config = &registry.HealthCheck{Type: registry.CheckHTTP, FailureThreshold: int64(s.th.Failure)}
	if s.tcp {
		s.config.Type = registry.CheckTCP
	}
	for id := range rep.Current().Registry.Namespaces(simAccount, "") {
		s.service = s.do(&registry.CreateService{Name: "s", NamespaceRef: string(id), HealthCheck: s.config,
			DNS: &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: 5}}}}).Value.(*registry.Service).ID
	}
	for i := range 1 + r.IntN(5) {
		b := &backend{id: registry.InstanceID(fmt.Sprint("i", i))}
		s.backends[netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})] = b
		s.all = append(s.all, b)
	}
	return s
}

// register registers a backend, or registers it again: then it keeps its health.
// Results of probes that began before do not count.
func (s *sim) register(i int) {
	s.mu.Lock()
	b := s.all[i]
	b.registered, b.asked, b.base, b.results = true, time.Now(), s.health(b), nil
	s.mu.Unlock()
	s.do(&registry.RegisterInstance{ServiceRef: string(s.service), ID: b.id, Attributes: map[string]string{
		registry.AttrIPv4: fmt.Sprintf("10.0.0.%d", i), registry.AttrPort: "80"}})
}

// step does one random thing.
func (s *sim) step() {
	i := s.rand.IntN(len(s.all))
	b := s.all[i]
	switch n := s.rand.IntN(10); {
	case n < 2 || !b.registered:
		s.register(i)
	case n == 2:
		s.do(&registry.DeregisterInstance{ServiceRef: string(s.service), ID: b.id})
		b.registered = false
	case n == 3 && s.rand.IntN(2) == 0:
		s.change()
	case n == 3:
		s.restart()
	default:
		s.mu.Lock()
		b.behaves = behavior(s.rand.IntN(int(behaviors)))
		s.mu.Unlock()
	}
}

// restart ends the prober and starts another. Verdicts stay as they are; counts
// start again.
func (s *sim) restart() {
	s.stop()
	before := map[registry.InstanceID]registry.Health{}
	for _, b := range s.all {
		before[b.id] = s.health(b)
	}
	s.breakOff(func(b *backend) registry.Health { return before[b.id] })
	s.startProber()
	synctest.Wait()
	for _, b := range s.all {
		if got := s.health(b); b.registered && got != before[b.id] && before[b.id] != registry.Unknown {
			s.Errorf("%s was %s before the restart and is %s", b.id, before[b.id], got)
		}
	}
}

func (s *sim) health(b *backend) registry.Health {
	svc, _ := s.replica.Current().Registry.Service(simAccount, s.service)
	inst, ok := svc.Instance(b.id)
	if !ok {
		return registry.Unknown
	}
	return svc.Health(inst)
}

// breakOff ends the counting of results: those so far amount to a verdict that
// stays, and count towards no other.
func (s *sim) breakOff(verdict func(*backend) registry.Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.all {
		b.asked, b.base, b.results = time.Time{}, verdict(b), nil
	}
}

// change changes the check while it is in use. Its new thresholds count from
// then on.
func (s *sim) change() {
	s.settle()
	now := time.Now()
	s.breakOff(func(b *backend) registry.Health { return s.model(b, now) })
	if s.rand.IntN(2) == 0 {
		s.th.Success = s.th.Success%4 + 1 // always another
		s.do(&registry.UpdateServiceAttributes{Ref: string(s.service), Attributes: map[string]string{
			registry.AttrCheckSuccessThreshold: fmt.Sprint(s.th.Success)}})
	} else {
		s.th.Failure = s.th.Failure%4 + 1
		check := *s.config
		check.FailureThreshold = int64(s.th.Failure)
		s.do(&registry.UpdateService{Ref: string(s.service), HealthCheck: &check, Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: 5}}})
	}
}

// settle waits until the registry shows all that was found.
func (s *sim) settle() {
	s.Helper()
	for range 100 {
		synctest.Wait()
		settled := true
		s.mu.Lock()
		for _, b := range s.all {
			settled = settled && (!b.registered || s.health(b) == s.model(b, time.Now()))
		}
		s.mu.Unlock()
		if settled {
			return
		}
		time.Sleep(batchTime)
	}
	s.Errorf("the registry does not show what was found")
}

// model is the verdict that the results up to a time amount to, found by looking
// at all of them again.
func (s *sim) model(b *backend, until time.Time) registry.Health {
	verdict, run, last := b.base, 0, false
	for _, r := range b.results {
		if r.ended.After(until) {
			break
		}
		if r.pass != last {
			run, last = 0, r.pass
		}
		run++
		switch {
		case r.pass && s.th.Success > 0 && run >= s.th.Success, r.pass && s.th.Success == 0 && run >= s.th.Failure:
			verdict = registry.Healthy
		case !r.pass && run >= s.th.Failure:
			verdict = registry.Unhealthy
		}
	}
	return verdict
}

// check compares the registry with the model. A change may take batchTime.
func (s *sim) check() {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, b := range s.all {
		if !b.registered {
			continue
		}
		got := s.health(b)
		if got != s.model(b, now) && got != s.model(b, now.Add(-2*batchTime)) {
			s.Errorf("%s is %s, its results amount to %s: %v", b.id, got, s.model(b, now), b.results)
		}
		s.checkPace(b)
	}
}

// checkPace: the first probe at once, the next within the interval of the time
// of day that the instance was given.
func (s *sim) checkPace(b *backend) {
	s.Helper()
	if len(b.results) > 0 && b.results[0].begun.Before(b.asked) {
		s.Errorf("%s was probed before it was registered", b.id)
	}
	if len(b.results) == 0 && !b.asked.IsZero() && time.Since(b.asked) > 0 {
		s.Errorf("%s was not probed at once", b.id)
	}
	for i := 1; i < len(b.results); i++ {
		before, r := b.results[i-1], b.results[i]
		most := s.interval
		if s.model(b, before.ended) == registry.Unknown {
			most = s.initial
		}
		if gap := r.begun.Sub(before.ended); gap > most {
			s.Errorf("%s: %v between two probes, more than %v", b.id, gap, most)
		}
	}
}

func TestSimulation(t *testing.T) {
	runs := simRuns
	if testing.Short() || raceDetector {
		runs = 100
	}
	for seed := range uint64(runs) {
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, seed)
				s.startProber()
				for range 30 {
					s.step()
					time.Sleep(time.Duration(s.rand.IntN(15_000)) * time.Millisecond) // of the bubble
					synctest.Wait()
					s.check()
				}
				s.stop()
			})
		})
		if !ok {
			return // one history is enough to look at
		}
	}
}
