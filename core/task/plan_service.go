package task

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// steadyEvery is the time between two events that say that a service is steady, in
// milliseconds.
const steadyEvery = 6 * 3600_000

// blockedEvery is the time between two events that say why tasks cannot be placed, in
// milliseconds.
const blockedEvery = 900_000

// maxStarts limits the tasks that one action starts.
const maxStarts = 50

// planServices brings services closer to their targets.
func (p *plan) planServices() {
	for _, svc := range p.state.services.All() {
		if svc.Status == Inactive {
			for x := range p.state.TasksOfService(svc.Account, svc.Cluster, svc.Name) {
				p.consider(x)
			}
			if p.at(svc.Deleted + p.rules.StoppedRetention) {
				p.act(svc.Account, &stepService{svc.Account, svc.Cluster, svc.Name})
			}
			continue
		}
		for _, id := range svc.CloudMapServices {
			p.cloudService(&Registration{Service: id, Owner: svc.Account})
		}
		if s := p.planService(svc); !s.empty() {
			p.act(svc.Account, &stepService{svc.Account, svc.Cluster, svc.Name})
		}
	}
}

// condition is how the scheduler sees a task that is to run.
type condition int

const (
	starting  condition = iota // does not run yet
	settling                   // runs; not long enough, or not healthy in Cloud Map yet
	unhealthy                  // has failed its health checks
	healthy
)

// member is a task of a service that is to run.
type member struct {
	*Task
	condition condition
	// moves means that it has to be replaced: it belongs to an old deployment, or its
	// instance is draining.
	moves bool
	// failed means that a health check of Cloud Map has failed.
	failed bool
}

// serviceStep is what a service needs next.
type serviceStep struct {
	stops    []member // with the reason of stopReason
	starts   int
	targets  []*ContainerInstance // DAEMON: where to start
	desired  int
	drop     bool // old deployments without tasks
	complete bool
	fail     bool // the circuit breaker ends the deployment
	ran      bool // the first task was healthy, or failures are forgotten
	steady   bool // say that the service is steady
	blocked  bool // the configuration allows neither to stop nor to start
	inactive bool // a deleted service has no tasks any more
	members  []member
	draining int // tasks that are stopping
	deleted  bool
}

func (s *serviceStep) empty() bool {
	return len(s.stops) == 0 && s.starts == 0 && !s.drop && !s.complete && !s.fail && !s.ran && !s.steady && !s.blocked && !s.inactive
}

// planService returns what a service needs next.
func (p *plan) planService(svc *Service) *serviceStep {
	s := &serviceStep{desired: svc.DesiredCount, members: p.members[:0]}
	p.readMembers(svc, s)
	p.members = s.members
	if svc.Status == Draining {
		s.desired, s.deleted = 0, true
		s.inactive = len(s.members) == 0 && s.draining == 0
	}
	if svc.SchedulingStrategy == Daemon {
		p.planDaemon(svc, s)
	} else {
		p.planReplica(svc, s)
	}
	p.planRollout(svc, s)
	return s
}

func (p *plan) readMembers(svc *Service, s *serviceStep) {
	for x := range p.state.TasksOfService(svc.Account, svc.Cluster, svc.Name) {
		p.consider(x)
		switch {
		case x.stopped():
		case x.stopping():
			s.draining++
		default:
			m := member{Task: x, moves: x.Deployment != svc.Primary().Number || p.instance(x).leaving}
			p.judge(svc, &m)
			s.members = append(s.members, m)
		}
	}
}

// judge finds the condition of a task.
func (p *plan) judge(svc *Service, m *member) {
	d := p.definition(m.Task)
	if m.LastStatus != StatusRunning || d == nil {
		return
	}
	m.condition = healthy
	if d.checks || m.brokenProxy() {
		p.judgeChecks(svc, m, d)
	} else if !p.at(m.Started + p.rules.HealthyAfter) {
		m.condition = settling
	}
	for i := range m.Registrations {
		p.judgeRegistration(m, &m.Registrations[i])
	}
}

