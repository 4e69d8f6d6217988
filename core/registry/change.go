package registry

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// change is one step from a State to the next.
type change interface {
	command.Change
	apply(d *Draft, revision uint64)
}

// Draft builds the State that follows another one. It is for one goroutine; the
// State that it starts from is not changed.
type Draft struct {
	state    State
	token    *ptree.Owner
	observer Observer // may be nil
	// lastService is the service that changeService has changed last. A load
	// brings all instances of one service after each other.
	lastService *Service
}

// NewDraft returns a Draft that starts from s.
func NewDraft(s *State) *Draft {
	return &Draft{state: *s, token: new(ptree.Owner)}
}

// Apply implements command.Draft.
func (d *Draft) Apply(revision uint64, c command.Change) bool {
	own, ok := c.(change)
	if ok {
		own.apply(d, revision)
	}
	return ok
}

// State returns the state with the changes applied so far. It is valid until the
// next Apply.
func (d *Draft) State() *State { return &d.state }

// changeAccount applies a change to the account. A draft copies an account,
// namespace or service once; after that it changes its own copy in place.
func (d *Draft) changeAccount(id command.AccountID, change func(*accountState)) {
	change(d.ownAccount(id))
}

func (d *Draft) ownAccount(id command.AccountID) *accountState {
	old := d.state.account(id)
	if old.owner == d.token {
		return old
	}
	a := *old
	a.id, a.owner = id, d.token
	d.state.accounts = d.state.accounts.Put(d.token, id, &a)
	return &a
}

// changeNamespace applies a change to the namespace, if there is one.
func (d *Draft) changeNamespace(account command.AccountID, id NamespaceID, change func(*accountState, *Namespace)) {
	if _, ok := d.state.Namespace(account, id); ok {
		a := d.ownAccount(account)
		change(a, d.ownNamespace(a, id))
	}
}

func (d *Draft) ownNamespace(a *accountState, id NamespaceID) *Namespace {
	old, _ := a.namespaces.Get(id)
	if old.owner == d.token {
		return old
	}
	ns := *old
	ns.owner = d.token
	a.namespaces = a.namespaces.Put(d.token, id, &ns)
	return &ns
}

// changeService applies a change to the service, if there is one.
func (d *Draft) changeService(account command.AccountID, id ServiceID, change func(*Service)) {
	if last := d.lastService; last != nil && last.ID == id && last.Account == account {
		change(last)
		return
	}
	ref, ok := d.state.account(account).services.Get(id)
	if !ok {
		return
	}
	ns := d.ownNamespace(d.ownAccount(account), ref.namespace)
	svc, _ := ns.services.Get(ref.key)
	if svc.owner != d.token {
		own := *svc
		svc, own.owner = &own, d.token
		ns.services = ns.services.Put(d.token, ref.key, svc)
	}
	d.lastService = svc
	change(svc)
}

// putNamespace stores a namespace and keeps its services.
type putNamespace struct{ ns *Namespace }

func (c putNamespace) apply(d *Draft, _ uint64) {
	d.changeAccount(c.ns.Account, func(a *accountState) {
		ns := *c.ns
		ns.owner = d.token
		old, ok := a.namespaces.Get(ns.ID)
		if ok {
			ns.services, ns.servicesByRequest = old.services, old.servicesByRequest
		}
		a.namespaces = a.namespaces.Put(d.token, ns.ID, &ns)
		a.byHTTPName = a.byHTTPName.Put(d.token, ns.HTTPName, ns.ID)
		if ns.CreatorRequestID != "" {
			a.byRequest = a.byRequest.Put(d.token, ns.CreatorRequestID, ns.ID)
		}
		if ns.HostedZoneID != "" {
			a.byZone = a.byZone.Put(d.token, ns.HostedZoneID, ns.ID)
		}
		d.namespaceChanged(old, &ns)
		d.reshare(old, &ns)
	})
}

type deleteNamespace struct {
	account  command.AccountID
	id       NamespaceID // empty when decoded: the key holds the name only
	httpName string
}

func (c deleteNamespace) apply(d *Draft, _ uint64) {
	d.changeAccount(c.account, func(a *accountState) {
		id, ok := a.byHTTPName.Get(c.httpName)
		if !ok {
			return
		}
		ns, _ := a.namespaces.Get(id)
		d.lastService = nil
		a.namespaces = a.namespaces.Delete(d.token, id)
		a.byZone = a.byZone.Delete(d.token, ns.HostedZoneID)
		a.byHTTPName = a.byHTTPName.Delete(d.token, c.httpName)
		a.byRequest = a.byRequest.Delete(d.token, ns.CreatorRequestID)
		d.namespaceChanged(ns, nil)
		d.reshare(ns, nil)
	})
}

// putService stores a service and keeps its instances and its revision.
type putService struct{ svc *Service }

func (c putService) apply(d *Draft, _ uint64) {
	d.changeNamespace(c.svc.Account, c.svc.Namespace, func(a *accountState, ns *Namespace) {
		svc := *c.svc
		svc.owner, d.lastService = d.token, nil
		svc.instances, svc.revision, svc.expired = ptree.Map[InstanceID, *Instance]{}, 0, 0
		svc.counters, svc.tag = nil, 0
		old, _ := ns.services.Get(svc.key)
		if old != nil && old.ID == svc.ID {
			svc.instances, svc.revision, svc.expired = old.instances, old.revision, old.expired
			svc.counters, svc.tag = old.counters, old.tag
		}
		svc.buildSummary(ns)
		ns.services = ns.services.Put(d.token, svc.key, &svc)
		a.services = a.services.Put(d.token, svc.ID, serviceRef{ns.ID, svc.key})
		if svc.CreatorRequestID != "" {
			ns.servicesByRequest = ns.servicesByRequest.Put(d.token, serviceRequest(svc.creator(), svc.CreatorRequestID), svc.key)
		}
		d.serviceChanged(ns, old, &svc)
	})
}

