package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

func TestCheckSettings(t *testing.T) {
	w := newFixture(t, false)
	svc := w.checkedService()
	w.do(&registry.UpdateServiceAttributes{Ref: string(svc.ID), Attributes: attrs{
		"cairn.health.interval": "10", "cairn.health.timeout": "500ms", "cairn.health.success-threshold": "2",
		"cairn.health.expected-status": "200, 301-302", "cairn.health.body": "all good", "cairn.health.host": "example.com:8080",
	}})
	want := registry.CheckSettings{
		Interval: 10 * time.Second, Timeout: 500 * time.Millisecond, SuccessThreshold: 2,
		ExpectedStatus: []registry.StatusRange{{First: 200, Last: 200}, {First: 301, Last: 302}},
		Body:           "all good", Host: "example.com:8080",
	}
	if diff := cmp.Diff(want, w.currentService(svc.ID).Check().Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	w.do(&registry.DeleteServiceAttributes{Ref: string(svc.ID), Keys: []string{"cairn.health.body"}})
	if got := w.currentService(svc.ID).Check().Settings.Body; got != "" {
		t.Errorf("body is still %q", got)
	}
}

func TestBadCheckSettings(t *testing.T) {
	for key, values := range map[string][]string{
		"cairn.health.interval":          {"", "0", "0.5", "999ms", "2h", "-1", "fast", "70000"},
		"cairn.health.timeout":           {"", "0", "99ms", "61", "1"[:0]},
		"cairn.health.success-threshold": {"", "0", "11", "two", "-1"},
		"cairn.health.expected-status":   {"", "99", "600", "2xx", "300-200", "200-", "200,,201"},
		"cairn.health.body":              {"", strings.Repeat("x", 256)},
		"cairn.health.host":              {"", "a b", "a:0", "a:b:c", "http://a", "a/b", "a\nb"},
		"cairn.health.protocol":          {"", "http", "GRPC"},
		"cairn.health.intervall":         {"10"},
		"cairn.x":                        {"y"},
	} {
		for _, v := range values {
			w := newFixture(t, false)
			svc := w.checkedService()
			e := refused[*command.InvalidInput](w, &registry.UpdateServiceAttributes{Ref: string(svc.ID), Attributes: attrs{key: v}})
			if e != nil && !strings.Contains(e.Message, key) {
				t.Errorf("%s=%q: %q does not name the attribute", key, v, e.Message)
			}
		}
	}
}

func TestCheckSettingsMustFit(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.HTTP, "h")
	tcp := w.service(ns, registry.CreateService{Name: "s", HealthCheck: tcpCheck})
	set := func(a attrs) *registry.UpdateServiceAttributes {
		return &registry.UpdateServiceAttributes{Ref: string(tcp.ID), Attributes: a}
	}
	refused[*command.InvalidInput](w, set(attrs{"cairn.health.body": "x"}))
	refused[*command.InvalidInput](w, set(attrs{"cairn.health.host": "x"}))
	w.do(set(attrs{"cairn.health.protocol": "grpc", "cairn.health.host": "x"}))
	refused[*command.InvalidInput](w, set(attrs{"cairn.health.expected-status": "200"}))
	plain := w.service(ns, registry.CreateService{Name: "t"})
	w.do(&registry.UpdateServiceAttributes{Ref: string(plain.ID), Attributes: attrs{"cairn.health.body": "x"}})
}

// TestStrictKnowsNoSettings: to AWS they are attributes like any other.
func TestStrictKnowsNoSettings(t *testing.T) {
	w := newFixture(t, true)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", HealthCheck: tcpCheck})
	w.do(&registry.UpdateServiceAttributes{Ref: string(svc.ID), Attributes: attrs{"cairn.health.interval": "never", "cairn.x": ""}})
	w.register(svc.ID, "i", attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80", "cairn.ttl": "whatever"})
}
