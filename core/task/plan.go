package task

import (
	"math"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Action is a command that Plan proposes, and the account in whose name.
type Action struct {
	Account command.AccountID
	Command command.Command
}

// Plan returns what has to be done next, in a fixed order. It also returns when it has to
// be called again if nothing changes, in milliseconds since 1970. An action looks at the
// state again when it is decided; if it comes too late, it changes nothing.
//
// No lease of a node ends before hold, in milliseconds since 1970: nodes that could not
// renew theirs, as the store was out of reach, get time to do so. 0: leases end when they
// say.
func Plan(v command.View, now, hold int64) (actions []Action, next int64) {
	p := newPlan(v, now, hold)
	p.collect = true
	p.cloudCache = make(map[cloudKey]*cloudView, p.state.services.Len())
	p.planNodes()
	p.planTasks()
	p.planServices()
	p.planStrays()
	p.planPurge()
	return p.actions, p.next
}

// plan is one run of Plan. It remembers what it has looked up.
type plan struct {
	state     *State
	rules     *Rules
	cloud     *registry.State
	cloudMap  *registry.Rules
	now, next int64
	hold      int64 // see Plan
	actions   []Action

	// collect means that tasks for which something is due become part of an action; step
	// is the one that is not full yet.
	collect bool
	step    *stepTasks

	instances   map[string]*instanceView
	cloudCache  map[cloudKey]*cloudView
	definitions map[definitionKey]*definitionView
	placers     map[clusterRef]*placer
	// The last results: tasks of a service come one after the other.
	lastDefinition definitionKey
	lastView       *definitionView
	lastCloud      cloudKey
	lastCloudView  *cloudView
	lastTask       *Task
	lastService    *registry.Service
	lastInstance   *registry.Instance
	members        []member // memory for planServices
}

type cloudKey struct{ account, service string }

type definitionKey struct {
	account  command.AccountID
	family   string
	revision int
}

// definitionView is what the plan needs of a definition.
type definitionView struct {
	*Definition
	checks bool
}

// instanceView is what the plan needs of a container instance.
type instanceView struct {
	// leaving means that its tasks have to move, lost that they are gone.
	leaving, lost bool
}

func newPlan(v command.View, now, hold int64) *plan {
	s, r := stateOf(v)
	c, rules := v.Slice(registry.Slice{}.Name())
	return &plan{
		state: s, rules: r, cloud: c.(*registry.State), cloudMap: rules.(*registry.Rules), now: now, next: math.MaxInt64, hold: hold,
		instances: map[string]*instanceView{}, cloudCache: map[cloudKey]*cloudView{},
		definitions: map[definitionKey]*definitionView{}, placers: map[clusterRef]*placer{},
	}
}

// at makes Plan be called at a time again, and reports whether that time has come.
func (p *plan) at(due int64) bool {
	if due <= p.now {
		return true
	}
	p.next = min(p.next, due)
	return false
}

func (p *plan) act(account command.AccountID, c command.Command) {
	p.actions = append(p.actions, Action{account, c})
}

func (p *plan) definition(x *Task) *definitionView {
	key := definitionKey{x.Account, x.Family, x.Revision}
	if key == p.lastDefinition {
		return p.lastView
	}
	v, ok := p.definitions[key]
	if !ok {
		if d, found := p.state.Definition(x.Account, x.Family, x.Revision); found {
			v = &definitionView{d, d.hasChecks()}
		}
		p.definitions[key] = v
	}
	p.lastDefinition, p.lastView = key, v
	return v
}

// instance returns what is known of the container instance of a task.
func (p *plan) instance(x *Task) *instanceView {
	if v, ok := p.instances[x.Instance]; ok {
		return v
	}
	v := &instanceView{}
	i, ok := p.state.Instance(x.Account, x.Cluster, x.Instance)
	if !ok {
		v.lost = x.Instance != ""
	} else {
		n, known := p.state.Node(i.Node)
		v.lost = i.Node != "" && (!known || p.expired(n))
		v.leaving = i.Status == Draining
	}
	p.instances[x.Instance] = v
	return v
}

// expired reports whether the lease of a node has ended.
func (p *plan) expired(n *Node) bool { return n.Expires != 0 && max(n.Expires, p.hold) <= p.now }

// cloudView is a Cloud Map service, nil if it is gone, with the number of tasks that are
// registered there.
type cloudView struct {
	*registry.Service
	registered int
}

// cloudService returns the Cloud Map service of a registration.
func (p *plan) cloudService(r *Registration) *cloudView {
	key := cloudKey{string(r.Owner), r.Service}
	if p.lastCloudView != nil && key == p.lastCloud {
		return p.lastCloudView
	}
	v, ok := p.cloudCache[key]
	if !ok {
		svc, _ := p.cloud.Service(r.Owner, registry.ServiceID(r.Service))
		v = &cloudView{Service: svc}
		p.cloudCache[key] = v
	}
	p.lastCloud, p.lastCloudView = key, v
	return v
}

// instanceOf returns the instance of a task in a Cloud Map service, or nil.
func (p *plan) instanceOf(x *Task, svc *registry.Service) *registry.Instance {
	if p.lastTask != x || p.lastService != svc {
		p.lastTask, p.lastService = x, svc
		p.lastInstance, _ = svc.Instance(registry.InstanceID(x.ID))
	}
	return p.lastInstance
}

// placer returns the instances of a cluster. The plan places nothing, so it can be used
// again.
func (p *plan) placer(account command.AccountID, cluster string) *placer {
	key := clusterRef{account, cluster}
	if _, ok := p.placers[key]; !ok {
		p.placers[key] = newPlacer(p.state, account, cluster)
	}
	return p.placers[key]
}

// canPlace reports whether there is an instance for a task.
func (p *plan) canPlace(x *Task, d *Definition) bool {
	place, _ := p.placer(x.Account, x.Cluster).place(p.rules, wishOf(x, d))
	return place != nil
}
