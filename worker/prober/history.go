package prober

import (
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

// maxEvents is how many changes of health are remembered of an instance.
const maxEvents = 20

// journal holds what changed the health of instances, the newest last. It is
// kept in memory only: the registry itself remembers the present health and when
// it changed last. Instances whose health never changed are not in it.
type journal map[registry.ServiceID]map[registry.InstanceID][]health.Event

// record takes down a change of health between two versions of an instance.
func (l *loop) record(svc *registry.Service, old, inst *registry.Instance) {
	if inst == nil {
		delete(l.journal[svc.ID], old.ID())
		return
	}
	if old == nil || old.Health == inst.Health && old.Expired == inst.Expired {
		return
	}
	checked := svc.HasHealth()
	e := health.Event{
		At: time.Now().UnixMilli(), From: health.Verdict(old.HealthIn(checked)), To: health.Verdict(inst.HealthIn(checked)),
		Cause: l.cause(svc, old, inst),
	}
	if e.Cause == health.Probed {
		c := l.groups[svc.ID].checks[inst.ID()]
		e.Reason, e.Streak = c.decided, c.streak
	}
	of := l.journal[svc.ID]
	if of == nil {
		of = map[registry.InstanceID][]health.Event{}
		l.journal[svc.ID] = of
	}
	events := of[inst.ID()]
	if len(events) == maxEvents {
		events = append(events[:0], events[1:]...)
	}
	of[inst.ID()] = append(events, e)
}

func (l *loop) cause(svc *registry.Service, old, inst *registry.Instance) health.Cause {
	switch {
	case inst.Expired && !old.Expired:
		return health.Expired
	case old.Expired && !inst.Expired && old.Health == inst.Health:
		return health.Renewed
	case old.Registered != inst.Registered:
		return health.Begun
	case svc.CustomHealth:
		return health.Told
	}
	g := l.groups[svc.ID]
	switch {
	case g == nil || g.checks[inst.ID()] == nil || inst.Health == registry.Unknown:
		return health.Begun
	case g.checks[inst.ID()].decided.Counts():
		return health.Probed
	case l.guard.distrust:
		return health.Doubted
	}
	return health.Begun
}
