package zone_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/domain"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/registry/records"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// model computes the names of a state in the plainest way, each time from the
// whole state.
type model struct {
	zones []*modelZone
}

type modelZone struct {
	ns *registry.Namespace
	// services by their full name, hosts by theirs.
	services map[string]*registry.Service
	hosts    map[string]bool
}

func newModel(s *state.State, accounts ...command.AccountID) *model {
	t := &model{}
	for _, account := range accounts {
		for _, ns := range s.Registry.Namespaces(account, "") {
			if ns.IsDNS() {
				t.zones = append(t.zones, newModelZone(ns))
			}
		}
	}
	return t
}

func newModelZone(ns *registry.Namespace) *modelZone {
	z := &modelZone{ns, map[string]*registry.Service{}, map[string]bool{}}
	for _, svc := range ns.ServicesNamed("") {
		if svc.DNS == nil {
			continue
		}
		name := strings.ToLower(svc.Name + "." + ns.Name)
		if svc.Name == "." {
			name = strings.ToLower(ns.Name)
		}
		z.services[name] = svc
		if svc.DNS.Has(registry.RecordSRV) {
			for id := range svc.Instances("") {
				z.hosts[strings.ToLower(hostName(id)+name)] = true
			}
		}
	}
	return z
}

// hostName returns the labels of the host of an instance as text.
func hostName(id registry.InstanceID) string {
	labels, _ := id.HostLabels()
	return dnswire.Text(labels + "\x00")
}

// lookup is Index.Lookup; the name is in lower case and without a final dot.
func (m *model) lookup(name string, v zone.View, strict bool) (zone.State, *modelZone) {
	best := m.answering(name, v)
	switch {
	case best == nil:
		return zone.Refused, nil
	case best.has(name, strict) || m.hasZoneBelow(name, v):
		return zone.Hit, best
	}
	return zone.NXDOMAIN, best
}

func (z *modelZone) visible(v zone.View) bool {
	return z.ns.Type == registry.DNSPublic || v.AllVPCs || slices.Contains(v.VPCs, z.ns.VPC)
}

func (z *modelZone) apex() string { return strings.ToLower(z.ns.Name) }

func (m *model) hasZoneBelow(name string, v zone.View) bool {
	return slices.ContainsFunc(m.zones, func(z *modelZone) bool { return z.visible(v) && strings.HasSuffix(z.apex(), "."+name) })
}

// answering returns the zone that answers for a name: from the top of the tree
// down, a zone is left out if one of another account that stays precedes it.
func (m *model) answering(name string, v zone.View) *modelZone {
	byApex := map[int][]*modelZone{}
	for _, z := range m.zones {
		if z.visible(v) && (name == z.apex() || strings.HasSuffix(name, "."+z.apex())) {
			byApex[len(z.apex())] = append(byApex[len(z.apex())], z)
		}
	}
	var answers []*modelZone
	for _, n := range slices.Sorted(maps.Keys(byApex)) {
		rest := slices.DeleteFunc(byApex[n], func(z *modelZone) bool {
			return slices.ContainsFunc(answers, func(above *modelZone) bool {
				return above.ns.Account != z.ns.Account && !z.ns.Delegated && above.precedes(z, v)
			})
		})
		if len(rest) == 0 {
			continue
		}
		first := slices.MinFunc(rest, func(a, b *modelZone) int {
			if a.precedes(b, v) {
				return -1
			}
			return 1
		})
		rest = slices.DeleteFunc(rest, func(z *modelZone) bool { return z.ns.Account != first.ns.Account })
		best := rest[0]
		for _, z := range rest {
			if z.better(best, v) {
				best = z
			}
		}
		answers = append(answers, best)
	}
	if len(answers) == 0 {
		return nil
	}
	return answers[len(answers)-1]
}

// precedes: the zone of a VPC of its account that the client is in, then the older.
func (z *modelZone) precedes(other *modelZone, v zone.View) bool {
	rank := func(z *modelZone) string {
		own := "1"
		if i := slices.Index(v.VPCs, z.ns.VPC); i >= 0 && v.Owners != nil && v.Owners[i] == z.ns.Account {
			own = "0"
		}
		return fmt.Sprintf("%s %015d %s", own, z.ns.CreateDate, z.ns.ID)
	}
	return rank(z) < rank(other)
}

func (z *modelZone) better(other *modelZone, v zone.View) bool {
	rank := func(z *modelZone) string {
		kind := "1"
		switch {
		case z.ns.Type == registry.DNSPublic:
			kind = "2"
		case slices.Contains(v.VPCs, z.ns.VPC):
			kind = "0"
		}
		return fmt.Sprintf("%s %015d %s", kind, z.ns.CreateDate, z.ns.ID)
	}
	return rank(z) < rank(other)
}

