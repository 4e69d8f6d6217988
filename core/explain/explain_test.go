package explain_test

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/explain"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// epoch is the time of all that happens here: 2026-06-01 12:00:00 UTC.
const epoch = 1780315200_000

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// fixture is a state, and what a prober knows.
type fixture struct {
	tester
	rules   state.Rules
	state   *state.State
	count   uint64
	reports map[registry.InstanceID]health.Report
	fixed   *zone.Fixed
}

func newFixture(t tester) *fixture {
	return &fixture{tester: t, rules: state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}, state: new(state.State),
		reports: map[registry.InstanceID]health.Report{}}
}

func (w *fixture) do(c command.Command) command.Reply {
	w.Helper()
	w.count++
	d, err := state.Decide(w.state, &w.rules, command.Meta{
		Account: "000000000000", Now: epoch, Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.count))}, c)
	if err != nil {
		w.Fatalf("%+v: %v", c, err)
	}
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	return d.Reply
}

// namespace makes one; a VPC makes it private, "http" an HTTP namespace.
func (w *fixture) namespace(name, vpc string) string {
	w.Helper()
	c := &registry.CreateNamespace{Name: name, Type: registry.DNSPrivate, VPC: vpc}
	switch vpc {
	case "":
		c.Type = registry.DNSPublic
	case "http":
		c.Type, c.VPC = registry.HTTP, ""
	}
	w.do(c)
	for id, ns := range w.state.Registry.Namespaces("000000000000", "") {
		if ns.Name == name && ns.VPC == c.VPC {
			return string(id)
		}
	}
	w.Fatalf("namespace %s was not made", name)
	return ""
}

func (w *fixture) service(c registry.CreateService) string {
	w.Helper()
	return string(w.do(&c).Value.(*registry.Service).ID)
}

type attrs = map[string]string

func (w *fixture) register(service, id string, a attrs) {
	w.Helper()
	w.do(&registry.RegisterInstance{ServiceRef: service, ID: registry.InstanceID(id), Attributes: a})
}

// verdict is what a prober would propose.
func (w *fixture) verdict(service, id string, to registry.Health) {
	w.Helper()
	svc, _ := w.state.Registry.Service("000000000000", registry.ServiceID(service))
	inst, _ := svc.Instance(registry.InstanceID(id))
	w.do(&registry.SetVerdicts{Verdicts: []registry.Verdict{{Account: "000000000000", Service: svc.ID, Instance: inst.ID(),
		Registered: inst.Registered, Check: svc.Check().Stamp, From: inst.Health, To: to}}})
}

// ask explains a name to a client that sees the VPCs, or everything.
func (w *fixture) ask(name string, parameters attrs, vpcs ...string) *explain.Answer {
	q := &explain.Query{Name: name, From: netip.MustParseAddr("10.1.2.3"), Parameters: parameters, Now: epoch + 60_000,
		View: zone.View{VPCs: vpcs}, Fixed: w.fixed}
	if vpcs == nil {
		q.From, q.Trusted, q.View = netip.MustParseAddr("127.0.0.1"), true, zone.View{AllVPCs: true}
	}
	return explain.Name(&w.state.Registry, &w.state.Zones, q, func(registry.ServiceID) map[registry.InstanceID]health.Report { return w.reports })
}

// probed is a report of a check that found this n times in a row.
func probed(target string, r health.Reason, n, needed int) health.Report {
	at := time.UnixMilli(epoch + 31_000)
	to := health.Unhealthy
	if r.Pass() {
		to = health.Healthy
	}
	return health.Report{Probed: true, Target: target, Last: r, LastAt: at, Streak: n, Needed: needed,
		Events: []health.Event{{At: at.UnixMilli(), To: to, Reason: r, Streak: uint8(needed)}}}
}

func address(ip string) attrs { return attrs{registry.AttrIPv4: ip, registry.AttrPort: "8080"} }

