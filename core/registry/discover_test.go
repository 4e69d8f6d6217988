package registry_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
)

const (
	healthy   = registry.FilterHealthy
	unhealthy = registry.FilterUnhealthy
	all       = registry.FilterAll
	orElseAll = registry.FilterHealthyOrElseAll
)

// fleet is a service with three healthy and two unhealthy instances, unless
// there is no check.
func fleet(w *fixture, c registry.CreateService) *registry.Service {
	c.Name = "s"
	svc := w.service(w.namespace(registry.HTTP, "h"), c)
	for id, a := range map[registry.InstanceID]attrs{
		"h1": {"color": "red", "zone": "a"},
		"h2": {"color": "red", "zone": "b"},
		"h3": {"color": "blue", "zone": "a"},
		"u1": {"color": "red", "zone": "c"},
		"u2": {"color": "green", "zone": "a"},
	} {
		if c.CustomHealth && id[0] == 'u' {
			a["AWS_INIT_HEALTH_STATUS"] = "UNHEALTHY"
		}
		w.register(svc.ID, id, a)
	}
	return w.currentService(svc.ID)
}

func TestDiscover(t *testing.T) {
	red, green, pink := attrs{"color": "red"}, attrs{"color": "green"}, attrs{"color": "pink"}
	for name, test := range map[string]struct {
		q    registry.Query
		want []string
	}{
		"default":                        {registry.Query{}, []string{"h1", "h2", "h3"}},
		"healthy":                        {registry.Query{Health: healthy}, []string{"h1", "h2", "h3"}},
		"unhealthy":                      {registry.Query{Health: unhealthy}, []string{"u1", "u2"}},
		"all":                            {registry.Query{Health: all}, []string{"h1", "h2", "h3", "u1", "u2"}},
		"or else all, some healthy":      {registry.Query{Health: orElseAll}, []string{"h1", "h2", "h3"}},
		"red":                            {registry.Query{Parameters: red}, []string{"h1", "h2"}},
		"all red":                        {registry.Query{Parameters: red, Health: all}, []string{"h1", "h2", "u1"}},
		"every parameter must match":     {registry.Query{Parameters: attrs{"color": "red", "zone": "a"}}, []string{"h1"}},
		"exactly":                        {registry.Query{Parameters: attrs{"color": "re"}, Health: all}, nil},
		"case counts":                    {registry.Query{Parameters: attrs{"color": "Red"}, Health: all}, nil},
		"unknown key":                    {registry.Query{Parameters: attrs{"colour": "red"}, Health: all}, nil},
		"absent is not empty":            {registry.Query{Parameters: attrs{"shape": ""}, Health: all}, nil},
		"attributes of AWS":              {registry.Query{Parameters: attrs{"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}, Health: all}, []string{"u1", "u2"}},
		"none healthy among the matches": {registry.Query{Parameters: green, Health: orElseAll}, []string{"u2"}},
		"none healthy, healthy only":     {registry.Query{Parameters: green, Health: healthy}, nil},
		"none matches, or else all":      {registry.Query{Parameters: pink, Health: orElseAll}, nil},
		"optional":                       {registry.Query{Optional: attrs{"zone": "a"}}, []string{"h1", "h3"}},
		"optional on top of parameters":  {registry.Query{Parameters: red, Optional: attrs{"zone": "b"}}, []string{"h2"}},
		"optional, nothing left":         {registry.Query{Parameters: red, Optional: attrs{"zone": "z"}}, []string{"h1", "h2"}},
		"optional must all match":        {registry.Query{Optional: attrs{"zone": "a", "color": "green"}}, []string{"h1", "h2", "h3"}},
		"optional never lifts health":    {registry.Query{Optional: green}, []string{"h1", "h2", "h3"}},
		"optional among all":             {registry.Query{Optional: green, Health: all}, []string{"u2"}},
		"optional lifts no parameter":    {registry.Query{Parameters: pink, Optional: red}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBothModes(t, func(t *testing.T, w *fixture) {
				svc := fleet(w, registry.CreateService{CustomHealth: true})
				wantIDs(t, "found", discovered(svc, test.q), test.want...)
			})
		})
	}
}

// TestDiscoverWithoutCheck is row 10 of the decisions: no filter drops anything.
func TestDiscoverWithoutCheck(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := fleet(w, registry.CreateService{})
		for _, filter := range []registry.HealthFilter{"", healthy, unhealthy, all, orElseAll} {
			wantIDs(t, string(filter), discovered(svc, registry.Query{Health: filter}), "h1", "h2", "h3", "u1", "u2")
			wantIDs(t, string(filter), discovered(svc, registry.Query{Health: filter, Parameters: attrs{"color": "red"}}), "h1", "h2", "u1")
		}
	})
}

