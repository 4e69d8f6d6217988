package zone_test

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

// BenchmarkRegister is the whole of a registration in the state, registry and
// zones, for services of several sizes: it must grow far slower than they do.
func BenchmarkRegister(b *testing.B) {
	for _, n := range []int{1, 100, 1000, 10_000, 100_000} {
		for _, kind := range []registry.RecordType{"A", "SRV"} {
			b.Run(fmt.Sprintf("%s/instances=%d", kind, n), func(b *testing.B) {
				w := newFixture(&failing{b}, false)
				svc := w.service(w.namespace("example.com", ""), "web", "", kind)
				w.draft = state.NewDraft(w.state)
				for i := range n {
					w.register(svc, fmt.Sprintf("i-%08x", i), registry.AttrIPv4, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), registry.AttrPort, "80")
				}
				w.state, w.draft = w.draft.Finish(), nil
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					w.register(svc, fmt.Sprintf("i-%08x", i%n), registry.AttrIPv4, fmt.Sprintf("11.%d.%d.%d", i>>16&255, i>>8&255, i&255), registry.AttrPort, "80")
				}
			})
		}
	}
}

// failing makes a benchmark a tester.
type failing struct{ *testing.B }