// build makes what the texts in testdata are about.
func build(w *fixture) {
	var err error
	if w.fixed, err = zone.NewFixed([]zone.FixedName{
		{Name: "api.pub.example", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}},
		{Name: "ns.cairn.internal", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53")}},
		{Name: "taken.priv.example", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.54")}},
	}); err != nil {
		w.Fatalf("%v", err)
	}
	w.namespace("empty.example", "")
	pub, priv, http := w.namespace("pub.example", ""), w.namespace("priv.example", "vpc-1"), w.namespace("plain", "http")
	w.namespace("priv.example", "vpc-2")
	record := func(ttl int64, types ...registry.RecordType) *registry.DNSConfig {
		c := &registry.DNSConfig{}
		for _, t := range types {
			c.Records = append(c.Records, registry.DNSRecord{Type: t, TTL: ttl})
		}
		return c
	}
	check := &registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/health"}
	web := w.service(registry.CreateService{Name: "web", NamespaceRef: pub, DNS: record(300, registry.RecordA), HealthCheck: check})
	target := "GET http://10.0.1.5:8080/health"
	for id, r := range map[string]health.Report{
		"good":      probed("GET http://10.0.1.4:8080/health", health.Reason{Kind: health.Passed, Code: 200}, 7, 3),
		"lost":      probed(target, health.Reason{Kind: health.BadStatus, Code: 404}, 3, 3),
		"closed":    probed(target, health.Reason{Kind: health.Refused}, 12, 3),
		"slow":      probed(target, health.Reason{Kind: health.AnswerTimeout}, 3, 3),
		"away":      probed(target, health.Reason{Kind: health.ConnectTimeout}, 3, 3),
		"forbidden": {Probed: true, Target: target, Last: health.Reason{Kind: health.Forbidden}, LastAt: time.UnixMilli(epoch)},
		"new":       {Probed: true, Target: target, Needed: 3},
		"soon":      {Probed: true, Target: target, Last: health.Reason{Kind: health.Passed, Code: 204}, LastAt: time.UnixMilli(epoch), Streak: 2, Needed: 3},
	} {
		w.reports[registry.InstanceID(id)] = r
	}
	for _, id := range []string{"good", "lost", "closed", "slow", "away", "forbidden", "new", "soon"} {
		w.register(web, id, address("10.0.1.5"))
		if n := len(w.reports[registry.InstanceID(id)].Events); n > 0 {
			w.verdict(web, id, registry.Health(w.reports[registry.InstanceID(id)].Events[0].To))
		}
	}
	down := w.service(registry.CreateService{Name: "down", NamespaceRef: pub, DNS: record(5, registry.RecordA), HealthCheck: &registry.HealthCheck{Type: registry.CheckTCP, FailureThreshold: 1}})
	w.register(down, "closed", address("192.0.2.1"))
	w.verdict(down, "closed", registry.Unhealthy)
	custom := w.service(registry.CreateService{Name: "told", NamespaceRef: priv, DNS: record(60, registry.RecordSRV), CustomHealth: true})
	w.register(custom, "a", attrs{registry.AttrIPv4: "10.0.0.1", registry.AttrPort: "80", "version": "1", registry.AttrTTL: "60"})
	w.register(custom, "b", attrs{registry.AttrIPv4: "10.0.0.2", registry.AttrPort: "80", "version": "2", registry.AttrInitHealthStatus: "UNHEALTHY"})
	mixed := w.service(registry.CreateService{Name: "weighted", NamespaceRef: priv, DNS: &registry.DNSConfig{Policy: registry.Weighted,
		Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: 60}}}})
	w.register(mixed, "heavy", attrs{registry.AttrIPv4: "10.0.0.3", registry.AttrWeight: "9"})
	w.register(mixed, "none", attrs{registry.AttrIPv4: "10.0.0.4", registry.AttrWeight: "0"})
	w.service(registry.CreateService{Name: "idle", NamespaceRef: priv, DNS: record(60, registry.RecordA)})
	w.service(registry.CreateService{Name: "taken", NamespaceRef: priv, DNS: record(60, registry.RecordA)})
	api := w.service(registry.CreateService{Name: "api", NamespaceRef: http})
	w.register(api, "one", attrs{"version": "1"})
	w.register(api, "two", attrs{"version": "2"})
}

