package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// model is a registry written as simply as can be, with maps and loops. Random
// commands must have the same result in both.
type model struct {
	*fixture
	namespaces []*modelNamespace
	// revisions are the highest ever seen under a name.
	revisions map[string]uint64
}

type modelNamespace struct {
	id       registry.NamespaceID
	kind     registry.NamespaceType
	name     string
	vpc      string
	services []*modelService
}

type modelService struct {
	id              registry.ServiceID
	ns              *modelNamespace
	name            string
	custom, checked bool
	instances       map[registry.InstanceID]*modelInstance
	touched         bool // since the revision was last looked at
}

type modelInstance struct {
	attrs   attrs
	health  registry.Health
	pending registry.Health
	due     int64
}

func TestRandomCommands(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%t", strict), rapid.MakeCheck(func(t *rapid.T) {
			m := &model{fixture: newFixture(t, strict), revisions: map[string]uint64{}}
			m.batch = rapid.IntRange(1, 6).Draw(t, "batch")
			t.Repeat(map[string]func(*rapid.T){
				"create namespace": m.createNamespace,
				"create service":   m.createService,
				"register":         m.registerAny,
				"register more":    m.registerAny, // most commands are these
				"deregister":       m.deregisterAny,
				"set health":       m.setAnyHealth,
				"wait":             m.wait,
				"expire":           m.expire,
				"delete service":   m.deleteService,
				"delete namespace": m.deleteNamespace,
				"":                 m.check,
			})
		}))
	}
}

// expect compares how a command ended with what must come of it: the name of an
// error type, or the empty string.
func (m *model) expect(c command.Command, want string) command.Reply {
	m.Helper()
	reply, err := m.try(c)
	got := ""
	if err != nil {
		got = fmt.Sprintf("%T", err)
		got = got[strings.IndexByte(got, 46)+1:]
	}
	if got != want {
		m.Fatalf("%T %+v: got %q (%v), want %q", c, c, got, err, want)
	}
	return reply
}

func (m *model) createNamespace(t *rapid.T) {
	c := &registry.CreateNamespace{
		Type: rapid.SampledFrom([]registry.NamespaceType{registry.HTTP, registry.DNSPrivate}).Draw(t, "type"),
		Name: rapid.SampledFrom([]string{"a", "A", "b"}).Draw(t, "name"),
	}
	if c.Type == registry.DNSPrivate {
		c.VPC = rapid.SampledFrom([]string{"vpc-1", "vpc-2"}).Draw(t, "vpc")
	}
	for _, ns := range m.namespaces {
		if ns.kind != c.Type || ns.vpc != c.VPC {
			continue
		}
		if c.Type == registry.HTTP && ns.name == c.Name {
			m.expect(c, "NamespaceAlreadyExists")
			return
		}
		if c.Type == registry.DNSPrivate && strings.EqualFold(ns.name, c.Name) {
			if op := m.operation(m.expect(c, "")); !op.Failed {
				t.Fatalf("a second %s in %s", c.Name, c.VPC)
			}
			return
		}
	}
	op := m.operation(m.expect(c, ""))
	m.namespaces = append(m.namespaces, &modelNamespace{id: op.Namespace, kind: c.Type, name: c.Name, vpc: c.VPC})
}

// anyNamespace draws a namespace that is there, or an id that is not.
func (m *model) anyNamespace(t *rapid.T) (*modelNamespace, string) {
	i := rapid.IntRange(0, len(m.namespaces)).Draw(t, "namespace")
	if i == len(m.namespaces) {
		return nil, "ns-none"
	}
	return m.namespaces[i], string(m.namespaces[i].id)
}

func (m *model) createService(t *rapid.T) {
	ns, ref := m.anyNamespace(t)
	c := &registry.CreateService{NamespaceRef: ref, Name: rapid.SampledFrom([]string{"s", "S", "t"}).Draw(t, "name"), HTTPOnly: true}
	check := rapid.IntRange(0, 2).Draw(t, "check")
	c.CustomHealth = check == 1
	if check == 2 {
		c.HealthCheck = tcpCheck
	}
	switch {
	case ns == nil:
		m.expect(c, "NamespaceNotFound")
	case m.rules.Strict && ns.kind == registry.DNSPrivate && check == 2:
		m.expect(c, "InvalidInput")
	case ns.has(c.Name):
		m.expect(c, "ServiceAlreadyExists")
	default:
		id := m.expect(c, "").Value.(*registry.Service).ID
		ns.services = append(ns.services, &modelService{id: id, ns: ns, name: c.Name, custom: check == 1, checked: check == 2,
			instances: map[registry.InstanceID]*modelInstance{}, touched: true})
	}
}

func (ns *modelNamespace) has(name string) bool {
	for _, svc := range ns.services {
		if svc.name == name || ns.kind != registry.HTTP && strings.EqualFold(svc.name, name) {
			return true
		}
	}
	return false
}

