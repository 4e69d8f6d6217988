package health_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/health"
)

// TestVerdicts are facts §2.3 and §4 and rows 2 and 3 of the decisions: p is a
// pass, f a failure; after each the verdict is ? unknown, + healthy, - unhealthy.
func TestVerdicts(t *testing.T) {
	for name, test := range map[string]struct {
		start            health.Verdict
		failure, success int
		results, want    string
	}{
		"first verdict takes the threshold":      {health.Unknown, 3, 0, "pppp", "??++"},
		"so does the first bad one":              {health.Unknown, 3, 0, "ffff", "??--"},
		"a mixed start decides nothing":          {health.Unknown, 3, 0, "ppfppfppp", "????????+"},
		"a healthy one survives single failures": {health.Healthy, 3, 0, "ffpffpfff", "++++++++-"},
		"back after as many passes":              {health.Unhealthy, 3, 0, "ppfppp", "-----+"},
		"success threshold of its own":           {health.Unhealthy, 3, 1, "fp", "-+"},
		"a larger one":                           {health.Unhealthy, 1, 5, "pppppf", "----+-"},
		"threshold one follows every result":     {health.Unknown, 1, 0, "pfpf", "+-+-"},
		"strict start is healthy until data":     {health.Healthy, 2, 0, "ff", "+-"},
		"a missing threshold counts as one":      {health.Unknown, 0, 0, "f", "-"},
	} {
		track, got := health.Start(test.start), ""
		for _, r := range test.results {
			track.Observe(r == 'p', health.Thresholds{Failure: test.failure, Success: test.success})
			got += string("?+-"[track.Verdict()])
		}
		if got != test.want {
			t.Errorf("%s: %s gave %s, want %s", name, test.results, got, test.want)
		}
	}
}

func TestForgetKeepsTheVerdict(t *testing.T) {
	th := health.Thresholds{Failure: 2}
	track := health.Start(health.Healthy)
	track.Observe(false, th)
	track.Forget()
	if track.Observe(false, th) {
		t.Error("a result from before Forget counted")
	}
	if !track.Observe(false, th) || track.Verdict() != health.Unhealthy {
		t.Error("two failures after Forget did not make a verdict")
	}
}

// model keeps every result and looks at the last ones.
type model struct {
	verdict health.Verdict
	results []bool
}

func (w *model) observe(pass bool, failure, success int) {
	w.results = append(w.results, pass)
	n, next := failure, health.Unhealthy
	if pass {
		next = health.Healthy
		if success > 0 {
			n = success
		}
	}
	if len(w.results) < n {
		return
	}
	for _, r := range w.results[len(w.results)-n:] {
		if r != pass {
			return
		}
	}
	w.verdict = next
}

func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		failure, success := rapid.IntRange(1, 10).Draw(t, "failure"), rapid.IntRange(0, 10).Draw(t, "success")
		start := health.Verdict(rapid.IntRange(0, 2).Draw(t, "start"))
		track, w := health.Start(start), model{verdict: start}
		for _, pass := range rapid.SliceOfN(rapid.Bool(), 0, 300).Draw(t, "results") {
			before := track.Verdict()
			changed := track.Observe(pass, health.Thresholds{Failure: failure, Success: success})
			w.observe(pass, failure, success)
			if track.Verdict() != w.verdict || changed != (before != w.verdict) {
				t.Fatalf("after %v: got %v (changed %t), want %v", w.results, track.Verdict(), changed, w.verdict)
			}
		}
	})
}

func TestEveryKindHasWords(t *testing.T) {
	for k := range health.Kinds {
		r := health.Reason{Kind: health.Kind(k)}
		if r.String() == "" || r.Kind.Label() == "" {
			t.Errorf("kind %d has no words", k)
		}
	}
}
