package prober

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
)

const hostile command.AccountID = "111111111111"

// probesDuring counts the probes of a service while simulated time passes.
func (f *cluster) probesDuring(service int, during time.Duration) int {
	synctest.Wait()
	f.mu.Lock()
	f.dials[service] = nil
	f.mu.Unlock()
	time.Sleep(during) // of the bubble
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.dials[service])
}

// TestHangingAccountDelaysNoOther: whatever one account does, the checks of
// another are probed in time.
func TestHangingAccountDelaysNoOther(t *testing.T) {
	for name, test := range map[string]struct {
		services, each, maxProbes int
		timeout                   string
	}{
		"one service":       {1, 2000, 256, ""},
		"200 services":      {200, 10, 256, ""},
		"slow timeouts":     {50, 20, 256, "60s"},
		"few probes":        {200, 2, 8, ""},
		"as many as probes": {64, 1, 64, "60s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newCluster(t, false, func(c *Config) { c.MaxProbes = test.maxProbes })
				if test.timeout != "" {
					f.settings = map[string]string{"cairn.health.timeout": test.timeout}
				}
				for n := range test.services {
					f.set(n, hangsBefore)
					f.serviceOf(hostile, test.each)
				}
				f.settings = nil
				pass(time.Minute)
				honest := len(f.services)
				f.service(20)
				pass(3 * time.Second)
				f.want("beside a hostile account", honest, 0, 20, 0)
				if n := f.probesDuring(honest, 10*time.Minute); n < 20*19 || n > 20*21 {
					t.Errorf("%d probes of 20 instances in 20 intervals", n)
				}
			})
		})
	}
}

// TestRateIsSharedByAccount: while more probes are due than the rate allows, an
// account with few checks is not delayed by one with many.
func TestRateIsSharedByAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.MaxRate, c.Interval = 20, time.Second })
		for range 10 {
			f.serviceOf(hostile, 100) // a thousand a second are due
		}
		pass(time.Minute)
		f.service(5)
		pass(4 * time.Second)
		f.want("beside many checks", 10, 0, 5, 0)
		if n := f.probesDuring(10, time.Minute); n < 5*55 {
			t.Errorf("%d probes of 5 instances in 60 intervals", n)
		}
	})
}

// TestManyChecksOfWhichATenthHang: of the checks of two accounts, all of one hang,
// a tenth of the whole. The others are not late, and their verdicts are in time.
// With five times as many checks and probes, 100,000 and 4096, it takes a minute of
// CPU time; bench/health -checks 100000 -hang 0.1 measures the real thing.
func TestManyChecksOfWhichATenthHang(t *testing.T) {
	hang, each, services, perService, maxProbes := 40, 50, 18, 1000, 4096/5
	if testing.Short() || raceDetector {
		each, perService, maxProbes = 5, 100, 4096/50
	}
	synctest.Test(t, func(t *testing.T) {
		metrics := prometheus.NewRegistry()
		f := newCluster(t, true, func(c *Config) { c.Registerer, c.MaxProbes = metrics, maxProbes }) // strict: healthy from the start
		for n := range hang {
			f.set(n, hangsBefore)
			f.serviceOf(hostile, each)
		}
		for range services {
			f.serviceOf(simAccount, perService)
		}
		pass(2 * time.Minute) // the hanging have all they can get
		f.want("hanging", 0, 0, 0, each)
		if n := gauge(t, metrics, "cairn_health_probes_running"); n > float64(maxProbes) {
			t.Errorf("%v probes run", n)
		}
		for n := hang; n < hang+services; n++ {
			f.mu.Lock()
			f.dials[n] = nil
			f.mu.Unlock()
		}
		pass(2 * time.Minute)
		synctest.Wait()
		f.mu.Lock()
		for n := hang; n < hang+services; n++ {
			if got := len(f.dials[n]); got < 4*perService-perService/20 || got > 4*perService+perService/20 {
				t.Errorf("service %d: %d probes of %d instances in four intervals", n, got, perService)
			}
		}
		f.mu.Unlock()
		f.set(hang, refuses) // a real outage is seen in time
		pass(3*30*time.Second + batchTimeMax)
		f.want("an outage beside hanging checks", hang, 0, 0, perService)
	})
}