// TestTexts compares whole explanations with those in testdata, which people
// have read; -update rewrites them.
func TestTexts(t *testing.T) {
	w := newFixture(t)
	build(w)
	for file, a := range map[string]*explain.Answer{
		"checked":     w.ask("web.pub.example", nil),
		"fails_open":  w.ask("down.pub.example", nil),
		"custom":      w.ask("told.priv.example", attrs{"version": "2"}, "vpc-1"),
		"host":        w.ask("a.told.priv.example", nil, "vpc-1"),
		"other_vpc":   w.ask("told.priv.example", nil, "vpc-3"),
		"second_zone": w.ask("told.priv.example", nil, "vpc-2"),
		"weighted":    w.ask("weighted.priv.example.", nil, "vpc-1"),
		"idle":        w.ask("idle.priv.example", nil, "vpc-1"),
		"nxdomain":    w.ask("wbe.pub.example", nil),
		"apex":        w.ask("pub.example", nil),
		"empty":       w.ask("web.empty.example", nil),
		"other_zone":  w.ask("www.example.org", nil),
		"no_name":     w.ask("a..b", nil),
		"filtered":    w.ask("plain/api", attrs{"version": "2"}),
		"no_service":  w.ask("plain/apo", nil),
		"no_space":    w.ask("Plain/api", nil),
		"fixed":       w.ask("api.pub.example", nil),
		"fixed_zone":  w.ask("NS.cairn.internal", nil),
		"fixed_below": w.ask("web.ns.cairn.internal", nil),
		"fixed_over":  w.ask("taken.priv.example", nil, "vpc-1"),
	} {
		got, path := a.String(), filepath.Join("testdata", file+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%swant\n%s", file, got, want)
		}
	}
}

// TestEveryKindIsExplained: whatever a probe finds has its words, and what a
// user can do about it has a hint.
func TestEveryKindIsExplained(t *testing.T) {
	for k := range health.Kinds {
		kind := health.Kind(k)
		w := newFixture(t)
		svc := w.service(registry.CreateService{Name: "s", NamespaceRef: w.namespace("p.example", "http"), HealthCheck: &registry.HealthCheck{Type: registry.CheckHTTP}})
		w.register(svc, "i", address("192.0.2.1"))
		reason := health.Reason{Kind: kind, Code: map[health.Kind]uint16{health.BadStatus: 404, health.CallFailed: 12}[kind]}
		w.reports["i"] = health.Report{Probed: true, Target: "TARGET", Last: reason, LastAt: time.UnixMilli(epoch), Streak: 1, Needed: 3}
		a := w.ask("p.example/s", nil)
		if text := a.String(); !strings.Contains(text, "TARGET "+reason.String()) {
			t.Errorf("kind %s: %s", kind.Label(), text)
		}
		if quiet := kind == health.None || kind == health.Passed; quiet != (len(a.Hints) == 0) {
			t.Errorf("kind %s has the hints %q", kind.Label(), a.Hints)
		}
	}
}

