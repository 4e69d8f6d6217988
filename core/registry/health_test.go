package registry_test

import (
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
)

func (w *fixture) health(svc registry.ServiceID, id registry.InstanceID) registry.Health {
	w.Helper()
	return w.currentService(svc).Health(w.instance(svc, id))
}

func (w *fixture) setHealth(svc registry.ServiceID, id registry.InstanceID, h registry.Health) {
	w.Helper()
	w.do(&registry.SetCustomHealth{ServiceRef: string(svc), ID: id, Health: h})
}

// TestInitialHealth is facts §2.3 and row 2 of the decisions.
func TestInitialHealth(t *testing.T) {
	init := func(status string) attrs { return attrs{"AWS_INIT_HEALTH_STATUS": status} }
	address := attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"}
	weighted := records(registry.Weighted, registry.RecordA)
	for name, test := range map[string]struct {
		c                registry.CreateService
		attrs            attrs
		extended, strict registry.Health
	}{
		"no check":          {registry.CreateService{HTTPOnly: true}, nil, registry.Unknown, registry.Unknown},
		"custom":            {registry.CreateService{HTTPOnly: true, CustomHealth: true}, nil, registry.Healthy, registry.Healthy},
		"custom, healthy":   {registry.CreateService{HTTPOnly: true, CustomHealth: true}, init("HEALTHY"), registry.Healthy, registry.Healthy},
		"custom, unhealthy": {registry.CreateService{HTTPOnly: true, CustomHealth: true}, init("UNHEALTHY"), registry.Unhealthy, registry.Unhealthy},
		"checked":           {registry.CreateService{HTTPOnly: true, HealthCheck: tcpCheck}, address, registry.Unknown, registry.Healthy},
		// The check is not attached to an alias, so nothing would ever end UNKNOWN.
		"checked alias": {registry.CreateService{DNS: weighted, HealthCheck: tcpCheck}, attrs{"AWS_ALIAS_DNS_NAME": "lb.example"}, registry.Healthy, registry.Healthy},
	} {
		inBothModes(t, func(t *testing.T, w *fixture) {
			c := test.c
			c.Name = "s"
			svc := w.service(w.namespace(registry.DNSPublic, "p.example"), c)
			w.register(svc.ID, "i", test.attrs)
			want := test.extended
			if w.rules.Strict {
				want = test.strict
			}
			if got := w.health(svc.ID, "i"); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		})
	}
}

func TestSetCustomHealthRefused(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.HTTP, "h")
		custom := w.service(ns, registry.CreateService{Name: "a", CustomHealth: true})
		plain := w.service(ns, registry.CreateService{Name: "b"})
		checked := w.service(ns, registry.CreateService{Name: "c", HealthCheck: tcpCheck})
		w.register(plain.ID, "i", nil)
		set := func(svc registry.ServiceID, id registry.InstanceID) *registry.SetCustomHealth {
			return &registry.SetCustomHealth{ServiceRef: string(svc), ID: id, Health: registry.Healthy}
		}
		refused[*registry.ServiceNotFound](w, set("srv-0", "i"))
		refused[*registry.InstanceNotFound](w, set(custom.ID, "i"))
		refused[*registry.CustomHealthNotFound](w, set(plain.ID, "i"))
		refused[*registry.CustomHealthNotFound](w, set(checked.ID, "i"))
	})
}

// TestCustomHealthAtOnce is row 7 of the decisions, extended.
func TestCustomHealthAtOnce(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", CustomHealth: true})
	w.register(svc.ID, "i", nil)
	for _, h := range []registry.Health{registry.Unhealthy, registry.Unhealthy, registry.Healthy, registry.Unhealthy} {
		before := w.revision
		was := w.health(svc.ID, "i")
		w.setHealth(svc.ID, "i", h)
		if got := w.health(svc.ID, "i"); got != h {
			t.Errorf("got %s, want %s", got, h)
		}
		if was == h && w.revision != before {
			t.Error("telling the same again was stored")
		}
	}
	if _, ok := w.state.NextHealthDue(); ok {
		t.Error("a change waits")
	}
}

// step of a story about delayed health: what is told, how many seconds then
// pass, and what is visible after that.
type healthStep struct {
	told  registry.Health // Unknown: nothing
	after int64
	want  registry.Health
}

// TestCustomHealthDelayed is row 7 of the decisions, strict. Every command takes
// a second.
func TestCustomHealthDelayed(t *testing.T) {
	up, down, none := registry.Healthy, registry.Unhealthy, registry.Unknown
	for name, steps := range map[string][]healthStep{
		"after 30 seconds":                {{down, 0, up}, {none, 27, up}, {none, 1, down}},
		"the same does not speed it up":   {{down, 20, up}, {down, 6, up}, {none, 3, down}},
		"the same does not slow it down":  {{down, 20, up}, {down, 10, down}},
		"the opposite cancels it":         {{down, 20, up}, {up, 60, up}},
		"cancelled and told again":        {{down, 20, up}, {up, 5, up}, {down, 10, up}, {none, 20, down}},
		"there and back":                  {{down, 40, down}, {up, 10, down}, {none, 20, up}},
		"what it is already":              {{up, 60, up}},
		"opposite of what became visible": {{down, 31, down}, {up, 31, up}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t, true)
			svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", CustomHealth: true})
			w.register(svc.ID, "i", nil)
			for i, step := range steps {
				if step.told != none {
					w.setHealth(svc.ID, "i", step.told)
				}
				w.now += step.after * 1000
				w.do(&registry.SettleHealth{Max: 1})
				if got := w.health(svc.ID, "i"); got != step.want {
					t.Fatalf("step %d: got %s, want %s", i, got, step.want)
				}
			}
		})
	}
}

func TestSettleHealthOfMany(t *testing.T) {
	w := newFixture(t, true)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", CustomHealth: true})
	ids := []registry.InstanceID{"a", "b", "c", "d"}
	for _, id := range ids {
		w.register(svc.ID, id, nil)
		w.setHealth(svc.ID, id, registry.Unhealthy)
	}
	firstDue, ok := w.state.NextHealthDue()
	if want := int64(epoch + 4000 + 30_000); !ok || firstDue != want {
		t.Errorf("due at %d, want %d", firstDue, want)
	}
	w.deregister(svc.ID, "a")
	w.register(svc.ID, "b", nil) // health starts again
	if due, _ := w.state.NextHealthDue(); due <= firstDue {
		t.Errorf("due at %d: what is gone still waits", due)
	}
	w.now += 60_000
	for i, want := range []int{1, 1, 0} {
		if got := w.do(&registry.SettleHealth{Max: 1}).Count; got != want {
			t.Errorf("%d: settled %d, want %d", i, got, want)
		}
	}
	for id, want := range map[registry.InstanceID]registry.Health{"b": registry.Healthy, "c": registry.Unhealthy, "d": registry.Unhealthy} {
		if got := w.health(svc.ID, id); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}