func (p *plan) judgeChecks(svc *Service, m *member, d *definitionView) {
	switch checkedHealth(d.Definition, m.Task) {
	case HealthHealthy:
	case HealthUnhealthy:
		m.condition = settling
		if p.at(m.Started + deref(svc.HealthCheckGracePeriodSeconds)*1000) {
			m.condition = unhealthy
		}
	default:
		m.condition = settling
	}
}

// judgeRegistration makes a task count as healthy only if clients find it.
func (p *plan) judgeRegistration(m *member, r *Registration) {
	if r.Held || m.condition != healthy {
		return
	}
	svc := p.cloudService(r)
	if svc.Service == nil {
		return // the registry is gone: that is no reason to replace tasks
	}
	inst := p.instanceOf(m.Task, svc.Service)
	if inst == nil {
		m.condition = settling
		return
	}
	switch h := svc.Health(inst); {
	case h == registry.Unhealthy && svc.HealthCheck != nil:
		m.condition, m.failed = settling, true
	case h == registry.Unhealthy || h == registry.Unknown && svc.HasHealth():
		m.condition = settling
	}
}

// counts are numbers of members.
type counts struct {
	live, good, healthy, serving int
}

// count counts the members. Good are those of the primary deployment that are not to be
// replaced; healthy are the good ones that are healthy; serving are all that answer.
func (s *serviceStep) count() counts {
	var n counts
	for i := range s.members {
		m := &s.members[i]
		n.live++
		if !m.moves && m.condition != unhealthy {
			n.good++
			if m.condition == healthy {
				n.healthy++
			}
		}
		if m.serves() {
			n.serving++
		}
	}
	return n
}

// serves reports whether stopping the task takes capacity away.
func (m *member) serves() bool {
	if m.moves {
		return m.condition == healthy || m.condition == settling
	}
	return m.condition == healthy
}

// limits returns the floor and the ceiling of the running tasks of a service; see
// "minimumHealthyPercent" in the ECS API.
func (svc *Service) limits(desired int) (floor, ceiling int) {
	c := svc.DeploymentConfiguration
	low, high := 100, 200
	if c != nil {
		low, high = int(deref(c.MinimumHealthyPercent)), int(deref(c.MaximumPercent))
	}
	return (desired*low + 99) / 100, desired * high / 100
}

func (p *plan) planReplica(svc *Service, s *serviceStep) {
	n := s.count()
	floor, ceiling := svc.limits(s.desired)
	if n.good > s.desired {
		s.scaleIn(p, n.good-s.desired)
	}
	s.replace(n, floor, ceiling)
	live := n.live - len(s.stops)
	want := min(s.desired-n.good, ceiling-live)
	s.start(p, svc, want, func() bool { return p.hasRoom(svc) })
	stuck := s.desired > n.good && ceiling <= live && len(s.stops) == 0 && s.draining == 0 && n.healthy == n.good && svc.Primary().RolloutState == RolloutInProgress
	s.blocked = stuck && s.mayBlock(p, svc)
}

// mayBlock reports whether the event about a blocked service is due.
func (s *serviceStep) mayBlock(p *plan, svc *Service) bool {
	return svc.BlockedReason != textBlocked || p.at(svc.Blocked+blockedEvery)
}

// start sets how many tasks are started now.
func (s *serviceStep) start(p *plan, svc *Service, want int, room func() bool) {
	d := svc.Primary()
	if want <= 0 || d.RolloutState == RolloutFailed || svc.Status != Active || !p.at(d.NextStart) {
		return
	}
	if svc.Blocked != 0 && svc.BlockedReason != textBlocked && !room() && !p.at(svc.Blocked+blockedEvery) {
		return
	}
	s.starts = min(want, maxStarts)
}

// hasRoom reports whether an instance has room for a task of the primary deployment.
func (p *plan) hasRoom(svc *Service) bool {
	d := svc.Primary()
	x := &Task{Account: svc.Account, Cluster: svc.Cluster, Family: d.Family, Revision: d.Revision}
	definition := p.definition(x)
	if definition == nil {
		return false
	}
	svc.wishes(x, definition.Definition, d)
	return p.canPlace(x, definition.Definition)
}