func (z *modelZone) has(name string, strict bool) bool {
	if name == z.apex() {
		return true
	}
	for host := range z.hosts {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	for n, svc := range z.services {
		if (n == name || strings.HasSuffix(n, "."+name)) && (!strict || svc.InstanceCount() > 0) {
			return true
		}
	}
	return false
}

// records says what zone.Set.Dump is to show.
func (z *modelZone) dump(svc *registry.Service) []string {
	lines := []string{}
	for _, inst := range svc.Instances("") {
		health := svc.Health(inst)
		if svc.HasHealth() && health == registry.Unknown {
			continue
		}
		weight, region := 0, ""
		if svc.DNS.Policy == registry.Weighted {
			weight = weightOf(inst)
		}
		if svc.DNS.Policy == registry.Latency {
			region, _ = inst.Attributes().Get(records.AttrRegion)
		}
		add := func(rtype int, value string) {
			lines = append(lines, fmt.Sprintf("%d %v %d %q: %s", rtype, health == registry.Unhealthy, weight, region, value))
		}
		addRecords(svc, inst, add)
	}
	slices.Sort(lines)
	if svc.DNS.Policy != registry.Weighted {
		lines = slices.Compact(lines) // RFC 2181 section 5
	}
	return lines
}

func weightOf(inst *registry.Instance) int {
	weight := 1
	if v, ok := inst.Attributes().Get(registry.AttrWeight); ok {
		fmt.Sscan(v, &weight)
	}
	return weight
}

func addRecords(svc *registry.Service, inst *registry.Instance, add func(rtype int, value string)) {
	v4, v6 := [4]byte{}, [16]byte{}
	if v, ok := inst.Attributes().Get(registry.AttrIPv4); ok {
		v4 = netip.MustParseAddr(v).As4()
	}
	if v, ok := inst.Attributes().Get(registry.AttrIPv6); ok {
		v6 = netip.MustParseAddr(v).As16()
	}
	if svc.DNS.Has(registry.RecordSRV) {
		text, _ := inst.Attributes().Get(registry.AttrPort)
		labels, port := "", 0
		labels, _ = inst.ID().HostLabels()
		fmt.Sscan(text, &port)
		add(33, fmt.Sprintf("0001%04x%04x%x %v %v %d", weightOf(inst), port, labels, v4, v6, svc.DNS.Records[0].TTL))
		return
	}
	for _, key := range []string{registry.AttrCNAME, registry.AttrAliasDNSName} {
		if v, ok := inst.Attributes().Get(key); ok && (key == registry.AttrAliasDNSName || svc.DNS.Has(registry.RecordCNAME)) {
			for _, rec := range svc.DNS.Records {
				add(map[registry.RecordType]int{registry.RecordA: 1, registry.RecordCNAME: 5, registry.RecordAAAA: 28}[rec.Type], v+".")
			}
			return
		}
	}
	if v4 != [4]byte{} && svc.DNS.Has(registry.RecordA) {
		add(1, fmt.Sprint(v4))
	}
	if v6 != [16]byte{} && svc.DNS.Has(registry.RecordAAAA) {
		add(28, fmt.Sprint(v6))
	}
}

// Random histories, done one by one or in batches, must leave the Index as the
// model computes it, and earlier versions as they were.
func TestIndexAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newFixture(t, rapid.Bool().Draw(t, "strict"))
		var earlier []*state.State
		var dumps [][]string
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			randomHistory(t, w)
			for i, s := range earlier {
				if diff := cmp.Diff(dumps[i], s.Zones.AllNames()); diff != "" {
					t.Fatalf("version %d has changed: %s", i, diff)
				}
			}
			earlier, dumps = append(earlier, w.state), append(dumps, w.state.Zones.AllNames())
		}
		checkIndex(t, w)
		checkRebuilt(t, w)
	})
}

const otherAccount = "111111111111"

var namespaces = []string{"example.com", "a.example.com", "b.A.example.com", "example.org", "com"}
var services = []string{"web", "a", "b.a", "x.b.a", ".", "_http._tcp", "WEB.deep", "i.web"}
var instances = []string{"i", "I", "j", "i/1", "a.b", "k"}

func randomHistory(t *rapid.T, w *fixture) {
	if rapid.Bool().Draw(t, "batch") {
		w.draft = state.NewDraft(w.state)
	}
	for range rapid.IntRange(1, 25).Draw(t, "commands") {
		w.account = rapid.SampledFrom([]command.AccountID{"000000000000", otherAccount}).Draw(t, "account")
		w.rules.Registry.Names = randomNames(t, w.account)
		_, _ = w.try(randomCommand(t, w)) // a refusal is as good as any other outcome
	}
	if w.draft != nil {
		w.state, w.draft = w.draft.Finish(), nil
	}
}

