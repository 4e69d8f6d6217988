package registry

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// UpdateService changes a service. Records and HealthCheck replace the stored ones, so
// nil removes them; a nil Description keeps the stored one. Reply.ID is the
// operation.
type UpdateService struct {
	Ref         string // id or ARN
	Description *string
	Records     []DNSRecord // nil: no DnsConfig was given
	HealthCheck *HealthCheck
}

func (c *UpdateService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	ns, _ := s.Namespace(svc.Account, svc.Namespace)
	if err := r.mayUpdate(m, ns, svc); err != nil {
		return command.Decision{}, err
	}
	if !ns.IsDNS() && r.Strict {
		return command.Decision{}, command.Invalid("Service %s is in an HTTP namespace: it cannot be updated", svc.ID)
	}
	next := *svc
	if c.Description != nil {
		next.Description = *c.Description
	}
	if err := c.changeRecords(r, ns, &next); err != nil {
		return command.Decision{}, err
	}
	if err := c.changeCheck(r, ns, &next); err != nil {
		return command.Decision{}, err
	}
	op := newOperation(m, s.account(m.Account), UpdateServiceOperation, string(svc.ID))
	op.Namespace, op.Service = ns.ID, svc.ID
	op.setOwner(ns.Account)
	changes := []command.Change{putService{&next}, putOperation{op}}
	return command.Decision{
		Changes: append(changes, healthAfterUpdate(m, svc, &next)...),
		Reads:   []command.Read{ns.Read(), svc.read()},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

func (c *UpdateService) changeRecords(r *Rules, ns *Namespace, svc *Service) error {
	if c.Records == nil {
		svc.DNS = nil
		return nil
	}
	if svc.Type == ServiceHTTP {
		return command.Invalid("When you specify an HTTP service, you can't include a DnsConfig element.")
	}
	policy := RoutingPolicy("")
	if svc.DNS != nil {
		policy = svc.DNS.Policy
	}
	dns, err := newDNSConfig(r, ns, svc.Name, &DNSConfig{Policy: policy, Records: c.Records})
	if err != nil {
		return err
	}
	// Records can be removed and added again, but not if instances were registered
	// without the attributes for them.
	had := svc.DNS
	if had == nil && svc.instances.Len() > 0 || had != nil && !slices.Equal(had.types(), dns.types()) {
		return command.Invalid("The record types in the request must be the same as those present in the existing service."+
			" Records in the existing service are %v, but the records in the request are %v."+
			" The record types of a service cannot be changed.", had.types(), dns.types())
	}
	svc.DNS = dns
	return nil
}

func (c *UpdateService) changeCheck(r *Rules, ns *Namespace, svc *Service) error {
	if c.HealthCheck != nil && svc.HealthCheck != nil && c.HealthCheck.Type != svc.HealthCheck.Type {
		return command.Invalid("Type of health check cannot be changed")
	}
	check, err := newHealthCheck(r, ns, svc, c.HealthCheck)
	svc.HealthCheck = check
	if err == nil && check != nil && !r.Strict {
		all := svc.Attributes.Map()
		err = checkFit(svc, all, all)
	}
	return err
}

// healthAfterUpdate returns the changes of health if the service gets a check that it
// did not have. Until then every instance was in the answers, so it stays there until
// probes find it unhealthy.
func healthAfterUpdate(m *command.Meta, old, next *Service) []command.Change {
	if next.HealthCheck == nil || old.HealthCheck != nil {
		return nil
	}
	var changes []command.Change
	for _, inst := range old.instances.All() {
		changes = append(changes, putInstance{next.location(), inst.withHealth(Healthy, m.Now)})
	}
	return changes
}

// DeleteService deletes a service without instances.
type DeleteService struct{ Ref string }

func (c *DeleteService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.mayChange(m, svc); err != nil {
		return command.Decision{}, err
	}
	if svc.instances.Len() > 0 {
		text := "Service contains registered instances; delete the instances before deleting the service"
		return command.Decision{}, &command.Conflict{Message: text + r.remaining(svc.instances.Len(), svc.firstInstances(maxRemaining))}
	}
	last := s.account(svc.Account).lastRevision
	changes := []command.Change{
		deleteService{svc.Account, svc.Namespace, svc.key},
		dropRevision{svc.Account, svc.Namespace, svc.ID, 0},
		bumpRevision{account: svc.Account, namespace: svc.Namespace},
		bumpRevision{account: svc.Account, revision: max(last, svc.revision)},
	}
	for _, c := range svc.counters {
		changes = append(changes, dropRevision{svc.Account, svc.Namespace, svc.ID, c.writer})
	}
	return command.Decision{
		Changes: changes,
		Reads:   append(svc.readAllCounters(), svc.read(), command.Read{Key: revisionKey(svc.Account, "", ""), Exists: last > 0}),
	}, nil
}

func (svc *Service) firstInstances(n int) []string {
	var ids []string
	for id := range svc.instances.All() {
		if len(ids) == n {
			break
		}
		ids = append(ids, string(id))
	}
	return ids
}
