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

// twin is a registry written as simply as can be, with maps and loops. Random
// commands must have the same result in both.
type twin struct {
	*world
	namespaces []*twinNamespace
	// revisions are the highest ever seen under a name.
	revisions map[string]uint64
}

type twinNamespace struct {
	id       registry.NamespaceID
	kind     registry.NamespaceType
	name     string
	vpc      string
	services []*twinService
}

type twinService struct {
	id              registry.ServiceID
	ns              *twinNamespace
	name            string
	custom, checked bool
	instances       map[registry.InstanceID]*twinInstance
	touched         bool // since the revision was last looked at
}

type twinInstance struct {
	attrs   attrs
	health  registry.Health
	pending registry.Health
	due     int64
}

func TestRandomCommands(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%t", strict), rapid.MakeCheck(func(t *rapid.T) {
			tw := &twin{world: newWorld(t, strict), revisions: map[string]uint64{}}
			tw.batch = rapid.IntRange(1, 6).Draw(t, "batch")
			t.Repeat(map[string]func(*rapid.T){
				"create namespace": tw.createNamespace,
				"create service":   tw.createService,
				"register":         tw.registerAny,
				"register more":    tw.registerAny, // most commands are these
				"deregister":       tw.deregisterAny,
				"set health":       tw.setAnyHealth,
				"wait":             tw.wait,
				"delete service":   tw.deleteService,
				"delete namespace": tw.deleteNamespace,
				"":                 tw.check,
			})
		}))
	}
}

// expect compares how a command ended with what must come of it: the name of an
// error type, or the empty string.
func (tw *twin) expect(c command.Command, want string) command.Reply {
	tw.Helper()
	reply, err := tw.try(c)
	got := ""
	if err != nil {
		got = fmt.Sprintf("%T", err)
		got = got[strings.IndexByte(got, 46)+1:]
	}
	if got != want {
		tw.Fatalf("%T %+v: got %q (%v), want %q", c, c, got, err, want)
	}
	return reply
}

func (tw *twin) createNamespace(t *rapid.T) {
	c := &registry.CreateNamespace{
		Type: rapid.SampledFrom([]registry.NamespaceType{registry.HTTP, registry.DNSPrivate}).Draw(t, "type"),
		Name: rapid.SampledFrom([]string{"a", "A", "b"}).Draw(t, "name"),
	}
	if c.Type == registry.DNSPrivate {
		c.VPC = rapid.SampledFrom([]string{"vpc-1", "vpc-2"}).Draw(t, "vpc")
	}
	for _, ns := range tw.namespaces {
		if ns.kind != c.Type || ns.vpc != c.VPC {
			continue
		}
		if c.Type == registry.HTTP && ns.name == c.Name {
			tw.expect(c, "NamespaceAlreadyExists")
			return
		}
		if c.Type == registry.DNSPrivate && strings.EqualFold(ns.name, c.Name) {
			if op := tw.operation(tw.expect(c, "")); !op.Failed {
				t.Fatalf("a second %s in %s", c.Name, c.VPC)
			}
			return
		}
	}
	op := tw.operation(tw.expect(c, ""))
	tw.namespaces = append(tw.namespaces, &twinNamespace{id: op.Namespace, kind: c.Type, name: c.Name, vpc: c.VPC})
}

// anyNamespace draws a namespace that is there, or an id that is not.
func (tw *twin) anyNamespace(t *rapid.T) (*twinNamespace, string) {
	i := rapid.IntRange(0, len(tw.namespaces)).Draw(t, "namespace")
	if i == len(tw.namespaces) {
		return nil, "ns-none"
	}
	return tw.namespaces[i], string(tw.namespaces[i].id)
}

func (tw *twin) createService(t *rapid.T) {
	ns, ref := tw.anyNamespace(t)
	c := &registry.CreateService{NamespaceRef: ref, Name: rapid.SampledFrom([]string{"s", "S", "t"}).Draw(t, "name"), HTTPOnly: true}
	check := rapid.IntRange(0, 2).Draw(t, "check")
	c.CustomHealth = check == 1
	if check == 2 {
		c.HealthCheck = tcpCheck
	}
	switch {
	case ns == nil:
		tw.expect(c, "NamespaceNotFound")
	case tw.rules.Strict && ns.kind == registry.DNSPrivate && check == 2:
		tw.expect(c, "InvalidInput")
	case ns.has(c.Name):
		tw.expect(c, "ServiceAlreadyExists")
	default:
		id := tw.expect(c, "").Value.(*registry.Service).ID
		ns.services = append(ns.services, &twinService{id: id, ns: ns, name: c.Name, custom: check == 1, checked: check == 2,
			instances: map[registry.InstanceID]*twinInstance{}, touched: true})
	}
}

