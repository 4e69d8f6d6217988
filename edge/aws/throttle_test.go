package aws_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/aws/throttle"
	"github.com/cairn-discovery/cairn/internal/authlimit"
)

// counted sums a counter or gauge over all its labels that hold a text.
func counted(t *testing.T, g prometheus.Gatherer, name, label string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && strings.Contains(fmt.Sprint(m.GetLabel()), label) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// TestThrottle: each class has its bucket and each protocol its code, other
// accounts do not pay, and rates that change are in force at once.
func TestThrottle(t *testing.T) {
	rates := new(throttle.Rates)
	for c := range rates.Default {
		rates.Default[c] = command.Rate{PerSecond: 1e-6, Burst: 1}
	}
	current := rates
	w := startGuarded(t, func(o *options) { o.server.Rates = func() *throttle.Rates { return current } })
	for operation, tt := range map[string]struct{ body, code string }{
		"DiscoverInstances":         {`{"NamespaceName":"n","ServiceName":"s"}`, "RequestLimitExceeded"},
		"DiscoverInstancesRevision": {`{"NamespaceName":"n","ServiceName":"s"}`, "RequestLimitExceeded"},
		"ListNamespaces":            {`{}`, "ThrottlingException"},
		"CreateHttpNamespace":       {`{"Name":"n"}`, "ThrottlingException"},
	} {
		if _, answer := w.signed("admin", operation, tt.body, time.Now()); strings.Contains(answer, "Rate exceeded") {
			t.Errorf("%s: the first is refused: %s", operation, answer)
		}
		status, answer := w.signed("admin", operation, tt.body, time.Now())
		if status != http.StatusBadRequest || !strings.Contains(answer, `"`+tt.code+`"`) || !strings.Contains(answer, "Rate exceeded") {
			t.Errorf("%s: %d %s", operation, status, answer)
		}
		if _, answer := w.signed("stranger", operation, tt.body, time.Now()); strings.Contains(answer, "Rate exceeded") {
			t.Errorf("%s: another account pays: %s", operation, answer)
		}
	}
	tokens := w.tokens(keysOf("admin"))
	if _, err := tokens.GetCallerIdentity(t.Context(), &sdksts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
	_, err := tokens.GetCallerIdentity(t.Context(), &sdksts.GetCallerIdentityInput{})
	wants(t, "sts", err, "Throttling", "Rate exceeded")
	if n := counted(t, w.metrics, "cairn_api_throttled_total", owner); n != 5 {
		t.Errorf("%v calls are counted", n)
	}
	current = nil
	if status, answer := w.signed("admin", "ListNamespaces", `{}`, time.Now()); status != http.StatusOK {
		t.Errorf("without rates: %d %s", status, answer)
	}
}

// TestFailuresAreLimited: a source that fails all the time is told nothing any
// more, and leaves no more lines in the log; those who sign well are served, from
// the same address.
func TestFailuresAreLimited(t *testing.T) {
	const most = 5
	g := startGuarded(t, func(o *options) {
		o.server.Failures = authlimit.New(authlimit.Config{PerSecond: 1e-6, Burst: most})
	})
	codes := map[string]int{}
	for i := range 40 {
		user, body := "ghost", `{"Name":"n"}`
		if i%2 == 1 {
			user = "fired"
		}
		_, answer := g.signed(user, "CreateHttpNamespace", body, time.Now())
		for _, code := range []string{"UnrecognizedClientException", "ThrottlingException"} {
			if strings.Contains(answer, `"`+code+`"`) {
				codes[code]++
			}
		}
		if status, answer := g.signed("admin", "ListNamespaces", `{}`, time.Now()); status != http.StatusOK {
			t.Fatalf("an honest caller: %d %s", status, answer)
		}
	}
	if codes["UnrecognizedClientException"] != most || codes["ThrottlingException"] != 40-most {
		t.Errorf("%v", codes)
	}
	if n := counted(t, g.metrics, "cairn_api_auth_failures_refused_total", ""); n != 40-most {
		t.Errorf("%v are counted", n)
	}
	if n := strings.Count(g.log.text(), `"outcome":"UnrecognizedClientException"`); n != most {
		t.Errorf("%d lines in the log", n)
	}
	// Wrong signatures, old ones, none at all, and tokens that nobody made.
	if _, answer := g.signed("admin", "ListNamespaces", `{}`, time.Now().Add(-time.Hour)); !strings.Contains(answer, "Rate exceeded") {
		t.Errorf("an old signature: %s", answer)
	}
	if a := g.call("ListNamespaces", `{}`); !strings.Contains(a.body, "Rate exceeded") {
		t.Errorf("no signature: %s", a.body)
	}
	_, err := g.tokens(keysOf("admin")).AssumeRoleWithWebIdentity(t.Context(), &sdksts.AssumeRoleWithWebIdentityInput{
		RoleArn: sdk.String("arn:aws:iam::111111111111:role/deployer"), RoleSessionName: sdk.String("ci"), WebIdentityToken: sdk.String("nonsense"),
	})
	wants(t, "a token", err, "Throttling", "Rate exceeded")
}
