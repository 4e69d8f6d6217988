package task

import (
	"cmp"
	"hash/fnv"
	"iter"
	"slices"
	"strconv"

	"github.com/cairn-discovery/cairn/core/command"
)

// HostPort is a port of the node that a task uses.
type HostPort struct {
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// Needs are the resources of a task.
type Needs struct {
	// CPU is in CPU units, Memory in MiB.
	CPU    int64      `json:"cpu,omitempty"`
	Memory int64      `json:"memory,omitempty"`
	Ports  []HostPort `json:"ports,omitempty"`
}

// needsOf returns what a task of a definition needs, with the overrides.
func needsOf(d *Definition, o *TaskOverride) Needs {
	var n Needs
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		cpu, memory := deref(c.CPU), deref(c.MemoryReservation)
		if memory == 0 {
			memory = deref(c.Memory)
		}
		if over := o.container(c.Name); over != nil {
			if over.CPU != nil {
				cpu = *over.CPU
			}
			if over.MemoryReservation != nil {
				memory = *over.MemoryReservation
			} else if over.Memory != nil {
				memory = *over.Memory
			}
		}
		n.CPU += cpu
		n.Memory += memory
		n.Ports = append(n.Ports, hostPorts(d, c)...)
	}
	cpu, memory := d.CPU, d.Memory
	if o != nil {
		cpu, memory = or(o.CPU, cpu), or(o.Memory, memory)
	}
	if v, err := strconv.ParseInt(cpu, 10, 64); err == nil {
		n.CPU = v
	}
	if v, err := strconv.ParseInt(memory, 10, 64); err == nil {
		n.Memory = v
	}
	return n
}

// hostPorts returns the fixed ports of the node that a container uses.
func hostPorts(d *Definition, c *ContainerDefinition) []HostPort {
	var ports []HostPort
	for i := range c.PortMappings {
		m := &c.PortMappings[i]
		port := deref(m.HostPort)
		if d.networkMode() == "host" {
			port = deref(m.ContainerPort)
		}
		if port != 0 && !d.awsvpc() {
			ports = append(ports, HostPort{int(port), cmp.Or(m.Protocol, "tcp")})
		}
	}
	return ports
}

// container returns the override of a container, or nil.
func (o *TaskOverride) container(name string) *ContainerOverride {
	if o == nil {
		return nil
	}
	for i := range o.ContainerOverrides {
		if o.ContainerOverrides[i].Name == name {
			return &o.ContainerOverrides[i]
		}
	}
	return nil
}

// room is a container instance with what is left of its resources.
type room struct {
	candidate
	cpu, memory int64
	ports       map[HostPort]bool // in use
	byGroup     map[string]int    // tasks by group
	stay        map[string]int    // tasks that are to run, by spreadKey
}

// placer places tasks of one cluster.
type placer struct {
	state *State
	rooms []*room
}

// newPlacer returns the instances of a cluster on which tasks can be placed.
func newPlacer(s *State, account command.AccountID, cluster string) *placer {
	p := &placer{state: s}
	for i := range s.Instances(account, cluster, "") {
		if i.Status == Active && i.AgentConnected {
			p.rooms = append(p.rooms, newRoom(s, i))
		}
	}
	return p
}

func liveTasks(all iter.Seq[*Task]) []*Task {
	var live []*Task
	for x := range all {
		if !x.stopped() {
			live = append(live, x)
		}
	}
	return live
}

func newRoom(s *State, i *ContainerInstance) *room {
	r := &room{ports: map[HostPort]bool{}, byGroup: map[string]int{}, stay: map[string]int{}}
	r.instance = i
	r.cpu, r.memory = i.resource("CPU"), i.resource("MEMORY")
	for _, protocol := range []string{"tcp", "udp"} {
		for _, text := range i.reservedPorts(protocol) {
			if port, err := strconv.Atoi(text); err == nil {
				r.ports[HostPort{port, protocol}] = true
			}
		}
	}
	all := s.TasksOfNode(i.Node)
	if i.Node == "" {
		all = s.TasksOfInstance(i.Account, i.Cluster, i.ID)
	}
	for _, x := range liveTasks(all) {
		r.use(&x.Needs)
		if x.Instance == i.ID && x.Cluster == i.Cluster && x.Account == i.Account {
			r.tasks = append(r.tasks, x)
			r.count(x)
		}
	}
	return r
}

func (r *room) count(x *Task) {
	r.byGroup[x.Group]++
	if !x.stopping() {
		r.stay[x.spreadKey()]++
	}
}

// spreadKey is equal for tasks that are spread together. Those of an older deployment do
// not count: they leave.
func (x *Task) spreadKey() string { return x.Group + "\x00" + x.Deployment }

func (r *room) use(n *Needs) {
	r.cpu -= n.CPU
	r.memory -= n.Memory
	for _, port := range n.Ports {
		r.ports[port] = true
	}
}

// resource returns a registered resource of an instance.
func (i *ContainerInstance) resource(name string) int64 {
	for _, r := range i.Resources {
		if r.Name == name {
			return deref(r.IntegerValue)
		}
	}
	return 0
}

func (i *ContainerInstance) reservedPorts(protocol string) []string {
	name := "PORTS"
	if protocol == "udp" {
		name = "PORTS_UDP"
	}
	for _, r := range i.Resources {
		if r.Name == name {
			return r.StringSetValue
		}
	}
	return nil
}

// Remaining returns the resources of a container instance that no task uses.
func (s *State) Remaining(i *ContainerInstance) []Resource {
	r := newRoom(s, i)
	all := slices.Clone(i.Resources)
	for n := range all {
		left := int64(0)
		switch all[n].Name {
		case "CPU":
			left = r.cpu
		case "MEMORY":
			left = r.memory
		case "PORTS":
			all[n].StringSetValue = r.usedPorts("tcp")
			continue
		case "PORTS_UDP":
			all[n].StringSetValue = r.usedPorts("udp")
			continue
		default:
			continue
		}
		all[n].IntegerValue = &left
	}
	return all
}

