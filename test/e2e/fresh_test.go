package e2e

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// gone remembers which addresses have left the service; none comes back.
type gone struct {
	mu  sync.Mutex
	out map[string]bool
}

func (g *gone) add(ip string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.out[ip] = true
}

// now is what had left at this moment.
func (g *gone) now() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []string
	for ip := range g.out {
		all = append(all, ip)
	}
	return all
}

// From 10 to 100 to 10 instances, while clients ask all the time: nobody is given
// an address that had been deregistered or marked unhealthy before he asked.
func TestScaleUpAndDown(t *testing.T) {
	t.Parallel()
	c := startChecked(t, fast)
	service := c.service("web", object{"HealthCheckCustomConfig": object{}}, nil)
	left := &gone{out: map[string]bool{}}
	ip := func(round, i int) string { return fmt.Sprintf("10.%d.0.%d", round, i) }
	up := func(round, i int) {
		c.register(service, fmt.Sprint("i", round, "-", i), object{"AWS_INSTANCE_IPV4": ip(round, i)})
	}
	for i := range 10 {
		up(0, i)
	}
	var ended atomic.Bool
	var asked atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for !ended.Load() && !t.Failed() {
				before := left.now()
				addrs, err := c.resolve(t.Context(), "web.farm.example")
				if err != nil || len(addrs) == 0 {
					t.Errorf("got %v, %v", addrs, err)
				}
				found := instancesOf(c.must(t, "DiscoverInstances", object{"NamespaceName": "farm.example", "ServiceName": "web", "MaxResults": 1000}))
				for _, i := range found {
					addrs = append(addrs, text(i, "Attributes", "AWS_INSTANCE_IPV4"))
				}
				for _, a := range addrs {
					if slices.Contains(before, a) {
						t.Errorf("%s had left before the question and is in the answer", a)
					}
				}
				asked.Add(1)
			}
		})
	}
	for round := 1; round <= 3; round++ {
		for i := range 90 {
			up(round, i)
		}
		for i := range 90 {
			id := fmt.Sprint("i", round, "-", i)
			if i%2 == 0 {
				c.must(t, "UpdateInstanceCustomHealthStatus", object{"ServiceId": service, "InstanceId": id, "Status": "UNHEALTHY"})
				left.add(ip(round, i))
			}
			c.must(t, "DeregisterInstance", object{"ServiceId": service, "InstanceId": id})
			left.add(ip(round, i))
		}
	}
	for n := asked.Load(); asked.Load() < n+20 && !t.Failed(); { // the last ones are looked for too
	}
	ended.Store(true)
	clients.Wait()
	t.Logf("%d questions", asked.Load())
}