// randomNames are rules under which names are in conflict afterwards: a VPC belongs
// to the account for a moment, or a name is delegated to it.
func randomNames(t *rapid.T, account command.AccountID) domain.Rules {
	var r domain.Rules
	switch rapid.IntRange(0, 3).Draw(t, "names") {
	case 0:
		r.VPCs = map[string][]command.AccountID{"vpc-1": {account}, "vpc-2": {account}}
	case 1:
		r.Delegations = []domain.Delegation{{Name: rapid.SampledFrom(namespaces).Draw(t, "delegated"), Account: account}}
	}
	return r
}

func randomCommand(t *rapid.T, w *fixture) command.Command {
	ns := rapid.SampledFrom(namespaces).Draw(t, "namespace")
	nsID, svcID := pickService(t, w)
	id := registry.InstanceID(rapid.SampledFrom(instances).Draw(t, "instance"))
	switch rapid.IntRange(0, 19).Draw(t, "kind") {
	case 0, 1:
		return &registry.CreateNamespace{Name: ns, Type: registry.DNSPublic}
	case 2, 3:
		return &registry.CreateNamespace{Name: ns, Type: registry.DNSPrivate, VPC: rapid.SampledFrom([]string{"vpc-1", "vpc-2"}).Draw(t, "vpc")}
	case 4:
		return &registry.DeleteNamespace{Ref: nsID}
	case 5, 6, 7, 8:
		return randomService(t, nsID)
	case 9:
		return &registry.DeleteService{Ref: svcID}
	case 10:
		c := &registry.UpdateService{Ref: svcID}
		if rapid.Bool().Draw(t, "records") {
			c.Records = []registry.DNSRecord{{Type: rapid.SampledFrom([]registry.RecordType{"A", "SRV", "CNAME"}).Draw(t, "type"), TTL: 77}}
		}
		if rapid.Bool().Draw(t, "check") {
			c.HealthCheck = &registry.HealthCheck{Type: registry.CheckTCP}
		}
		return c
	case 11, 12:
		return &registry.DeregisterInstance{ServiceRef: svcID, ID: id}
	case 13, 14:
		return &registry.SetCustomHealth{ServiceRef: svcID, ID: id, Health: rapid.SampledFrom([]registry.Health{registry.Healthy, registry.Unhealthy}).Draw(t, "health")}
	}
	return &registry.RegisterInstance{ServiceRef: svcID, ID: id, Attributes: randomAttributes(t)}
}

// pickService picks a namespace and a service of the account, if there are any.
func pickService(t *rapid.T, w *fixture) (ns, svc string) {
	s := w.state
	if w.draft != nil {
		s = w.draft.State()
	}
	var all []*registry.Service
	for _, svc := range s.Registry.Services(w.account, "") {
		all = append(all, svc)
	}
	var nss []string
	for id := range s.Registry.Namespaces(w.account, "") {
		nss = append(nss, string(id))
	}
	ns, svc = "ns-none", "srv-none"
	if len(nss) > 0 {
		ns = rapid.SampledFrom(nss).Draw(t, "ns")
	}
	if len(all) > 0 {
		svc = string(rapid.SampledFrom(all).Draw(t, "svc").ID)
	}
	return ns, svc
}

func randomService(t *rapid.T, ns string) command.Command {
	types := rapid.SampledFrom([][]registry.RecordType{{"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"}}).Draw(t, "types")
	dns := &registry.DNSConfig{Policy: rapid.SampledFrom([]registry.RoutingPolicy{"", "MULTIVALUE", "WEIGHTED", "LATENCY"}).Draw(t, "policy")}
	for _, k := range types {
		dns.Records = append(dns.Records, registry.DNSRecord{Type: k, TTL: 60})
	}
	c := &registry.CreateService{Name: rapid.SampledFrom(services).Draw(t, "name"), NamespaceRef: ns, DNS: dns}
	switch rapid.IntRange(0, 3).Draw(t, "health") {
	case 0:
		c.HealthCheck = &registry.HealthCheck{Type: registry.CheckTCP}
	case 1, 2:
		c.CustomHealth = true
	}
	if rapid.IntRange(0, 9).Draw(t, "http") == 0 {
		c.HTTPOnly, c.DNS = true, nil
	}
	return c
}