func (m *model) services() []*modelService {
	var all []*modelService
	for _, ns := range m.namespaces {
		all = append(all, ns.services...)
	}
	return all
}

// anyService draws a service that is there, or an id that is not.
func (m *model) anyService(t *rapid.T) (*modelService, string) {
	services := m.services()
	i := rapid.IntRange(0, len(services)).Draw(t, "service")
	if i == len(services) {
		return nil, "srv-none"
	}
	return services[i], string(services[i].id)
}

func anyInstance(t *rapid.T) registry.InstanceID {
	return rapid.SampledFrom([]registry.InstanceID{"i", "j", "k/l"}).Draw(t, "instance")
}

func (m *model) registerAny(t *rapid.T) {
	svc, ref := m.anyService(t)
	c := &registry.RegisterInstance{ServiceRef: ref, ID: anyInstance(t), Attributes: attrs{
		"color": rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "color"),
		"zone":  rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "zone"),
	}}
	if svc == nil {
		m.expect(c, "ServiceNotFound")
		return
	}
	inst := &modelInstance{attrs: c.Attributes}
	if svc.checked {
		c.Attributes["AWS_INSTANCE_IPV4"], c.Attributes["AWS_INSTANCE_PORT"] = "10.0.0.1", "80"
	}
	if svc.custom || svc.checked && m.rules.Strict {
		inst.health = registry.Healthy
	}
	if svc.custom && rapid.Bool().Draw(t, "down") {
		c.Attributes["AWS_INIT_HEALTH_STATUS"] = "UNHEALTHY"
		inst.health = registry.Unhealthy
	}
	m.expect(c, "")
	svc.instances[c.ID], svc.touched = inst, true
}

func (m *model) deregisterAny(t *rapid.T) {
	svc, ref := m.anyService(t)
	c := &registry.DeregisterInstance{ServiceRef: ref, ID: anyInstance(t)}
	switch {
	case svc == nil:
		m.expect(c, "ServiceNotFound")
	case svc.instances[c.ID] == nil:
		m.expect(c, "InstanceNotFound")
	default:
		m.expect(c, "")
		delete(svc.instances, c.ID)
		svc.touched = true
	}
}

func (m *model) setAnyHealth(t *rapid.T) {
	svc, ref := m.anyService(t)
	c := &registry.SetCustomHealth{ServiceRef: ref, ID: anyInstance(t), Health: rapid.SampledFrom([]registry.Health{registry.Healthy, registry.Unhealthy}).Draw(t, "health")}
	switch {
	case svc == nil:
		m.expect(c, "ServiceNotFound")
	case !svc.custom:
		m.expect(c, "CustomHealthNotFound")
	case svc.instances[c.ID] == nil:
		m.expect(c, "InstanceNotFound")
	default:
		m.expect(c, "")
		svc.instances[c.ID].told(c.Health, m.rules.Strict, m.now)
	}
}

func (i *modelInstance) told(h registry.Health, strict bool, now int64) {
	switch {
	case !strict:
		i.health = h
	case h == i.health:
		i.due = 0
	case i.due == 0:
		i.pending, i.due = h, now+30_000
	}
}

// wait lets time pass and what is due then become visible.
func (m *model) wait(t *rapid.T) {
	m.now += rapid.Int64Range(0, 40_000).Draw(t, "milliseconds")
	m.do(&registry.SettleHealth{Max: 1000})
	for _, svc := range m.services() {
		for _, inst := range svc.instances {
			if inst.due != 0 && inst.due <= m.now {
				inst.health, inst.due = inst.pending, 0
			}
		}
	}
}

// expire deletes old operations, which the model does not have.
func (m *model) expire(t *rapid.T) {
	m.limits = command.Limits{"operations_per_account": rapid.IntRange(0, 20).Draw(t, "quota")}
	before := m.state.Counts().Operations
	n := m.do(&registry.ExpireOperations{Before: m.now - rapid.Int64Range(0, 20_000).Draw(t, "age"), Max: rapid.IntRange(1, 10).Draw(t, "max")}).Count
	if after := m.state.Counts().Operations; before-after != n {
		t.Fatalf("%d operations were %d before and are %d", n, before, after)
	}
}

func (m *model) deleteService(t *rapid.T) {
	svc, ref := m.anyService(t)
	c := &registry.DeleteService{Ref: ref}
	switch {
	case svc == nil:
		m.expect(c, "ServiceNotFound")
	case len(svc.instances) > 0:
		m.expect(c, "Conflict")
	default:
		m.expect(c, "")
		svc.ns.services = slices.DeleteFunc(svc.ns.services, func(s *modelService) bool { return s == svc })
	}
}

func (m *model) deleteNamespace(t *rapid.T) {
	ns, ref := m.anyNamespace(t)
	c := &registry.DeleteNamespace{Ref: ref}
	switch {
	case ns == nil:
		m.expect(c, "NamespaceNotFound")
	case len(ns.services) > 0:
		m.expect(c, "Conflict")
	default:
		m.expect(c, "")
		m.namespaces = slices.DeleteFunc(m.namespaces, func(n *modelNamespace) bool { return n == ns })
	}
}

