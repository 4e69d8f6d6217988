// Package sim runs several replicas on one store through a random history of
// commands, failed and uncertain commits, crashes and delays, and checks what
// must hold whatever happens. Everything random comes from one seed, and one
// thing happens at a time, so a failure can nearly always be had again (where
// two events are ready at once, Go chooses):
//
//	go test ./test/sim -run 'TestHistories/seed=17'
package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

var (
	seeds = flag.Int("seeds", 200, "number of histories")
	first = flag.Uint64("first-seed", 1, "seed of the first one")
)

func TestHistories(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = min(n, 40)
	}
	for seed := *first; seed < *first+uint64(n); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			synctest.Test(t, func(t *testing.T) { history(t, seed) })
		})
	}
}

// history runs one cluster from its beginning to its end.
func history(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	c := newCluster(t, rng, 1+rng.IntN(3))
	for range 150 + rng.IntN(150) {
		c.step()
		synctest.Wait()
		c.observe()
		if t.Failed() {
			break
		}
	}
	c.heal()
	c.checkEnd()
	c.stop()
}

// step lets one thing happen.
func (c *cluster) step() {
	time.Sleep(time.Duration(c.rng.IntN(3)) * time.Millisecond)
	switch k := c.rng.IntN(100); {
	case k < 40:
		c.propose(c.node())
	case k < 90:
		c.release()
	case k < 93:
		c.node().crash()
	case k < 96:
		c.node().restart()
	case k < 97:
		c.leave()
	case k < 98:
		c.data.Compact(c.logged())
	default:
		time.Sleep(3 * time.Second) // every timeout of a replica passes
	}
}