// wishes sets what decides where a task of a service is placed.
func (svc *Service) wishes(x *Task, d *Definition, deployment *Deployment) {
	x.Service, x.Deployment, x.Group, x.StartedBy = svc.Name, deployment.Number, "service:"+svc.Name, deployment.ID()
	x.Needs, x.NetworkConfiguration = needsOf(d, nil), deployment.NetworkConfiguration
	x.PlacementConstraints, x.PlacementStrategy = svc.PlacementConstraints, svc.PlacementStrategy
}

// replace chooses the members that leave because others take their place.
func (s *serviceStep) replace(n counts, floor, ceiling int) {
	budget := n.healthy + s.servingMoves() - floor
	for i := range s.stops {
		if s.stops[i].condition == healthy {
			budget--
		}
	}
	crowded := n.live-len(s.stops) >= ceiling && n.good < s.desired
	for i := range s.members {
		m := &s.members[i]
		if s.isStopped(m) {
			continue
		}
		switch {
		case m.moves && (m.condition == starting || s.desired == 0):
			s.stops = append(s.stops, *m)
		case m.moves && m.condition == unhealthy && (crowded || n.healthy >= s.desired):
			s.stops = append(s.stops, *m)
		case m.moves && m.condition != unhealthy && budget > 0:
			budget--
			s.stops = append(s.stops, *m)
		case !m.moves && m.condition == unhealthy && (n.healthy >= s.desired || crowded || s.desired == 0):
			s.stops = append(s.stops, *m)
		}
	}
}

func (s *serviceStep) servingMoves() int {
	n := 0
	for i := range s.members {
		if m := &s.members[i]; m.moves && m.serves() {
			n++
		}
	}
	return n
}

func (s *serviceStep) isStopped(m *member) bool {
	return slices.ContainsFunc(s.stops, func(x member) bool { return x.ID == m.ID })
}

// scaleIn chooses n good members to stop: first those that do not run, then those in
// the zone and on the instance with the most tasks, then the newest. Protected tasks
// stay, unless the service is deleted.
func (s *serviceStep) scaleIn(p *plan, n int) {
	zones, hosts := map[string]int{}, map[string]int{}
	var all []*member
	for i := range s.members {
		m := &s.members[i]
		if m.moves || m.condition == unhealthy {
			continue
		}
		zones[m.Zone]++
		hosts[m.Instance]++
		if m.protected(p.now) && !s.deleted {
			p.at(m.ProtectedUntil)
			continue
		}
		all = append(all, m)
	}
	for ; n > 0 && len(all) > 0; n-- {
		best := 0
		for i := range all {
			if leavesBefore(all[i], all[best], zones, hosts) {
				best = i
			}
		}
		m := all[best]
		zones[m.Zone]--
		hosts[m.Instance]--
		s.stops = append(s.stops, *m)
		all = slices.Delete(all, best, best+1)
	}
}

func leavesBefore(a, b *member, zones, hosts map[string]int) bool {
	switch {
	case (a.condition == healthy) != (b.condition == healthy):
		return a.condition != healthy
	case a.condition != b.condition:
		return a.condition < b.condition
	case zones[a.Zone] != zones[b.Zone]:
		return zones[a.Zone] > zones[b.Zone]
	case hosts[a.Instance] != hosts[b.Instance]:
		return hosts[a.Instance] > hosts[b.Instance]
	case a.Created != b.Created:
		return a.Created > b.Created
	}
	return a.ID < b.ID
}