// check compares the two after every command. It reloads now and then, since
// that takes long.
func (m *model) check(*rapid.T) {
	if m.commands%16 == 0 {
		m.checkReload()
	}
	m.checkListings()
	for _, svc := range m.services() {
		m.checkRevision(svc)
		for _, filter := range []registry.HealthFilter{"", healthy, unhealthy, all, orElseAll} {
			for _, q := range []registry.Query{
				{}, {Parameters: attrs{"color": "red"}}, {Parameters: attrs{"color": "red", "zone": "a"}},
				{Optional: attrs{"zone": "a"}}, {Parameters: attrs{"color": "blue"}, Optional: attrs{"zone": ""}},
			} {
				q.Health = filter
				m.checkDiscover(svc, q)
			}
		}
	}
}

func (m *model) checkListings() {
	m.Helper()
	want := registry.Counts{Namespaces: len(m.namespaces), Services: len(m.services())}
	for _, svc := range m.services() {
		want.Instances += len(svc.instances)
	}
	got := m.state.Counts()
	got.Operations = 0
	if got != want {
		m.Fatalf("got %+v, want %+v", got, want)
	}
	var gotIDs, wantIDs []string
	for id := range m.state.Namespaces(testAccount, "") {
		gotIDs = append(gotIDs, string(id))
	}
	for id := range m.state.Services(testAccount, "") {
		gotIDs = append(gotIDs, string(id))
	}
	for _, ns := range m.namespaces {
		wantIDs = append(wantIDs, string(ns.id))
	}
	for _, svc := range m.services() {
		wantIDs = append(wantIDs, string(svc.id))
	}
	slices.Sort(gotIDs)
	slices.Sort(wantIDs)
	if !slices.Equal(gotIDs, wantIDs) {
		m.Fatalf("listed %v, want %v", gotIDs, wantIDs)
	}
}

// checkRevision: it rises when instances come or go, and with nothing else, and
// never falls, not even for another service of the same name.
func (m *model) checkRevision(svc *modelService) {
	m.Helper()
	name := fmt.Sprint(svc.ns.kind, " ", svc.ns.name, " ", svc.ns.vpc, " ", svc.name)
	got, last := m.currentService(svc.id).InstancesRevision(), m.revisions[name]
	if got < last || svc.touched != (got > last) {
		m.Fatalf("%s: revision %d after %d, instances changed: %t", name, got, last, svc.touched)
	}
	m.revisions[name], svc.touched = got, false
}

func (m *model) checkDiscover(svc *modelService, q registry.Query) {
	m.Helper()
	ns := m.currentNamespace(svc.ns.id)
	found, err := m.state.FindForDiscovery(&m.rules, testAccount, testAccount, ns.HTTPName, svc.name)
	if err != nil || found.ID != svc.id {
		m.Fatalf("find %s/%s: %v, %v", ns.HTTPName, svc.name, found, err)
	}
	wantIDs(m, fmt.Sprintf("%s %+v", svc.name, q), discovered(found, q), svc.discover(q)...)
	for id, inst := range svc.instances {
		if got := found.Health(m.instance(svc.id, id)); (svc.custom || svc.checked) && got != inst.health {
			m.Fatalf("%s: health %s, want %s", id, got, inst.health)
		}
	}
}

// discover is the model of Service.Discover.
func (svc *modelService) discover(q registry.Query) []string {
	matching := svc.where(func(i *modelInstance) bool { return i.hasAll(q.Parameters) })
	if svc.custom || svc.checked {
		up := matching.where(func(i *modelInstance) bool { return i.health == registry.Healthy })
		switch q.Health {
		case "", healthy:
			matching = up
		case unhealthy:
			matching = matching.where(func(i *modelInstance) bool { return i.health == registry.Unhealthy })
		case orElseAll:
			if len(up) > 0 {
				matching = up
			}
		}
	}
	if preferred := matching.where(func(i *modelInstance) bool { return i.hasAll(q.Optional) }); len(preferred) > 0 {
		matching = preferred
	}
	ids := []string{}
	for id := range matching {
		ids = append(ids, string(id))
	}
	return ids
}

type modelInstances map[registry.InstanceID]*modelInstance

func (svc *modelService) where(keep func(*modelInstance) bool) modelInstances {
	return modelInstances(svc.instances).where(keep)
}

func (m modelInstances) where(keep func(*modelInstance) bool) modelInstances {
	kept := modelInstances{}
	for id, inst := range m {
		if keep(inst) {
			kept[id] = inst
		}
	}
	return kept
}

func (i *modelInstance) hasAll(pairs attrs) bool {
	for k, v := range pairs {
		if got, ok := i.attrs[k]; !ok || got != v {
			return false
		}
	}
	return true
}
