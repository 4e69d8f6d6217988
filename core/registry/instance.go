package registry

import (
	"strconv"
	"unique"

	"github.com/cairn-discovery/cairn/core/command"
)

// Instance is immutable; a change makes a new one. The rest of what is known
// about it, its service and namespace, is where it was found.
type Instance struct {
	text       string // see newInstance
	sizes      uint32 // where the sizes begin in it
	idLen      uint16
	requestLen uint16
	escaped    bool // the answer has escapes

	// Lapsed: the instance has not been heard of for longer than its TTL. It is
	// unhealthy then, whatever Health says.
	Lapsed bool
	// Health is what was told or found last. It means something only while the
	// service has a health check: see Service.Health.
	Health Health
	// pending is a custom health change that is to come at due (strict mode).
	pending Health
	// Changed is when the health last changed, in seconds since 1970.
	Changed uint32
	// Registered is when the instance was registered, in milliseconds since
	// 1970. No two registrations of one instance have the same.
	Registered int64
	due        int64 // of pending, milliseconds since 1970; 0: none
	// createdBy is the account that registered the instance; zero where that is
	// the one that created the service.
	createdBy unique.Handle[command.AccountID]
}

// lastOperation is the date of the registration, 0 of no instance.
func (i *Instance) lastOperation() int64 {
	if i == nil {
		return 0
	}
	return i.Registered
}

func (i *Instance) withHealth(h Health, now int64) *Instance {
	next := *i
	if h != i.Health {
		next.Changed = seconds(now)
	}
	next.Health, next.pending, next.due = h, Unknown, 0
	return &next
}

func (i *Instance) lapsed(lapsed bool, now int64) *Instance {
	next := *i
	if lapsed != i.Lapsed {
		next.Lapsed, next.Changed = lapsed, seconds(now)
	}
	return &next
}

// seconds rounds milliseconds down; it lasts until 2106.
func seconds(ms int64) uint32 { return uint32(ms / 1000) }

// RegisterInstance adds an instance to a service or replaces it.
type RegisterInstance struct {
	ServiceRef       string // id or ARN
	ID               InstanceID
	Attributes       map[string]string
	CreatorRequestID string
}

