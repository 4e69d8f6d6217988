package prober

import (
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

// maxEvents is how many changes of health are remembered of an instance.
const maxEvents = 20

// history holds the changes of health of instances, the newest last. It is in
// memory only: the registry stores the present health and when it changed last.
// Instances whose health never changed are not in it.
type history map[registry.ServiceID]map[registry.InstanceID][]health.Event

// record records a change of health between two versions of an instance.
func (l *loop) record(svc *registry.Service, old, inst *registry.Instance) {
	if inst == nil {
		delete(l.history[svc.ID], old.ID())
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
	l.logChange(svc, inst, e)
	of := l.history[svc.ID]
	if of == nil {
		of = map[registry.InstanceID][]health.Event{}
		l.history[svc.ID] = of
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
	case g == nil || inst.Health == registry.Unknown:
		return health.Begun
	case g.checks[inst.ID()] == nil && l.share.self != "":
		return health.Elsewhere
	case g.checks[inst.ID()] == nil:
		return health.Begun
	case l.voting():
		return health.Voted
	case g.checks[inst.ID()].decided.Counts():
		return health.Probed
	case l.guard.suspended:
		return health.Doubted
	}
	return health.Begun
}

// Changes of health are logged at most at this rate, after a burst: an outage of
// 10,000 instances must not fill the log.
const (
	logRate  = 10 // a second
	logBurst = 200
)

// logChange writes one line. The next line after some were left out says how many.
func (l *loop) logChange(svc *registry.Service, inst *registry.Instance, e health.Event) {
	if !l.logLimit.AllowN(time.UnixMilli(e.At), 1) {
		l.notLogged++
		return
	}
	attrs := []any{"account", svc.Account, "service", svc.ID, "name", svc.Name, "instance", inst.ID(), "from", e.From.String(), "to", e.To.String(), "reason", e.String()}
	if l.notLogged > 0 {
		attrs = append(attrs, "not_logged_before", l.notLogged)
		l.notLogged = 0
	}
	l.p.cfg.Logger.Info("health changed", attrs...)
}