// planDaemon keeps one task on every instance that can have it.
func (p *plan) planDaemon(svc *Service, s *serviceStep) {
	hosts, w := p.daemonHosts(svc)
	if svc.Status != Active {
		hosts = nil
	}
	s.desired = len(hosts)
	taken := map[string]bool{}
	for i := range s.members {
		m := &s.members[i]
		if !slices.ContainsFunc(hosts, func(h *ContainerInstance) bool { return h.ID == m.Instance }) {
			m.moves = true
		}
		if !m.moves && m.condition != unhealthy {
			if taken[m.Instance] {
				s.stops = append(s.stops, *m)
			}
			taken[m.Instance] = true
		}
	}
	n := s.count()
	floor, ceiling := svc.limits(s.desired)
	s.replace(n, floor, ceiling)
	room := min(ceiling-(n.live-len(s.stops)), maxStarts)
	var full []*ContainerInstance
	for _, r := range p.placer(svc.Account, svc.Cluster).rooms {
		if taken[r.instance.ID] || !slices.Contains(hosts, r.instance) {
			continue
		}
		if w.refusal(p.placer(svc.Account, svc.Cluster), r) == "" {
			s.targets = append(s.targets, r.instance)
		} else {
			full = append(full, r.instance)
		}
	}
	fits := len(s.targets) > 0
	if !fits {
		s.targets = full
	}
	s.start(p, svc, min(room, len(s.targets)), func() bool { return fits })
}

// daemonHosts returns the instances on which a DAEMON service runs, and what its tasks
// need.
func (p *plan) daemonHosts(svc *Service) ([]*ContainerInstance, *wish) {
	d := svc.Primary()
	x := &Task{Account: svc.Account, Cluster: svc.Cluster, Family: d.Family, Revision: d.Revision}
	definition := p.definition(x)
	if definition == nil {
		return nil, nil
	}
	svc.wishes(x, definition.Definition, d)
	full := wishOf(x, definition.Definition)
	full.constraints = nil
	w := *full
	w.needs = Needs{}
	var hosts []*ContainerInstance
	placer := p.placer(svc.Account, svc.Cluster)
	for _, r := range placer.rooms {
		if w.refusal(placer, r) == "" {
			hosts = append(hosts, r.instance)
		}
	}
	return hosts, full
}

// planRollout finds what the deployments need.
func (p *plan) planRollout(svc *Service, s *serviceStep) {
	d := svc.Primary()
	n := s.count()
	old := map[string]bool{}
	for i := range s.members {
		old[s.members[i].Deployment] = true
	}
	left := 1
	for i := 1; i < len(svc.Deployments); i++ {
		if old[svc.Deployments[i].Number] {
			left++
		}
	}
	s.drop = left < len(svc.Deployments)
	done := n.healthy == s.desired && n.live == s.desired && left == 1
	s.complete = done && d.RolloutState == RolloutInProgress && svc.Status == Active
	s.fail = d.RolloutState == RolloutInProgress && svc.breaker() && d.FailedTasks+s.failures() >= breakerThreshold(s.desired)
	s.ran = n.healthy > 0 && (!d.Ran || d.FailedTasks > 0 && d.RolloutState != RolloutInProgress)
	if done && d.RolloutState == RolloutCompleted && svc.Status == Active && len(s.stops) == 0 && s.starts == 0 {
		s.steady = svc.Steady == 0 || p.at(svc.Steady+steadyEvery)
	}
}

// failures counts tasks of a deployment in progress that fail a check of Cloud Map now.
func (s *serviceStep) failures() int {
	n := 0
	for i := range s.members {
		if m := &s.members[i]; !m.moves && m.failed {
			n++
		}
	}
	return n
}

// stepService brings one service closer to its target.
type stepService struct {
	account       command.AccountID
	cluster, name string
}

// Decide implements command.Command.
func (c *stepService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	svc, ok := t.state().Service(c.account, c.cluster, c.name)
	if !ok {
		return command.Decision{}, nil
	}
	t.read(services.Read(svc, true))
	p := newPlan(v, m.Now, 0)
	if svc.Status == Inactive {
		if p.at(svc.Deleted + t.rules.StoppedRetention) {
			t.deleteHistory(svc)
			for _, x := range slices.Collect(t.state().TasksOfService(svc.Account, svc.Cluster, svc.Name)) {
				t.add(tasks.Delete(x)) // all have stopped
			}
			t.add(services.Delete(svc))
		}
		return t.reply(nil)
	}
	t.step(svc, p.planService(svc))
	return t.reply(nil)
}