func (ns *twinNamespace) has(name string) bool {
	for _, svc := range ns.services {
		if svc.name == name || ns.kind != registry.HTTP && strings.EqualFold(svc.name, name) {
			return true
		}
	}
	return false
}

func (tw *twin) services() []*twinService {
	var all []*twinService
	for _, ns := range tw.namespaces {
		all = append(all, ns.services...)
	}
	return all
}

// anyService draws a service that is there, or an id that is not.
func (tw *twin) anyService(t *rapid.T) (*twinService, string) {
	services := tw.services()
	i := rapid.IntRange(0, len(services)).Draw(t, "service")
	if i == len(services) {
		return nil, "srv-none"
	}
	return services[i], string(services[i].id)
}

func anyInstance(t *rapid.T) registry.InstanceID {
	return rapid.SampledFrom([]registry.InstanceID{"i", "j", "k/l"}).Draw(t, "instance")
}

func (tw *twin) registerAny(t *rapid.T) {
	svc, ref := tw.anyService(t)
	c := &registry.RegisterInstance{ServiceRef: ref, ID: anyInstance(t), Attributes: attrs{
		"color": rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "color"),
		"zone":  rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "zone"),
	}}
	if svc == nil {
		tw.expect(c, "ServiceNotFound")
		return
	}
	inst := &twinInstance{attrs: c.Attributes}
	if svc.checked {
		c.Attributes["AWS_INSTANCE_IPV4"], c.Attributes["AWS_INSTANCE_PORT"] = "10.0.0.1", "80"
	}
	if svc.custom || svc.checked && tw.rules.Strict {
		inst.health = registry.Healthy
	}
	if svc.custom && rapid.Bool().Draw(t, "down") {
		c.Attributes["AWS_INIT_HEALTH_STATUS"] = "UNHEALTHY"
		inst.health = registry.Unhealthy
	}
	tw.expect(c, "")
	svc.instances[c.ID], svc.touched = inst, true
}

func (tw *twin) deregisterAny(t *rapid.T) {
	svc, ref := tw.anyService(t)
	c := &registry.DeregisterInstance{ServiceRef: ref, ID: anyInstance(t)}
	switch {
	case svc == nil:
		tw.expect(c, "ServiceNotFound")
	case svc.instances[c.ID] == nil:
		tw.expect(c, "InstanceNotFound")
	default:
		tw.expect(c, "")
		delete(svc.instances, c.ID)
		svc.touched = true
	}
}

func (tw *twin) setAnyHealth(t *rapid.T) {
	svc, ref := tw.anyService(t)
	c := &registry.SetCustomHealth{ServiceRef: ref, ID: anyInstance(t), Health: rapid.SampledFrom([]registry.Health{registry.Healthy, registry.Unhealthy}).Draw(t, "health")}
	switch {
	case svc == nil:
		tw.expect(c, "ServiceNotFound")
	case !svc.custom:
		tw.expect(c, "CustomHealthNotFound")
	case svc.instances[c.ID] == nil:
		tw.expect(c, "InstanceNotFound")
	default:
		tw.expect(c, "")
		svc.instances[c.ID].told(c.Health, tw.rules.Strict, tw.now)
	}
}

