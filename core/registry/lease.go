package registry

import (
	"iter"
	"strconv"

	"github.com/cairn-discovery/cairn/core/command"
)

// AttrTTL is the attribute by which an instance asks to be forgotten unless it
// is heard of: seconds, 1 to 86400. Ours; in strict mode an attribute like any
// other.
const AttrTTL = "cairn.ttl"

const maxTTL = 86400 // seconds

// Lease is what an instance with a TTL lives by. Unless it is renewed, the
// instance becomes UNHEALTHY when the TTL is over, and is deregistered when it
// has passed once more.
//
// Renewals are kept coarsely: one that comes less than a sixteenth of the TTL
// after the last that was stored is not stored, and so that none is lost by
// that, everything falls due a sixteenth later.
type Lease struct {
	Account   command.AccountID
	Namespace NamespaceID
	Service   ServiceID
	Instance  InstanceID
	// Renewed is when the instance was heard of, in milliseconds since 1970.
	Renewed int64
	// TTL is in seconds.
	TTL int64
	// Lapsed: the TTL has passed once already.
	Lapsed bool
}

func (l *Lease) grain() int64 { return l.TTL * 1000 / 16 }

// Due is when the lease lapses, or the instance is deregistered if it has.
func (l *Lease) Due() int64 {
	if l.Lapsed {
		return l.Renewed + 2*l.TTL*1000 + l.grain()
	}
	return l.Renewed + l.TTL*1000 + l.grain()
}

func (l *Lease) place() place { return place{l.Account, l.Namespace, l.Service} }

func (l *Lease) key() string { return leaseKey(l.Service, l.Instance) }

func leaseKey(svc ServiceID, inst InstanceID) string { return string(svc) + "/" + string(inst) }

// Leases yields all leases in the order in which they fall due.
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

// leaseTTL returns the TTL among attributes that were checked, 0 for none.
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
		return command.Invalid("%s %q is not allowed: it must be a whole number of seconds from 1 to %d", AttrTTL, shortened(v), maxTTL)
	}
	return nil
}

// leaseAtRegistration begins a lease, or ends that of the instance that is
// replaced.
func (s *State) leaseAtRegistration(svc *Service, id InstanceID, ttl, now int64) []command.Change {
	if ttl > 0 {
		return []command.Change{putLease{Lease{svc.Account, svc.Namespace, svc.ID, id, now, ttl, false}}}
	}
	return s.withoutLease(svc, id)
}

// withoutLease ends the lease that an instance may have.
func (s *State) withoutLease(svc *Service, id InstanceID) []command.Change {
	if s.leases.Has(leaseKey(svc.ID, id)) {
		return []command.Change{deleteLease{svc.place(), id}}
	}
	return nil
}

// renewal is what is to be stored because an instance was heard of; often that
// is nothing.
func (s *State) renewal(svc *Service, id InstanceID, now int64) []command.Change {
	l, ok := s.Lease(svc.ID, id)
	if !ok || !l.Lapsed && now-l.Renewed < l.grain() {
		return nil
	}
	l.Renewed, l.Lapsed = now, false
	return []command.Change{putLease{l}}
}

// EndLeases does what has fallen due. A lease that is not as given any more was
// renewed or is gone, and is left alone. Reply.Count is the number of leases
// that were dealt with.
//
// Who proposes it decides when a lease is due, because only that side knows for
// how long nobody could be heard (a restart); see worker/janitor.
type EndLeases struct{ Leases []Lease }

func (c *EndLeases) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := of(v)
	var d command.Decision
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
		d.Changes = append(d.Changes, s.endLease(svc, inst, current, m)...)
		d.Reads = append(d.Reads, command.Read{Key: instanceKey(svc, inst.ID()), Exists: true},
			command.Read{Key: current.place().leaseKey(inst.ID()), Exists: true})
		d.Reply.Count++
	}
	return d, nil
}

func (s *State) endLease(svc *Service, inst *Instance, l Lease, m *command.Meta) []command.Change {
	if !l.Lapsed {
		l.Lapsed = true
		return []command.Change{putLease{l}, putInstance{svc.place(), inst.lapsed(true, m.Now)}}
	}
	owner := *m
	owner.Account = svc.Account
	op := newDeregistration(&owner, s, svc, inst)
	return append(svc.deregister(inst, op), deleteLease{svc.place(), inst.ID()})
}
