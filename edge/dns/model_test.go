package dns

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	mdns "github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// model answers for one namespace in the plainest way, with miekg's types and
// from the registry alone. It knows no aliases.
type model struct {
	ns     *registry.Namespace
	strict bool
}

// expected is what an answer may look like: count of the candidates, in any
// order.
type expected struct {
	rcode      int
	count      int
	candidates []string
	additional []string // where all are answered
}

func (t *model) service(name string) *registry.Service {
	for _, svc := range t.ns.ServicesNamed("") {
		if svc.DNS != nil && strings.EqualFold(t.full(svc), name) {
			return svc
		}
	}
	return nil
}

func (t *model) full(svc *registry.Service) string {
	if svc.Name == "." {
		return t.ns.Name + "."
	}
	return svc.Name + "." + t.ns.Name + "."
}

func (t *model) exists(name string) bool {
	if strings.EqualFold(name, t.ns.Name+".") {
		return true
	}
	for _, svc := range t.ns.ServicesNamed("") {
		full := strings.ToLower(t.full(svc))
		under := strings.HasSuffix(full, "."+strings.ToLower(name))
		if svc.DNS != nil && (under || strings.EqualFold(full, name)) && (!t.strict || svc.InstanceCount() > 0) {
			return true
		}
	}
	return false
}

// host is the instance that an SRV record with this target points to.
func (t *model) host(name string) (*registry.Service, *registry.Instance) {
	for _, svc := range t.ns.ServicesNamed("") {
		if svc.DNS == nil || !svc.DNS.Has(registry.RecordSRV) {
			continue
		}
		for id, inst := range svc.Instances("") {
			if strings.EqualFold(string(id)+"."+t.full(svc), name) {
				return svc, inst
			}
		}
	}
	return nil, nil
}

func (t *model) answer(name string, qtype uint16) expected {
	svc := t.service(name)
	if svc == nil {
		if _, inst := t.host(name); inst != nil {
			rrs := addressRecords(name, 60, inst, qtype)
			return expected{count: len(rrs), candidates: rrs}
		}
	}
	if !t.exists(name) {
		return expected{rcode: mdns.RcodeNameError}
	}
	if svc == nil {
		return expected{}
	}
	var live, down []*registry.Instance
	for _, inst := range svc.Instances("") {
		if len(t.records(svc, name, inst, qtype)) == 0 {
			continue
		}
		if svc.Health(inst) == registry.Unhealthy {
			down = append(down, inst)
		} else {
			live = append(live, inst)
		}
	}
	if len(live) == 0 {
		live = down
	}
	return t.pick(svc, name, live, qtype)
}

func (t *model) pick(svc *registry.Service, name string, from []*registry.Instance, qtype uint16) expected {
	e := expected{count: min(8, len(from))}
	if svc.DNS.Policy == registry.Weighted {
		e.count = min(1, len(from))
		from = t.heavy(from)
	}
	for _, inst := range from {
		e.candidates = append(e.candidates, t.records(svc, name, inst, qtype)...)
		if qtype == mdns.TypeSRV {
			host := srvHost(inst) + "." + t.full(svc)
			e.additional = append(e.additional, addressRecords(host, 60, inst, mdns.TypeA)...)
			e.additional = append(e.additional, addressRecords(host, 60, inst, mdns.TypeAAAA)...)
		}
	}
	return e
}

// heavy leaves out those of weight 0, unless all are.
func (t *model) heavy(from []*registry.Instance) []*registry.Instance {
	heavy := slices.DeleteFunc(slices.Clone(from), func(i *registry.Instance) bool {
		w, _ := i.Attributes().Get(registry.AttrWeight)
		return w == "0"
	})
	if t.strict || len(heavy) == 0 {
		return from
	}
	return heavy
}

func srvHost(inst *registry.Instance) string {
	return strings.NewReplacer(".", `\.`, "@", `\@`).Replace(string(inst.ID()))
}

func (t *model) records(svc *registry.Service, name string, inst *registry.Instance, qtype uint16) []string {
	if !svc.DNS.Has(registry.RecordType(mdns.TypeToString[qtype])) {
		return nil
	}
	if qtype != mdns.TypeSRV {
		return addressRecords(name, 60, inst, qtype)
	}
	weight, ok := inst.Attributes().Get(registry.AttrWeight)
	if !ok || t.strict {
		weight = "1"
	}
	p, _ := inst.Attributes().Get(registry.AttrPort)
	return []string{fmt.Sprintf("%s 60 IN SRV 1 %s %s %s.%s", name, weight, p, srvHost(inst), t.full(svc))}
}

func addressRecords(name string, ttl int, inst *registry.Instance, qtype uint16) []string {
	key := map[uint16]string{mdns.TypeA: ipv4, mdns.TypeAAAA: ipv6}[qtype]
	if v, ok := inst.Attributes().Get(key); ok {
		return []string{fmt.Sprintf("%s %d IN %s %s", name, ttl, mdns.TypeToString[qtype], v)}
	}
	return nil
}

func TestAnswersAgreeWithModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newFixture(t, func(c *Config) { c.Strict = rapid.Bool().Draw(rt, "strict") })
		ns := w.namespace("Example.com", "")
		names := []string{"web", "Deep.web", ".", "_http._tcp", "x._tcp"}
		var all []string
		for _, name := range names {
			if !rapid.Bool().Draw(rt, name) {
				continue
			}
			types := rapid.SampledFrom([][]registry.RecordType{{"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}}).Draw(rt, "types")
			policy := rapid.SampledFrom([]registry.RoutingPolicy{"MULTIVALUE", "WEIGHTED"}).Draw(rt, "policy")
			svc := w.service(ns, name, policy, types...)
			all = append(all, name)
			w.inBulk(func() { instancesFor(rt, w, svc, slices.Contains(types, "SRV")) })
		}
		n, _ := w.state.Registry.Namespace(w.account, registry.NamespaceID(ns))
		tw := &model{n, w.cfg.Strict}
		for _, name := range append(all, "_tcp", "none", "i0.web", "I1._http._tcp", "i2.x._tcp", "deep") {
			full := name + ".example.COM."
			if name == "." {
				full = "example.COM."
			}
			for _, qtype := range []uint16{mdns.TypeA, mdns.TypeAAAA, mdns.TypeSRV, mdns.TypeMX} {
				compare(rt, w, tw.answer(full, qtype), full, qtype)
			}
		}
	})
}

// instancesFor registers from none to twenty instances, some of them unhealthy.
func instancesFor(t *rapid.T, w *fixture, svc string, srv bool) {
	count := rapid.IntRange(0, 20).Draw(t, "instances")
	sick := rapid.IntRange(0, 2).Draw(t, "sick")
	for i := range count {
		attrs := []string{ipv4, fmt.Sprintf("10.0.0.%d", i), ipv6, fmt.Sprintf("2001:db8::%x", i+1), "weight", fmt.Sprint(i % 3)}
		if srv && i%2 == 0 {
			attrs = attrs[:2]
		}
		if sick == 2 || sick == 1 && i%3 == 0 {
			attrs = append(attrs, registry.AttrInitHealthStatus, "UNHEALTHY")
		}
		w.register(svc, fmt.Sprintf("i%d", i), append(attrs, port, fmt.Sprint(8000+i))...)
	}
}

func compare(t *rapid.T, w *fixture, want expected, name string, qtype uint16) {
	m := w.exchange(question(name, qtype), trusted, TCP)
	if m.Rcode != want.rcode || len(m.Answer) != want.count || !m.Authoritative {
		t.Fatalf("%s %s: %v\nwant %+v", name, mdns.TypeToString[qtype], m, want)
	}
	if negative := want.count == 0; negative != (len(m.Ns) == 1 && m.Ns[0].Header().Rrtype == mdns.TypeSOA) {
		t.Fatalf("%s: authority %v", name, m.Ns)
	}
	seen := map[string]bool{}
	for _, rr := range m.Answer {
		line := sections([]mdns.RR{rr})
		if seen[line] || !slices.ContainsFunc(want.candidates, func(c string) bool { return strings.EqualFold(c, line) }) {
			t.Fatalf("%s: %q, twice or not in %q", name, line, want.candidates)
		}
		seen[line] = true
	}
	if qtype == mdns.TypeSRV && len(want.candidates) == want.count {
		slices.Sort(want.additional)
		if got := sections(m.Extra); !strings.EqualFold(got, strings.Join(want.additional, "\n")) {
			t.Fatalf("%s: additional %q, want %q", name, got, want.additional)
		}
	}
}

// Nothing is allocated for a query, whatever it asks for.
func TestAnsweringAllocatesNothing(t *testing.T) {
	w := populated(t)
	a := w.newWorker(w.metrics.newShard(UDP))
	out := make([]byte, 0, answer.MaxUDPSize)
	for _, c := range []struct {
		name  string
		qtype uint16
	}{
		{"web.example.com.", mdns.TypeA}, {"web.example.com.", mdns.TypeAAAA}, {"_http._tcp.example.com.", mdns.TypeSRV},
		{"cn.example.com.", mdns.TypeA}, {"alias.example.com.", mdns.TypeA}, {"nothing.example.com.", mdns.TypeA},
		{"db.private.example.", mdns.TypeA}, {"example.net.", mdns.TypeA}, {"example.com.", mdns.TypeSOA},
	} {
		q := question(c.name, c.qtype).SetEdns0(1232, false)
		q.IsEdns0().Option = append(q.IsEdns0().Option, &mdns.EDNS0_COOKIE{Code: mdns.EDNS0COOKIE, Cookie: "0102030405060708"})
		packed, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		from := mustAddr(inVPC1)
		run := func() {
			a.Refresh()
			a.Answer(a.Parse(packed), from, UDP, out)
			a.shard.add(&a.Counts)
		}
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}