func (r *room) usedPorts(protocol string) []string {
	var ports []int
	for p := range r.ports {
		if p.Protocol == protocol {
			ports = append(ports, p.Port)
		}
	}
	slices.Sort(ports)
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = strconv.Itoa(p)
	}
	return texts
}

// wish is a task that wants a place.
type wish struct {
	needs       Needs
	group       string
	spread      string   // spreadKey
	subnets     []string // awsvpc
	constraints []PlacementConstraint
	memberOf    []*Expression
	strategy    []PlacementStrategy
	seed        string // for the strategy random
}

// wishOf returns what a task wants. Expressions were checked before; one that cannot be
// parsed is ignored.
func wishOf(x *Task, d *Definition) *wish {
	w := &wish{needs: x.Needs, group: x.Group, spread: x.spreadKey(), constraints: x.PlacementConstraints, strategy: x.PlacementStrategy, seed: x.ID}
	if n := x.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		w.subnets = n.AwsvpcConfiguration.Subnets
	}
	add := func(kind, expression string) {
		if e, err := ParseExpression(expression); kind == "memberOf" && err == nil {
			w.memberOf = append(w.memberOf, e)
		}
	}
	for _, c := range x.PlacementConstraints {
		add(c.Type, c.Expression)
	}
	for _, c := range d.PlacementConstraints {
		add(c.Type, c.Expression)
	}
	return w
}

// Failure is why a task cannot be placed on an instance.
type Failure struct {
	// ARN is that of a container instance, or empty.
	ARN    string
	Reason string
	Detail string
}

// refusal returns why a task cannot be placed on an instance, or "".
func (w *wish) refusal(p *placer, r *room) string {
	for _, c := range w.constraints {
		if c.Type == "distinctInstance" && r.byGroup[w.group] > 0 {
			return "DistinctInstance placement constraint unsatisfied."
		}
	}
	for _, e := range w.memberOf {
		if !e.match(&r.candidate) {
			return "MemberOf placement constraint unsatisfied."
		}
	}
	if n, ok := p.state.Node(r.instance.Node); ok && n.Subnets != nil && len(w.subnets) > 0 &&
		!slices.ContainsFunc(w.subnets, func(id string) bool { return slices.Contains(n.Subnets, id) }) {
		return "ATTRIBUTE"
	}
	switch {
	case r.cpu < w.needs.CPU:
		return "RESOURCE:CPU"
	case r.memory < w.needs.Memory:
		return "RESOURCE:MEMORY"
	case slices.ContainsFunc(w.needs.Ports, func(port HostPort) bool { return r.ports[port] }):
		return "RESOURCE:PORTS"
	}
	return ""
}

// place returns the best instance, or the refusals of all.
func (p *placer) place(r *Rules, w *wish) (*room, []Failure) {
	var failures []Failure
	var best *room
	counts := p.spreads(w)
	for _, candidate := range p.rooms {
		if reason := w.refusal(p, candidate); reason != "" {
			i := candidate.instance
			failures = append(failures, Failure{ARN: r.InstanceARN(i.Account, i.Cluster, i.ID), Reason: reason})
			continue
		}
		if best == nil || p.better(w, counts, candidate, best) {
			best = candidate
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, failures
}

// put notes that a task was placed on an instance.
func (r *room) put(x *Task) {
	r.use(&x.Needs)
	r.tasks = append(r.tasks, x)
	r.count(x)
}

// defaultStrategy spreads tasks over zones and then over instances.
var defaultStrategy = []PlacementStrategy{{Type: "spread", Field: "attribute:ecs.availability-zone"}, {Type: "spread", Field: "instanceId"}}

func (w *wish) strategies() []PlacementStrategy {
	if len(w.strategy) == 0 {
		return defaultStrategy
	}
	return w.strategy
}

// spreads returns the number of tasks of the group by value of each spread field.
func (p *placer) spreads(w *wish) []map[string]int {
	all := make([]map[string]int, len(w.strategies()))
	for i, s := range w.strategies() {
		if s.Type != "spread" {
			continue
		}
		all[i] = map[string]int{}
		for _, r := range p.rooms {
			all[i][r.field(s.Field)] += r.stay[w.spread]
		}
	}
	return all
}

// better reports whether a is a better place than b.
func (p *placer) better(w *wish, counts []map[string]int, a, b *room) bool {
	for i, s := range w.strategies() {
		order := 0
		switch {
		case s.Type == "spread":
			order = cmp.Compare(counts[i][a.field(s.Field)], counts[i][b.field(s.Field)])
		case s.Type == "binpack" && s.Field == "memory":
			order = cmp.Compare(a.memory, b.memory)
		case s.Type == "binpack":
			order = cmp.Compare(a.cpu, b.cpu)
		case s.Type == "random":
			order = cmp.Compare(hash(w.seed, a.instance.ID), hash(w.seed, b.instance.ID))
		}
		if order != 0 {
			return order < 0
		}
	}
	return cmp.Or(cmp.Compare(len(a.tasks), len(b.tasks)), cmp.Compare(a.instance.ID, b.instance.ID)) < 0
}

// field returns the value of a field of a placement strategy.
func (r *room) field(name string) string {
	switch name {
	case "instanceId", "host", "":
		return r.instance.ID
	case "attribute:ecs.availability-zone":
		return r.instance.Zone
	}
	values := subjectOf(name)
	if values == nil {
		return ""
	}
	if v := values(&r.candidate); len(v) > 0 {
		return v[0]
	}
	return ""
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