type deleteService struct {
	account   command.AccountID
	namespace NamespaceID
	key       string
}

func (c deleteService) apply(d *Draft, _ uint64) {
	d.changeNamespace(c.account, c.namespace, func(a *accountState, ns *Namespace) {
		svc, ok := ns.services.Get(c.key)
		if !ok {
			return
		}
		d.lastService = nil
		ns.services = ns.services.Delete(d.token, c.key)
		ns.servicesByRequest = ns.servicesByRequest.Delete(d.token, serviceRequest(svc.creator(), svc.CreatorRequestID))
		a.services = a.services.Delete(d.token, svc.ID)
		d.serviceChanged(ns, svc, nil)
	})
}

// dropRevision deletes a record of bumpRevision with its service or namespace.
type dropRevision struct {
	account   command.AccountID
	namespace NamespaceID
	service   ServiceID
	writer    int
}

func (dropRevision) apply(*Draft, uint64) {}

// location is the service of an instance.
type location struct {
	account   command.AccountID
	namespace NamespaceID
	service   ServiceID
}

func (svc *Service) location() location { return location{svc.Account, svc.Namespace, svc.ID} }

type putInstance struct {
	location
	inst *Instance
}

func (c putInstance) apply(d *Draft, _ uint64) {
	d.changeService(c.account, c.service, func(svc *Service) {
		old := d.clearPending(svc, c.inst.ID())
		svc.instances = svc.instances.Put(d.token, c.inst.ID(), c.inst)
		svc.countExpired(old, c.inst)
		if c.inst.due != 0 {
			key := pendingKey(c.inst.due, svc.ID, c.inst.ID())
			d.state.pending = d.state.pending.Put(d.token, key, instanceRef{svc.Account, svc.ID, c.inst.ID()})
		}
		d.instanceChanged(svc, old, c.inst)
	})
}

// clearPending removes the pending health change of an instance from the index
// and returns the instance, or nil.
func (d *Draft) clearPending(svc *Service, id InstanceID) *Instance {
	old, ok := svc.instances.Get(id)
	if ok && old.due != 0 {
		d.state.pending = d.state.pending.Delete(d.token, pendingKey(old.due, svc.ID, id))
	}
	return old
}

// countExpired updates the number of instances with an expired lease.
func (svc *Service) countExpired(old, new *Instance) {
	if old != nil && old.Expired {
		svc.expired--
	}
	if new != nil && new.Expired {
		svc.expired++
	}
}

type deleteInstance struct {
	location
	id InstanceID
}

func (c deleteInstance) apply(d *Draft, _ uint64) {
	d.changeService(c.account, c.service, func(svc *Service) {
		old := d.clearPending(svc, c.id)
		svc.instances = svc.instances.Delete(d.token, c.id)
		if old != nil {
			svc.countExpired(old, nil)
			d.instanceChanged(svc, old, nil)
		}
	})
}

// putOperation stores the record of an operation, with its parts.
type putOperation struct{ op *Operation }

// Guarded implements command.Guarded: the instance is written with each operation on it,
// so two operations with one id meet there.
func (c putOperation) Guarded() bool { return c.op.Instance != "" && !c.op.Failed }

func (c putOperation) apply(d *Draft, _ uint64) {
	var buf [512]byte
	value := storedOperation(c.op.encodeRecord(buf[:0]))
	d.changeAccount(c.op.Account, func(a *accountState) {
		key, _ := operationKey(c.op.ID)
		if old, ok := a.operations.Get(key); ok && !old.isPart() {
			a.dropParts(d.token, old.record(c.op.Account, key))
		}
		a.operations = a.operations.Put(d.token, key, value)
		a.indexRequest(d.token, c.op, key)
		if len(c.op.parts) == 0 {
			return
		}
		ref := refTo(c.op.ID)
		for _, op := range c.op.parts {
			a.putPart(d.token, op, ref)
		}
	})
}

// deleteOperation deletes the record of an operation, with its parts. A part has no record
// to delete.
type deleteOperation struct {
	account command.AccountID
	id      OperationID
}

func (c deleteOperation) apply(d *Draft, _ uint64) {
	d.changeAccount(c.account, func(a *accountState) {
		key, _ := operationKey(c.id)
		stored, ok := a.operations.Get(key)
		if !ok || stored.isPart() {
			return
		}
		op := stored.record(c.account, key)
		a.dropParts(d.token, op)
		a.operations = a.operations.Delete(d.token, key)
		a.forgetRequest(d.token, op, key)
	})
}

// indexRequest makes previous find an operation. Of two in one millisecond, such as attempts
// to create a namespace, it finds the one with the higher key, whatever was applied first.
func (a *accountState) indexRequest(t *ptree.Owner, op *Operation, key string) {
	request, ok := op.requestKey()
	if !ok {
		return
	}
	indexed := request.at(key[:operationTimeLen])
	if other, ok := a.operationByRequest.Get(indexed); !ok || other < key {
		a.operationByRequest = a.operationByRequest.Put(t, indexed, key)
	}
}

// forgetRequest undoes indexRequest.
func (a *accountState) forgetRequest(t *ptree.Owner, op *Operation, key string) {
	request, _ := op.requestKey()
	indexed := request.at(key[:operationTimeLen])
	if other, ok := a.operationByRequest.Get(indexed); ok && other == key {
		a.operationByRequest = a.operationByRequest.Delete(t, indexed)
	}
}