// TestPacePerAddress: one account cannot have an address probed more often than
// the limit, whatever the ports and services, and other accounts keep their rate.
func TestPacePerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newCluster(t, false, func(c *Config) { c.MaxRatePerAddress, c.Interval = 10, time.Second })
		victim := netip.MustParseAddr("10.200.0.1")
		for n := range 3 {
			f.serviceOf(hostile, 0)
			for i := range 100 {
				f.registerAt(n, i, victim)
			}
		}
		f.serviceOf(simAccount, 0)
		pass(time.Minute)
		count := func(d time.Duration) int {
			synctest.Wait()
			f.mu.Lock()
			before := len(f.dials[200])
			f.mu.Unlock()
			pass(d)
			synctest.Wait()
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.dials[200]) - before
		}
		if n := count(time.Minute); n > 10*60+1 || n < 9*60 {
			t.Errorf("%d probes of one address in a minute, want 600", n)
		}
		f.registerAt(3, 0, victim) // of an account whose own host it is
		if n := count(10 * time.Second); n < 100+9 || n > 100+13 {
			t.Errorf("%d probes in ten seconds, want about 100 and one a second", n)
		}
		f.want("the other account's check", 3, 0, 1, 0)
	})
}

// TestPace is the arithmetic alone, and that what is past takes no memory.
func TestPace(t *testing.T) {
	p := newPace(2)
	addr := netip.MustParseAddr("10.0.0.1")
	var at []int64
	for range 6 {
		at = append(at, p.reserve("a", addr, 0)/1e6)
	}
	if want := []int64{0, 0, 500, 1000, 1500, 2000}; !slices.Equal(at, want) {
		t.Errorf("got %v, want %v", at, want)
	}
	if got := p.reserve("b", addr, 0); got != 0 {
		t.Errorf("another account waits until %v", time.Duration(got))
	}
	for i := range 10_000 {
		p.reserve("a", netip.AddrFrom4([4]byte{10, 1, byte(i / 256), byte(i)}), int64(i)*1e9)
	}
	if len(p.next) > 4096 {
		t.Errorf("%d entries", len(p.next))
	}
	if p := newPace(0); p.reserve("a", addr, 5) != 5 || len(p.next) != 0 {
		t.Error("no limit limits")
	}
}

// TestAllowance: there is always room for another account.
func TestAllowance(t *testing.T) {
	for _, most := range []int{2, 3, 8, 32, 4096} {
		l := &loop{p: &Prober{cfg: Config{MaxProbes: most}}}
		var held []int
		for range 3 {
			a := new(account)
			for l.allowance(a) > 0 {
				a.running++
				l.running++
			}
			held = append(held, a.running)
		}
		if l.running > most || held[0] > max(most*4/5, 1) || most > 40 && l.allowance(new(account)) == 0 {
			t.Errorf("%d probes: accounts hold %v", most, held)
		}
	}
}

// gauge returns the value of a metric.
func gauge(t *testing.T, metrics *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestOverdue: that checks wait for a probe shows in a metric.
func TestOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		metrics := prometheus.NewRegistry()
		f := newCluster(t, false, func(c *Config) { c.Registerer, c.MaxProbes = metrics, 8 })
		f.service(4)
		pass(time.Minute)
		synctest.Wait()
		if n := gauge(t, metrics, "cairn_health_overdue_seconds"); n != 0 {
			t.Errorf("nothing waits, and the metric is %v", n)
		}
		f.set(1, hangsBefore)
		f.service(400)
		pass(5 * time.Minute)
		synctest.Wait()
		if n := gauge(t, metrics, "cairn_health_overdue_seconds"); n < 60 {
			t.Errorf("400 hanging checks share eight probes, and the oldest waits for %v seconds", n)
		}
	})
}
