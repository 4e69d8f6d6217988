package registry

import (
	"iter"
	"strconv"

	"github.com/cairn-discovery/cairn/core/command"
)

// AttrTTL is the attribute that gives an instance a lease: its TTL in seconds, 1 to
// 86400. It is our extension and has no meaning in strict mode.
const AttrTTL = "cairn.ttl"

const maxTTL = 86400 // seconds

// Lease is the lease of an instance with a TTL. If it is not renewed for one TTL, the
// instance becomes UNHEALTHY; after a second TTL it is deregistered.
//
// A renewal is stored only if at least TTL/16 has passed since the last stored one.
// Every deadline is extended by TTL/16 to compensate.
type Lease struct {
	Account   command.AccountID
	Namespace NamespaceID
	Service   ServiceID
	Instance  InstanceID
	// Renewed is the time of the last stored renewal in milliseconds since 1970.
	Renewed int64
	// TTL is in seconds.
	TTL int64
	// Expired means that one TTL has passed without a renewal.
	Expired bool
}

func (l *Lease) grain() int64 { return l.TTL * 1000 / 16 }

// Due returns when the lease lapses, or the instance is deregistered if it has.
func (l *Lease) Due() int64 {
	if l.Expired {
		return l.Renewed + 2*l.TTL*1000 + l.grain()
	}
	return l.Renewed + l.TTL*1000 + l.grain()
}

func (l *Lease) location() location { return location{l.Account, l.Namespace, l.Service} }

func (l *Lease) key() string { return leaseKey(l.Service, l.Instance) }

func leaseKey(svc ServiceID, inst InstanceID) string { return string(svc) + "/" + string(inst) }

// Leases yields all leases in the order of Due.
func (s *State) Leases() iter.Seq[Lease] {
	return func(yield func(Lease) bool) {
		for _, key := range s.leasesByDue.All() {
			if l, ok := s.leases.Get(key); ok && !yield(*l) {
				return
			}
		}
	}
}

// Lease returns the lease of an instance.
func (s *State) Lease(svc ServiceID, inst InstanceID) (Lease, bool) {
	if l, ok := s.leases.Get(leaseKey(svc, inst)); ok {
		return *l, true
	}
	return Lease{}, false
}

// leaseTTL returns the TTL of checked attributes, or 0.
func leaseTTL(r *Rules, attrs map[string]string) int64 {
	v, ok := attrs[AttrTTL]
	if !ok || r.Strict {
		return 0
	}
	n, _ := strconv.ParseInt(v, 10, 64)
	return n
}

func checkTTL(v string) error {
	if n, err := strconv.ParseUint(v, 10, 32); err != nil || n < 1 || n > maxTTL {
		return command.Invalid("%s %q is not allowed: it must be a whole number of seconds from 1 to %d", AttrTTL, truncate(v), maxTTL)
	}
	return nil
}

// leaseAtRegistration returns the change that stores a new lease, or deletes the
// lease of the replaced instance.
func (s *State) leaseAtRegistration(svc *Service, id InstanceID, ttl, now int64) []command.Change {
	if ttl > 0 {
		return []command.Change{putLease{Lease{svc.Account, svc.Namespace, svc.ID, id, now, ttl, false}}}
	}
	return s.leaseDeletion(svc, id)
}

// leaseDeletion returns the change that deletes the lease of an instance, if any.
func (s *State) leaseDeletion(svc *Service, id InstanceID) []command.Change {
	if s.leases.Has(leaseKey(svc.ID, id)) {
		return []command.Change{deleteLease{svc.location(), id}}
	}
	return nil
}

// renewal returns the change that stores a renewal, or none if the last stored
// renewal is recent.
func (s *State) renewal(svc *Service, id InstanceID, now int64) []command.Change {
	l, ok := s.Lease(svc.ID, id)
	if !ok || !l.Expired && now-l.Renewed < l.grain() {
		return nil
	}
	l.Renewed, l.Expired = now, false
	return []command.Change{putLease{l}}
}

// EndLeases expires leases and deregisters instances whose lease has expired before.
// A lease that differs from the given one was renewed or deleted, and is skipped.
// Reply.Count is the number of leases that were changed.
//
// The proposer decides when a lease is due, because only it knows for how long the
// node could not receive renewals (a restart); see worker/janitor.
type EndLeases struct{ Leases []Lease }

func (c *EndLeases) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	var d command.Decision
	ended := map[ServiceID]uint64{} // instances that are deregistered
	for i := range c.Leases {
		given := &c.Leases[i]
		svc, ok := s.Service(given.Account, given.Service)
		current, leased := s.Lease(given.Service, given.Instance)
		if !ok || !leased || current != *given {
			continue
		}
		inst, ok := svc.Instance(given.Instance)
		if !ok {
			continue
		}
		next := svc.nextRevision(m)
		if current.Expired {
			next.changes += ended[svc.ID]
			ended[svc.ID]++
			d.Reads = append(d.Reads, svc.readCounter(m.Writer))
		}
		d.Changes = append(d.Changes, s.endLease(svc, inst, current, svc.putCounter(next), m)...)
		d.Reads = append(d.Reads, command.Read{Key: instanceKey(svc, inst.ID()), Exists: true},
			command.Read{Key: current.location().leaseKey(inst.ID()), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

func (s *State) endLease(svc *Service, inst *Instance, l Lease, next bumpRevision, m *command.Meta) []command.Change {
	if !l.Expired {
		l.Expired = true
		return []command.Change{putLease{l}, putInstance{svc.location(), inst.withExpired(true, m.Now)}}
	}
	owner := *m
	owner.Account = svc.Account
	op := newDeregistration(&owner, s, svc, inst)
	return append(svc.deregister(inst, op, next), deleteLease{svc.location(), inst.ID()})
}
