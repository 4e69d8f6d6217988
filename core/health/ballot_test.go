package health_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/health"
)

// TestBallot has the rule of Route 53: "If more than 18% of health checkers report that an
// endpoint is healthy, Route 53 considers it healthy. If 18% of health checkers or fewer
// report that an endpoint is healthy, Route 53 considers it unhealthy." (How Amazon Route 53
// determines whether a health check is healthy)
func TestBallot(t *testing.T) {
	for _, tt := range []struct {
		healthy, unhealthy, missing int
		share                       float64
		want                        health.Verdict
	}{
		{0, 0, 0, 0.18, health.Unknown},
		{1, 0, 0, 0.18, health.Healthy},
		{0, 1, 0, 0.18, health.Unhealthy},
		{1, 2, 0, 0.18, health.Healthy},
		{0, 3, 0, 0.18, health.Unhealthy},
		{1, 4, 0, 0.18, health.Healthy},   // 20 %
		{1, 5, 0, 0.18, health.Unhealthy}, // 17 %
		{18, 82, 0, 0.18, health.Unhealthy},
		{19, 81, 0, 0.18, health.Healthy},
		{1, 0, 2, 0.18, health.Healthy},
		{0, 1, 2, 0.18, health.Unknown},
		{0, 0, 3, 0.18, health.Unknown},
		{1, 0, 5, 0.18, health.Unknown},
		{0, 5, 1, 0.18, health.Unhealthy},
		{1, 1, 0, 0.5, health.Unhealthy},
		{2, 1, 0, 0.5, health.Healthy},
		{1, 2, 0, 0, health.Healthy},
		{0, 3, 0, 0, health.Unhealthy},
		{2, 1, 0, 0.99, health.Unhealthy},
		{3, 0, 0, 0.99, health.Healthy},
	} {
		b := health.Ballot{Healthy: tt.healthy, Unhealthy: tt.unhealthy, Missing: tt.missing}
		if got := b.Verdict(tt.share); got != tt.want {
			t.Errorf("%+v with share %v: %v, want %v", b, tt.share, got, tt.want)
		}
	}
}

// TestBallotIsFinal: a verdict does not change when nodes that were missing vote.
func TestBallotIsFinal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 8)
		b := health.Ballot{Healthy: count.Draw(t, "healthy"), Unhealthy: count.Draw(t, "unhealthy"), Missing: count.Draw(t, "missing")}
		share := rapid.Float64Range(0, 0.999).Draw(t, "share")
		before := b.Verdict(share)
		for ; b.Missing > 0; b.Missing-- {
			if v := b.Verdict(share); before != health.Unknown && v != before {
				t.Fatalf("%+v: %v, and before %v", b, v, before)
			}
			next := []health.Verdict{health.Healthy, health.Unhealthy}[rapid.IntRange(0, 1).Draw(t, "vote")]
			b.Add(next)
		}
		if v := b.Verdict(share); v == health.Unknown && b != (health.Ballot{}) || before != health.Unknown && v != before {
			t.Fatalf("%+v: %v, and before %v", b, v, before)
		}
	})
}
