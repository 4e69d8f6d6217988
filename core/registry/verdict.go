package registry

import "github.com/cairn-discovery/cairn/core/command"

// SetVerdicts stores what probers have found out: one command for as many
// instances as have changed at a time. What has been overtaken is left out: a
// verdict on an instance that was registered again meanwhile, or under a check
// that was changed meanwhile, says nothing any more. Reply.Count is the number of
// verdicts that were stored.
type SetVerdicts struct{ Verdicts []Verdict }

// Verdict is a change of an instance's health, and what it rests on.
type Verdict struct {
	Account  command.AccountID
	Service  ServiceID
	Instance InstanceID
	// Registered is that of the Instance that was probed.
	Registered int64
	// Check is the Stamp of the Check by which it was probed.
	Check uint64
	// From is the health before, To the one after.
	From, To Health
}

func (c *SetVerdicts) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := of(v)
	var d command.Decision
	var last *Service
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		svc, inst := s.current(v)
		if inst == nil {
			continue
		}
		if svc != last {
			last = svc
			d.Reads = append(d.Reads, svc.read())
		}
		d.Changes = append(d.Changes, putInstance{svc.place(), inst.withHealth(v.To, m.Now)})
		d.Reads = append(d.Reads, command.Read{Key: instanceKey(svc, inst.ID()), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

// current returns what a verdict is about, or nil if it has been overtaken.
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
