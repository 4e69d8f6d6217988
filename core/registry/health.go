package registry

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/member"
)

// Health is the health status of an instance. The zero value is Unknown.
type Health uint8

// The statuses of the API.
const (
	Unknown Health = iota
	Healthy
	Unhealthy
)

func (h Health) String() string {
	switch h {
	case Healthy:
		return "HEALTHY"
	case Unhealthy:
		return "UNHEALTHY"
	}
	return "UNKNOWN"
}

// Health returns the status of an instance of the service: Unknown if the
// service has no health check, unless the instance's lease has run out.
func (svc *Service) Health(inst *Instance) Health { return inst.HealthIn(svc.HasHealth()) }

// HealthIn returns the status of the instance in a service with or without a
// health check.
func (i *Instance) HealthIn(checked bool) Health {
	switch {
	case i.Expired:
		return Unhealthy
	case checked:
		return i.Health
	}
	return Unknown
}

// SetCustomHealth implements UpdateInstanceCustomHealthStatus.
type SetCustomHealth struct {
	ServiceRef string // id or ARN
	ID         InstanceID
	Health     Health // Healthy or Unhealthy
}

func (c *SetCustomHealth) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	svc, err := s.FindService(r, m.Account, c.ServiceRef)
	if err != nil {
		return command.Decision{}, err
	}
	if !svc.CustomHealth {
		return command.Decision{}, &CustomHealthNotFound{Service: svc.ID}
	}
	inst, ok := svc.Instance(c.ID)
	if !ok {
		return command.Decision{}, &InstanceNotFound{Service: svc.ID, ID: c.ID}
	}
	if err := r.mayChangeInstance(m, svc, inst); err != nil {
		return command.Decision{}, err
	}
	next := inst.withHealth(c.Health, m.Now)
	if r.Strict {
		next = inst.schedule(c.Health, m.Now+customHealthDelay)
	}
	changes := s.renewal(svc, c.ID, m.Now)
	next = next.withExpired(false, m.Now)
	reply := command.Reply{Unchanged: *next == *inst}
	if !reply.Unchanged {
		changes = append(changes, putInstance{svc.location(), next})
	}
	if len(changes) == 0 {
		return command.Decision{Reply: reply}, nil
	}
	return command.Decision{
		Reply:   reply,
		Changes: changes,
		Reads:   []command.Read{svc.read(), {Key: instanceKey(svc, inst.ID()), Exists: true}},
	}, nil
}

// schedule delays a health change, as AWS does (strict mode). The same change
// again keeps the earlier time; the opposite change cancels the pending one.
func (i *Instance) schedule(h Health, due int64) *Instance {
	next := *i
	switch {
	case h == i.Health:
		next.pending, next.due = Unknown, 0
	case i.due == 0:
		next.pending, next.due = h, due
	}
	return &next
}

// SettleHealth applies the custom health changes that are due. Reply.Count is their
// number.
type SettleHealth struct {
	Max int // how many at most
}

func (c *SettleHealth) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	var d command.Decision
	for _, ref := range s.pending.All() {
		svc, ok := s.Service(ref.account, ref.service)
		if !ok {
			continue
		}
		inst, ok := svc.Instance(ref.instance)
		if !ok {
			continue
		}
		if inst.due > m.Now || d.Reply.Count == c.Max {
			break
		}
		d.Changes = append(d.Changes, putInstance{svc.location(), inst.withHealth(inst.pending, m.Now)})
		d.Reads = append(d.Reads, command.Read{Key: instanceKey(svc, inst.ID()), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

// NextHealthDue returns the time of the next pending custom health change in
// milliseconds since 1970, or false if there is none.
func (s *State) NextHealthDue() (int64, bool) {
	for _, ref := range s.pending.All() {
		if svc, ok := s.Service(ref.account, ref.service); ok {
			if inst, ok := svc.Instance(ref.instance); ok {
				return inst.due, true
			}
		}
	}
	return 0, false
}

// pendingKey orders pending changes by time.
func pendingKey(due int64, svc ServiceID, inst InstanceID) string {
	return fmt.Sprintf("%016x/%s/%s", due, svc, inst)
}

// SetVerdicts stores verdicts of probers, those of many instances in one command. A
// verdict is skipped if its instance was registered again or its check was changed
// since the probe. Reply.Count is the number of verdicts that were stored.
//
// With By, verdicts of instances that this node does not check are skipped, so that
// what a node found before it was cut off changes nothing afterwards.
type SetVerdicts struct {
	Verdicts []Verdict
	// By is the name of the node that probed. Empty: the store is of one node.
	By string
}

// Verdict is a change of an instance's health, and the versions it depends on.
type Verdict struct {
	Account  command.AccountID
	Service  ServiceID
	Instance InstanceID
	// Registered is Instance.Registered of the instance that was probed.
	Registered int64
	// Check is Check.Stamp of the check that probed it.
	Check uint64
	// From is the health before, To the one after.
	From, To Health
}

func (c *SetVerdicts) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	var d command.Decision
	var last *Service
	var ring *member.Ring
	if c.By != "" {
		ring = member.StateOf(v).Ring()
		d.Reads = append(d.Reads, member.Live(c.By))
	}
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		svc, inst := s.current(v)
		if inst == nil || c.By != "" && ring.Owner(CheckKey(v.Service, v.Instance)) != c.By {
			continue
		}
		if svc != last {
			last = svc
			d.Reads = append(d.Reads, svc.read())
		}
		d.Changes = append(d.Changes, putInstance{svc.location(), inst.withHealth(v.To, m.Now)})
		d.Reads = append(d.Reads, command.Read{Key: instanceKey(svc, inst.ID()), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

// CheckKey returns the key by which the health check of an instance is given to a node.
func CheckKey(service ServiceID, instance InstanceID) string {
	return string(service) + "/" + string(instance)
}

// current returns the service and the instance of a verdict, or nil if one of them
// has changed since the probe.
func (s *State) current(v *Verdict) (*Service, *Instance) {
	svc, ok := s.Service(v.Account, v.Service)
	if !ok || svc.check == nil || svc.check.Stamp != v.Check {
		return nil, nil
	}
	inst, ok := svc.Instance(v.Instance)
	if !ok || inst.Registered != v.Registered || inst.Health != v.From {
		return nil, nil
	}
	return svc, inst
}
