package registry

import (
	"strconv"
	"unique"

	"github.com/cairn-discovery/cairn/core/command"
)

// RegisterInstance adds an instance to a service or replaces it.
type RegisterInstance struct {
	ServiceRef       string // id or ARN
	ID               InstanceID
	Attributes       map[string]string
	CreatorRequestID string
}

func (c *RegisterInstance) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
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
	attrs := newAttributes(given)
	op := newOperationAfter(m, old.lastOperation(), a, RegisterInstanceOperation, string(svc.ID), string(c.ID))
	op.Namespace, op.Service, op.Instance = ns.ID, svc.ID, c.ID
	op.setOwner(ns.Account)
	op.CreatorRequestID, op.fingerprint = c.CreatorRequestID, fingerprint(string(attrs))
	ttl := leaseTTL(r, given)
	if exists && ttl > 0 && old.Attributes().equal(attrs) {
		return c.renew(s, m, svc, old, op)
	}
	if duplicate, ok := a.duplicateOf(op); ok && exists && duplicate.fingerprint == op.fingerprint {
		return command.Decision{Reply: command.Reply{ID: string(duplicate.ID), Unchanged: true}}, nil
	}
	if !exists {
		if err := checkInstanceQuota(v, r, ns, svc); err != nil {
			return command.Decision{}, err
		}
	}
	if problem := hostNameProblem(ns, svc, c.ID); problem != "" {
		return c.rejectName(r, a, op, problem)
	}
	inst := newInstance(c.ID, attrs, c.CreatorRequestID)
	inst.Registered = op.Date
	inst.Health, inst.Changed = svc.initialHealth(r, inst.Attributes()), seconds(m.Now)
	if !r.Strict && svc.probesSameTarget(old, &inst) {
		inst.Health, inst.Changed = old.Health, old.Changed
	}
	if m.Account != svc.creator() {
		inst.createdBy = unique.Make(m.Account)
	}
	limit := 0 // a registration again needs no room
	if !exists {
		limit = v.Quota(svc.creator(), &quotaInstances)
	}
	changes := append(make([]command.Change, 0, 4), putInstance{svc.location(), &inst})
	changes, counters := svc.addition(changes, m, limit)
	return command.Decision{
		Changes: append(append(changes, putOperation{op}), s.leaseAtRegistration(svc, c.ID, ttl, m.Now)...),
		Reads:   append(append(make([]command.Read, 0, 5), ns.Read(), svc.read()), counters...), // there is room for what is written
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

// renew handles a registration identical to the stored one: it extends the lease
// and returns the original operation id. Health and InstancesRevision do not
// change.
func (c *RegisterInstance) renew(s *State, m *command.Meta, svc *Service, inst *Instance, op *Operation) (command.Decision, error) {
	d := command.Decision{
		Changes: s.renewal(svc, c.ID, m.Now),
		Reads:   []command.Read{{Key: instanceKey(svc, c.ID), Exists: true}},
	}
	next := inst.withExpired(false, m.Now)
	d.Reply.Unchanged = *next == *inst
	first := operationTime(inst.Registered) + string(op.ID[:operationTargetLen])
	if s.account(m.Account).operations.Has(first) {
		d.Reply.ID = string(operationIDOf(first))
	} else { // deleted after a day, but clients may ask for the id they get
		d.Reply.ID, d.Reply.Unchanged, next.Registered = string(op.ID), false, op.Date
		d.Changes = append(d.Changes, putOperation{op})
	}
	if *next != *inst {
		d.Changes = append(d.Changes, putInstance{svc.location(), next})
	}
	return d, nil
}

// rejectName handles an instance id that cannot be part of a DNS name. AWS detects
// it only when it changes the hosted zone, so in strict mode the operation fails.
func (c *RegisterInstance) rejectName(r *Rules, a *accountState, op *Operation, problem string) (command.Decision, error) {
	if !r.Strict {
		return command.Decision{}, command.Invalid("InstanceId %q is not allowed: %s", c.ID, problem)
	}
	op.fail("INVALID_CHANGE_BATCH", "InstanceId "+strconv.Quote(string(c.ID))+": "+problem)
	return a.failOperation(op), nil
}

func checkInstanceQuota(v command.View, r *Rules, ns *Namespace, svc *Service) error {
	if limit := v.Quota(svc.creator(), &quotaInstances); limit > 0 && svc.instances.Len() >= limit {
		return r.limitExceeded(&quotaInstances, limit)
	}
	if limit := v.Quota(ns.Account, &quotaNamespaceInstances); limit > 0 && ns.instanceCount() >= limit {
		return r.limitExceeded(&quotaNamespaceInstances, limit)
	}
	return nil
}

// DeregisterInstance removes an instance.
type DeregisterInstance struct {
	ServiceRef string // id or ARN
	ID         InstanceID
}

func (c *DeregisterInstance) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	svc, inst, err := s.FindInstance(r, m.Account, c.ServiceRef, c.ID)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.mayChangeInstance(m, svc, inst); err != nil {
		return command.Decision{}, err
	}
	op := newDeregistration(m, s, svc, inst)
	return command.Decision{
		Changes: append(svc.deregister(inst, op, svc.putCounter(svc.nextRevision(m))), s.leaseDeletion(svc, c.ID)...),
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

func newDeregistration(m *command.Meta, s *State, svc *Service, inst *Instance) *Operation {
	op := newOperationAfter(m, inst.Registered, s.account(m.Account), DeregisterInstanceOperation, string(svc.ID), string(inst.ID()))
	op.Namespace, op.Service, op.Instance = svc.Namespace, svc.ID, inst.ID()
	op.setOwner(svc.Account)
	return op
}

func (svc *Service) deregister(inst *Instance, op *Operation, next bumpRevision) []command.Change {
	return []command.Change{deleteInstance{svc.location(), inst.ID()}, next, putOperation{op}}
}