// TestDiscoverAllUnhealthy is row 9 of the decisions.
func TestDiscoverAllUnhealthy(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", CustomHealth: true})
		w.register(svc.ID, "i", attrs{"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
		svc = w.currentService(svc.ID)
		wantIDs(t, "HEALTHY", discovered(svc, registry.Query{Health: healthy}))
		wantIDs(t, "HEALTHY_OR_ELSE_ALL", discovered(svc, registry.Query{Health: orElseAll}), "i")
	})
}

// TestDiscoverBeforeVerdict is row 2 of the decisions.
func TestDiscoverBeforeVerdict(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", HealthCheck: tcpCheck})
		w.register(svc.ID, "i", attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"})
		svc = w.currentService(svc.ID)
		var want []string
		if w.rules.Strict {
			want = []string{"i"}
		}
		wantIDs(t, "HEALTHY", discovered(svc, registry.Query{Health: healthy}), want...)
		wantIDs(t, "UNHEALTHY", discovered(svc, registry.Query{Health: unhealthy}))
		wantIDs(t, "ALL", discovered(svc, registry.Query{Health: all}), "i")
		wantIDs(t, "HEALTHY_OR_ELSE_ALL", discovered(svc, registry.Query{Health: orElseAll}), "i")
	})
}

// TestFindForDiscovery is row 11 of the decisions.
func TestFindForDiscovery(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		first, second := w.namespace(registry.HTTP, "shop"), w.namespace(registry.DNSPrivate, "shop")
		lone := w.namespace(registry.DNSPublic, "Lone.example")
		w.do(&registry.CreateService{Name: "s", NamespaceRef: string(first.ID)})
		w.do(&registry.CreateService{Name: "S2", NamespaceRef: string(second.ID), HTTPOnly: true})
		w.do(&registry.CreateService{Name: "s", NamespaceRef: string(lone.ID), HTTPOnly: true})
		for _, test := range []struct {
			namespace, service string
			extended, strict   any // the namespace's id, or the error
		}{
			{"shop", "s", first.ID, first.ID},
			{second.HTTPName, "s2", second.ID, second.ID},
			{"shop", "S", new(registry.ServiceNotFound), new(registry.ServiceNotFound)},
			{"shop", "S2", new(registry.ServiceNotFound), new(registry.ServiceNotFound)}, // HttpName wins
			{"lone.EXAMPLE", "s", lone.ID, new(registry.NamespaceNotFound)},
			{"none", "s", new(registry.NamespaceNotFound), new(registry.NamespaceNotFound)},
		} {
			want := test.extended
			if w.rules.Strict {
				want = test.strict
			}
			var got any
			svc, err := w.state.FindForDiscovery(&w.rules, testAccount, testAccount, test.namespace, test.service)
			if got = err; err == nil {
				got = svc.Namespace
			}
			if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) || err == nil && got != want {
				t.Errorf("%s/%s: got %v (%T), want %v (%T)", test.namespace, test.service, got, got, want, want)
			}
		}

		// When the holder of the HttpName is gone, the name still leads somewhere.
		svc, _ := first.Service("s")
		if svc == nil {
			svc, _ = w.currentNamespace(first.ID).Service("s")
		}
		w.do(&registry.DeleteService{Ref: string(svc.ID)})
		w.do(&registry.DeleteNamespace{Ref: string(first.ID)})
		if _, err := w.state.FindForDiscovery(&w.rules, testAccount, testAccount, "shop", "s2"); (err == nil) == w.rules.Strict {
			t.Errorf("by Name alone: %v", err)
		}
	})
}

func TestAppendSummary(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.HTTP, `h"<`)
	svc := w.service(ns, registry.CreateService{Name: "s", CustomHealth: true})
	w.register(svc.ID, "i", attrs{"b": `"\<&>` + "\té", "a": ""})
	w.setHealth(svc.ID, "i", registry.Unhealthy)
	b := w.currentService(svc.ID).AppendSummary([]byte("> "), w.instance(svc.ID, "i"))
	var got struct {
		InstanceID    string `json:"InstanceId"`
		NamespaceName string
		ServiceName   string
		HealthStatus  string
		Attributes    map[string]string
	}
	if err := json.Unmarshal(b[2:], &got); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if want := fmt.Sprint(`{i h"< s UNHEALTHY `, attrs{"b": `"\<&>` + "\té", "a": ""}, "}"); fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
