package registry

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
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
	case i.Lapsed:
		return Unhealthy
	case checked:
		return i.Health
	}
	return Unknown
}

// SetCustomHealth is UpdateInstanceCustomHealthStatus.
type SetCustomHealth struct {
	ServiceRef string // id or ARN
	ID         InstanceID
	Health     Health // Healthy or Unhealthy
}

func (c *SetCustomHealth) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
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
		next = inst.delayed(c.Health, m.Now+customHealthDelay)
	}
	changes := s.renewal(svc, c.ID, m.Now)
	if next = next.lapsed(false, m.Now); *next != *inst {
		changes = append(changes, putInstance{svc.place(), next})
	}
	if len(changes) == 0 {
		return command.Decision{}, nil
	}
	return command.Decision{
		Changes: changes,
		Reads:   []command.Read{svc.read(), {Key: instanceKey(svc, inst.ID()), Exists: true}},
	}, nil
}

// delayed is strict mode: a change waits, the same change again does not speed
// it up, and the opposite one before it is due cancels it.
func (i *Instance) delayed(h Health, due int64) *Instance {
	next := *i
	switch {
	case h == i.Health:
		next.pending, next.due = Unknown, 0
	case i.due == 0:
		next.pending, next.due = h, due
	}
	return &next
}

// SettleHealth makes the custom health changes visible that are due.
type SettleHealth struct {
	Max int // how many at the most
}

func (c *SettleHealth) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := of(v)
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
		d.Changes = append(d.Changes, putInstance{svc.place(), inst.withHealth(inst.pending, m.Now)})
		d.Reads = append(d.Reads, command.Read{Key: instanceKey(svc, inst.ID()), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

// NextHealthDue returns when the next custom health change falls due, in
// milliseconds since 1970, or false if none waits.
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

// pendingKey orders waiting changes by the time they fall due.
func pendingKey(due int64, svc ServiceID, inst InstanceID) string {
	return fmt.Sprintf("%016x/%s/%s", due, svc, inst)
}