func randomAttributes(t *rapid.T) map[string]string {
	n := rapid.IntRange(1, 200).Draw(t, "address")
	attrs := map[string]string{}
	if rapid.IntRange(0, 4).Draw(t, "alias") == 0 {
		attrs[registry.AttrAliasDNSName] = fmt.Sprintf("lb%d.example.net", n)
		return attrs
	}
	attrs[registry.AttrIPv4] = fmt.Sprintf("10.0.0.%d", n)
	attrs[registry.AttrPort] = fmt.Sprint(n)
	attrs[registry.AttrCNAME] = fmt.Sprintf("c%d.example.net", n)
	attrs[records.AttrRegion] = fmt.Sprintf("r%d", n%3)
	attrs[registry.AttrWeight] = fmt.Sprint(n % 4)
	if rapid.Bool().Draw(t, "v6") {
		attrs[registry.AttrIPv6] = fmt.Sprintf("2001:db8::%d", n)
	}
	return attrs
}

func checkIndex(t *rapid.T, w *fixture) {
	m := newModel(w.state, "000000000000", otherAccount)
	views := []zone.View{
		{}, {AllVPCs: true}, {VPCs: []string{"vpc-1"}}, {AllVPCs: true, VPCs: []string{"vpc-2"}},
		{VPCs: []string{"vpc-1", "vpc-2"}, Owners: []command.AccountID{otherAccount, ""}},
	}
	for _, name := range candidates() {
		for _, v := range views {
			checkName(t, w, m, name, v)
		}
	}
}

// candidates are all names there can be, and some that there cannot.
func candidates() []string {
	names := []string{"org", "nothing.example.com"}
	for _, ns := range namespaces {
		names = append(names, ns)
		for _, svc := range services {
			full := svc + "." + ns
			if svc == "." {
				full = ns
			}
			names = append(names, full, "none."+full)
			for _, id := range []string{"i", "J", "i/1", "k", "x--i-2f1", "b", "a.b"} {
				names = append(names, id+"."+full)
			}
		}
	}
	return append(names, "_tcp.example.com", "deep.example.com")
}

func checkName(t *rapid.T, w *fixture, m *model, name string, v zone.View) {
	res := look(&w.state.Zones, name, w.rules.Registry.Strict, v)
	wantState, wantZone := m.lookup(strings.ToLower(name), v, w.rules.Registry.Strict)
	if res.State != wantState {
		t.Fatalf("%s for %+v: %v, want %v", name, v, res.State, wantState)
	}
	if wantZone != nil && res.Zone.ID != records.ZoneID(wantZone.ns.ID) {
		t.Fatalf("%s for %+v: zone %s, want %s", name, v, res.Zone.ID, wantZone.ns.ID)
	}
	if res.State != zone.Hit {
		return
	}
	svc, set := wantZone.services[strings.ToLower(name)], res.Node.Set()
	if (svc == nil) != (set == nil) {
		t.Fatalf("%s: service %v, set %v", name, svc, set)
	}
	if (res.Node.Host() != nil) != (set == nil && wantZone.hosts[strings.ToLower(name)]) {
		t.Fatalf("%s: host %v", name, res.Node.Host())
	}
	if set == nil {
		return
	}
	if diff := cmp.Diff(wantZone.dump(svc), append([]string{}, set.Dump()...)); diff != "" {
		t.Fatalf("%s: records: %s", name, diff)
	}
	if err := set.Check(); err != nil || set.Members() != svc.InstanceCount() {
		t.Fatalf("%s: %d instances, want %d: %v", name, set.Members(), svc.InstanceCount(), err)
	}
	for _, rec := range svc.DNS.Records {
		rtype := map[registry.RecordType]uint16{"A": 1, "AAAA": 28, "SRV": 33, "CNAME": 5}[rec.Type]
		if r := set.RRset(rtype); r == nil || r.TTL != uint32(rec.TTL) {
			t.Fatalf("%s: %s is %+v, want TTL %d", name, rec.Type, r, rec.TTL)
		}
	}
}

// checkRebuilt compares with the Index that a restart makes.
func checkRebuilt(t *rapid.T, w *fixture) {
	d := state.NewDraft(new(state.State))
	for stored := range w.state.All() {
		value, _ := stored.Change.Value(nil)
		change, err := state.Decode(stored.Change.Key(), append([]byte{}, value...))
		if err != nil {
			t.Fatalf("%v", err)
		}
		d.Apply(stored.Revision, change)
	}
	rebuilt := d.Finish()
	if diff := cmp.Diff(w.state.Zones.AllNames(), rebuilt.Zones.AllNames()); diff != "" {
		t.Fatalf("after a restart: %s", diff)
	}
	w.state = rebuilt
	checkIndex(t, w)
}