func (i *twinInstance) told(h registry.Health, strict bool, now int64) {
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
func (tw *twin) wait(t *rapid.T) {
	tw.now += rapid.Int64Range(0, 40_000).Draw(t, "milliseconds")
	tw.do(&registry.SettleHealth{Max: 1000})
	for _, svc := range tw.services() {
		for _, inst := range svc.instances {
			if inst.due != 0 && inst.due <= tw.now {
				inst.health, inst.due = inst.pending, 0
			}
		}
	}
}

func (tw *twin) deleteService(t *rapid.T) {
	svc, ref := tw.anyService(t)
	c := &registry.DeleteService{Ref: ref}
	switch {
	case svc == nil:
		tw.expect(c, "ServiceNotFound")
	case len(svc.instances) > 0:
		tw.expect(c, "Conflict")
	default:
		tw.expect(c, "")
		svc.ns.services = slices.DeleteFunc(svc.ns.services, func(s *twinService) bool { return s == svc })
	}
}

func (tw *twin) deleteNamespace(t *rapid.T) {
	ns, ref := tw.anyNamespace(t)
	c := &registry.DeleteNamespace{Ref: ref}
	switch {
	case ns == nil:
		tw.expect(c, "NamespaceNotFound")
	case len(ns.services) > 0:
		tw.expect(c, "Conflict")
	default:
		tw.expect(c, "")
		tw.namespaces = slices.DeleteFunc(tw.namespaces, func(n *twinNamespace) bool { return n == ns })
	}
}

// check compares the two after every command. It reloads now and then, since
// that takes long.
func (tw *twin) check(*rapid.T) {
	if tw.commands%16 == 0 {
		tw.checkReload()
	}
	tw.checkListings()
	for _, svc := range tw.services() {
		tw.checkRevision(svc)
		for _, filter := range []registry.HealthFilter{"", healthy, unhealthy, all, orElseAll} {
			for _, q := range []registry.Query{
				{}, {Parameters: attrs{"color": "red"}}, {Parameters: attrs{"color": "red", "zone": "a"}},
				{Optional: attrs{"zone": "a"}}, {Parameters: attrs{"color": "blue"}, Optional: attrs{"zone": ""}},
			} {
				q.Health = filter
				tw.checkDiscover(svc, q)
			}
		}
	}
}

func (tw *twin) checkListings() {
	tw.Helper()
	want := registry.Counts{Namespaces: len(tw.namespaces), Services: len(tw.services())}
	for _, svc := range tw.services() {
		want.Instances += len(svc.instances)
	}
	got := tw.state.Counts()
	got.Operations = 0
	if got != want {
		tw.Fatalf("got %+v, want %+v", got, want)
	}
	var gotIDs, wantIDs []string
	for id := range tw.state.Namespaces(testAccount, "") {
		gotIDs = append(gotIDs, string(id))
	}
	for id := range tw.state.Services(testAccount, "") {
		gotIDs = append(gotIDs, string(id))
	}
	for _, ns := range tw.namespaces {
		wantIDs = append(wantIDs, string(ns.id))
	}
	for _, svc := range tw.services() {
		wantIDs = append(wantIDs, string(svc.id))
	}
	slices.Sort(gotIDs)
	slices.Sort(wantIDs)
	if !slices.Equal(gotIDs, wantIDs) {
		tw.Fatalf("listed %v, want %v", gotIDs, wantIDs)
	}
}

// checkRevision: it rises when instances come or go, and with nothing else, and
// never falls, not even for another service of the same name.
func (tw *twin) checkRevision(svc *twinService) {
	tw.Helper()
	name := fmt.Sprint(svc.ns.kind, " ", svc.ns.name, " ", svc.ns.vpc, " ", svc.name)
	got, last := tw.currentService(svc.id).InstancesRevision(), tw.revisions[name]
	if got < last || svc.touched != (got > last) {
		tw.Fatalf("%s: revision %d after %d, instances changed: %t", name, got, last, svc.touched)
	}
	tw.revisions[name], svc.touched = got, false
}

func (tw *twin) checkDiscover(svc *twinService, q registry.Query) {
	tw.Helper()
	ns := tw.currentNamespace(svc.ns.id)
	found, err := tw.state.FindForDiscovery(&tw.rules, testAccount, testAccount, ns.HTTPName, svc.name)
	if err != nil || found.ID != svc.id {
		tw.Fatalf("find %s/%s: %v, %v", ns.HTTPName, svc.name, found, err)
	}
	wantIDs(tw, fmt.Sprintf("%s %+v", svc.name, q), discovered(found, q), svc.discover(q)...)
	for id, inst := range svc.instances {
		if got := found.Health(tw.instance(svc.id, id)); (svc.custom || svc.checked) && got != inst.health {
			tw.Fatalf("%s: health %s, want %s", id, got, inst.health)
		}
	}
}

// discover is the twin of Service.Discover.
func (svc *twinService) discover(q registry.Query) []string {
	matching := svc.where(func(i *twinInstance) bool { return i.hasAll(q.Parameters) })
	if svc.custom || svc.checked {
		up := matching.where(func(i *twinInstance) bool { return i.health == registry.Healthy })
		switch q.Health {
		case "", healthy:
			matching = up
		case unhealthy:
			matching = matching.where(func(i *twinInstance) bool { return i.health == registry.Unhealthy })
		case orElseAll:
			if len(up) > 0 {
				matching = up
			}
		}
	}
	if preferred := matching.where(func(i *twinInstance) bool { return i.hasAll(q.Optional) }); len(preferred) > 0 {
		matching = preferred
	}
	ids := []string{}
	for id := range matching {
		ids = append(ids, string(id))
	}
	return ids
}

type twinInstances map[registry.InstanceID]*twinInstance

func (svc *twinService) where(keep func(*twinInstance) bool) twinInstances {
	return twinInstances(svc.instances).where(keep)
}

func (m twinInstances) where(keep func(*twinInstance) bool) twinInstances {
	kept := twinInstances{}
	for id, inst := range m {
		if keep(inst) {
			kept[id] = inst
		}
	}
	return kept
}

func (i *twinInstance) hasAll(pairs attrs) bool {
	for k, v := range pairs {
		if got, ok := i.attrs[k]; !ok || got != v {
			return false
		}
	}
	return true
}