// TestAgreesWithAnswers: what is said to be in is what core/zone answers with
// and what Discover finds, for any service.
func TestAgreesWithAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newFixture(t)
		ns := w.namespace("p.example", "")
		policy := rapid.SampledFrom([]registry.RoutingPolicy{registry.Multivalue, registry.Weighted, registry.Latency}).Draw(t, "policy")
		types := rapid.SampledFrom([][]registry.RecordType{{registry.RecordA}, {registry.RecordA, registry.RecordAAAA}, {registry.RecordAAAA}, {registry.RecordSRV}}).Draw(t, "types")
		c := registry.CreateService{Name: "s", NamespaceRef: ns, DNS: &registry.DNSConfig{Policy: policy}}
		for _, rt := range types {
			c.DNS.Records = append(c.DNS.Records, registry.DNSRecord{Type: rt, TTL: 60})
		}
		checked := rapid.IntRange(0, 2).Draw(t, "check")
		c.CustomHealth = checked == 1
		if checked == 2 {
			c.HealthCheck = &registry.HealthCheck{Type: registry.CheckTCP}
		}
		svc := w.service(c)
		for i := range rapid.IntRange(0, 6).Draw(t, "instances") {
			w.randomInstance(t, svc, i, types, checked)
		}
		w.agree(t, registry.ServiceID(svc))
	})
}

func (w *fixture) randomInstance(t *rapid.T, svc string, i int, types []registry.RecordType, checked int) {
	id := fmt.Sprint(i)
	a := attrs{registry.AttrPort: "80", registry.AttrWeight: rapid.SampledFrom([]string{"0", "1", "2"}).Draw(t, "weight")}
	families := rapid.IntRange(1, 3).Draw(t, "families")
	if len(types) == 1 && types[0] != registry.RecordSRV {
		families = 3
	}
	if families&1 != 0 {
		a[registry.AttrIPv4] = "10.0.0." + id
	}
	if families&2 != 0 {
		a[registry.AttrIPv6] = "fd00::" + id
	}
	status := rapid.SampledFrom([]registry.Health{registry.Unknown, registry.Healthy, registry.Unhealthy}).Draw(t, "health")
	if checked == 1 && status != registry.Unknown {
		a[registry.AttrInitHealthStatus] = status.String()
	}
	w.register(svc, id, a)
	if checked == 2 && status != registry.Unknown {
		w.verdict(svc, id, status)
	}
}

func (w *fixture) agree(t *rapid.T, id registry.ServiceID) {
	a := w.ask("s.p.example", nil)
	var inDNS, inDiscover []string
	for _, i := range a.Instances {
		if i.InDNS {
			inDNS = append(inDNS, i.ID)
		}
		if i.InDiscover {
			inDiscover = append(inDiscover, i.ID)
		}
	}
	svc, _ := w.state.Registry.Service("000000000000", id)
	var found []string
	for _, inst := range svc.Discover(&registry.Query{Health: registry.FilterHealthy}, nil) {
		found = append(found, string(inst.ID()))
	}
	slices.Sort(inDNS)
	slices.Sort(inDiscover)
	slices.Sort(found)
	if !slices.Equal(found, inDiscover) {
		t.Fatalf("Discover finds %v, explained is %v\n%s", found, inDiscover, a)
	}
	if answered := w.answered(); !slices.Equal(answered, inDNS) {
		t.Fatalf("DNS answers %v, explained is %v\n%s", answered, inDNS, a)
	}
}

// answered collects the instances of many answers.
func (w *fixture) answered() []string {
	wire, _ := dnswire.ParseName("s.p.example")
	name := []byte(wire)
	set := w.state.Zones.Lookup(&zone.Query{Name: name, Hash: zone.Hash(name), View: zone.View{AllVPCs: true}}).Node.Set()
	seen := map[string]bool{}
	p := &zone.Picker{Rand: zone.NewRand(1, 2)}
	for range 500 {
		var v4 [zone.MaxAnswer][4]byte
		var v6 [zone.MaxAnswer][16]byte
		var targets [zone.MaxAnswer]*zone.Record
		n, _, _ := set.PickA(p, &v4)
		for _, addr := range v4[:n] {
			seen[fmt.Sprint(addr[3])] = true
		}
		n, _, _ = set.PickAAAA(p, &v6)
		for _, addr := range v6[:n] {
			seen[fmt.Sprint(addr[15])] = true
		}
		if r := set.RRset(33); r != nil {
			for _, rec := range targets[:r.Pick(p, &targets)] {
				seen[rec.Data[7:]] = true
			}
		}
	}
	var ids []string
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