func (c *RegisterInstance) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	svc, err := s.FindService(r, m.Account, c.ServiceRef)
	if err != nil {
		return command.Decision{}, err
	}
	old, exists := svc.instances.Get(c.ID)
	if exists && svc.Registrar(old) != m.Account {
		return command.Decision{}, r.notRegistrar(m, svc)
	}
	ns, _ := s.Namespace(svc.Account, svc.Namespace)
	given, err := checkAttributes(r, ns, svc, c.Attributes)
	if err != nil {
		return command.Decision{}, err
	}
	a := s.account(m.Account)
	attrs := NewAttributes(given)
	op := newOperationAfter(m, old.lastOperation(), a, RegisterInstanceOperation, string(svc.ID), string(c.ID))
	op.Namespace, op.Service, op.Instance = ns.ID, svc.ID, c.ID
	op.own(ns.Account)
	op.CreatorRequestID, op.fingerprint = c.CreatorRequestID, fingerprint(string(attrs))
	ttl := leaseTTL(r, given)
	if exists && ttl > 0 && old.Attributes().equal(attrs) {
		return c.renew(s, m, svc, old, op)
	}
	if earlier, ok := a.repeated(op); ok && exists && earlier.fingerprint == op.fingerprint {
		return command.Decision{Reply: command.Reply{ID: string(earlier.ID)}}, nil
	}
	if !exists {
		if err := checkInstanceQuota(v, ns, svc); err != nil {
			return command.Decision{}, err
		}
	}
	if problem := hostNameProblem(ns, svc, c.ID); problem != "" {
		return c.refuse(r, a, op, problem)
	}
	inst := newInstance(c.ID, attrs, c.CreatorRequestID)
	inst.Health, inst.Registered, inst.Changed = svc.initialHealth(r, inst.Attributes()), op.Date, seconds(m.Now)
	if m.Account != svc.creator() {
		inst.createdBy = unique.Make(m.Account)
	}
	changes := []command.Change{putInstance{svc.place(), &inst}, touch{svc.Account, svc.Namespace, svc.ID}, putOperation{op}}
	return command.Decision{
		Changes: append(changes, s.leaseAtRegistration(svc, c.ID, ttl, m.Now)...),
		Reads:   []command.Read{ns.read(), svc.read(), {Key: instanceKey(svc, c.ID), Exists: old != nil}},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

// renew is a registration that says once more what is known, by which an
// instance with a TTL shows that it is alive. The answer is the operation of the
// registration itself, so that renewals leave no trail. Its health stays, and so
// does the service's InstancesRevision.
func (c *RegisterInstance) renew(s *State, m *command.Meta, svc *Service, inst *Instance, op *Operation) (command.Decision, error) {
	d := command.Decision{
		Changes: s.renewal(svc, c.ID, m.Now),
		Reads:   []command.Read{{Key: instanceKey(svc, c.ID), Exists: true}},
	}
	next := inst.lapsed(false, m.Now)
	first := operationTime(inst.Registered) + string(op.ID[:operationTargetLen])
	if s.account(m.Account).operations.Has(first) {
		d.Reply.ID = string(operationIDOf(first))
	} else { // forgotten after a day; clients may ask for what they are given
		d.Reply.ID, next.Registered = string(op.ID), op.Date
		d.Changes = append(d.Changes, putOperation{op})
	}
	if *next != *inst {
		d.Changes = append(d.Changes, putInstance{svc.place(), next})
	}
	return d, nil
}

// refuse deals with an instance that has no place in the DNS: AWS finds out
// only when it changes the hosted zone.
func (c *RegisterInstance) refuse(r *Rules, a *Account, op *Operation, problem string) (command.Decision, error) {
	if !r.Strict {
		return command.Decision{}, command.Invalid("InstanceId %q is not allowed: %s", c.ID, problem)
	}
	op.fail("INVALID_CHANGE_BATCH", "InstanceId "+strconv.Quote(string(c.ID))+": "+problem)
	return a.refusal(op), nil
}

// hostNameProblem says why an SRV record cannot point to the instance's own
// name (RFC 1035 section 2.3.4). Escaping costs nothing on the wire, so octets
// are what counts.
func hostNameProblem(ns *Namespace, svc *Service, id InstanceID) string {
	if !svc.DNS.Has(RecordSRV) {
		return ""
	}
	if len(id) > 63 {
		return "with SRV records it is a label of a host name, which has at most 63 octets"
	}
	if len(id)+1+len(svc.Name)+1+len(ns.Name) > 253 {
		return "with SRV records it is part of a host name, which has at most 253 octets"
	}
	return ""
}

func checkInstanceQuota(v command.View, ns *Namespace, svc *Service) error {
	if limit := v.Quota(svc.creator(), &quotaInstances); limit > 0 && svc.instances.Len() >= limit {
		return &command.LimitExceeded{What: quotaInstances.What, Limit: limit}
	}
	if limit := v.Quota(ns.Account, &quotaNamespaceInstances); limit > 0 && ns.instanceCount() >= limit {
		return &command.LimitExceeded{What: quotaNamespaceInstances.What, Limit: limit}
	}
	return nil
}

// DeregisterInstance removes an instance.
type DeregisterInstance struct {
	ServiceRef string // id or ARN
	ID         InstanceID
}

func (c *DeregisterInstance) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	svc, inst, err := s.FindInstance(r, m.Account, c.ServiceRef, c.ID)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.mayChangeInstance(m, svc, inst); err != nil {
		return command.Decision{}, err
	}
	op := newDeregistration(m, s, svc, inst)
	return command.Decision{
		Changes: append(svc.deregister(inst, op), s.withoutLease(svc, c.ID)...),
		Reads:   []command.Read{{Key: instanceKey(svc, inst.ID()), Exists: true}},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

func newDeregistration(m *command.Meta, s *State, svc *Service, inst *Instance) *Operation {
	op := newOperationAfter(m, inst.Registered, s.account(m.Account), DeregisterInstanceOperation, string(svc.ID), string(inst.ID()))
	op.Namespace, op.Service, op.Instance = svc.Namespace, svc.ID, inst.ID()
	op.own(svc.Account)
	return op
}

func (svc *Service) deregister(inst *Instance, op *Operation) []command.Change {
	return []command.Change{deleteInstance{svc.place(), inst.ID()}, touch{svc.Account, svc.Namespace, svc.ID}, putOperation{op}}
}
