package registry

import (
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
)

// NamespaceARN returns the ARN of a namespace.
func (r *Rules) NamespaceARN(account command.AccountID, id NamespaceID) string {
	return r.ARN(account, "namespace/"+string(id))
}

// ServiceARN returns the ARN of a service.
func (r *Rules) ServiceARN(account command.AccountID, id ServiceID) string {
	return r.ARN(account, "service/"+string(id))
}

// ARN returns the ARN of a resource such as namespace/ns-….
func (r *Rules) ARN(account command.AccountID, resource string) string {
	return arn.Format(arnService, r.Region, account, resource)
}

// arnService is the service in the ARNs of Cloud Map.
const arnService = "servicediscovery"

// resource is a resource that an ARN identifies.
type resource struct {
	account command.AccountID
	kind    string // namespace or service
	id      string
}

// parseARN parses the ARN of a namespace or service. An ARN of another region is
// not an error, but has an empty id.
func (r *Rules) parseARN(text string) (resource, error) {
	a, ok := arn.Parse(text)
	kind, id, hasID := a.KindAndID()
	if !ok || a.Service != arnService || !hasID || kind != "namespace" && kind != "service" {
		return resource{}, command.Invalid("%q is not the ARN of a namespace or service", text)
	}
	if a.Region != r.Region || a.Partition != arn.Partition {
		id = ""
	}
	return resource{a.Account, kind, id}, nil
}

// ID returns the bare id and the owner of a resource that is named by its id or
// its ARN. The kind is "namespace" or "service". A bare id belongs to the caller.
// An ARN of another region gives the empty id, which is never found.
func (r *Rules) ID(account command.AccountID, kind, ref string) (command.AccountID, string, error) {
	if !arn.Is(ref) {
		return account, ref, nil
	}
	res, err := r.parseARN(ref)
	if err != nil {
		return "", "", err
	}
	if res.kind != kind {
		return "", "", command.Invalid("%q is the ARN of a %s, not of a %s", ref, res.kind, kind)
	}
	return res.account, res.id, nil
}

// FindNamespace returns the namespace that an id or ARN names, if the account
// sees it.
func (s *State) FindNamespace(r *Rules, account command.AccountID, ref string) (*Namespace, error) {
	owner, id, err := r.ID(account, "namespace", ref)
	if err != nil {
		return nil, err
	}
	ns, ok := s.visible(r, account, owner, NamespaceID(id))
	if !ok {
		return nil, &NamespaceNotFound{ID: ref}
	}
	return ns, nil
}

// FindService returns the service that an id or ARN names, if the account sees
// its namespace.
func (s *State) FindService(r *Rules, account command.AccountID, ref string) (*Service, error) {
	owner, id, err := r.ID(account, "service", ref)
	if err != nil {
		return nil, err
	}
	svc, ok := s.Service(owner, ServiceID(id))
	if ok && owner != account {
		_, ok = s.visible(r, account, owner, svc.Namespace)
	}
	if !ok {
		return nil, &ServiceNotFound{ID: ref}
	}
	return svc, nil
}

// FindInstance returns an instance of the service that an id or ARN names.
func (s *State) FindInstance(r *Rules, account command.AccountID, ref string, id InstanceID) (*Service, *Instance, error) {
	svc, err := s.FindService(r, account, ref)
	if err != nil {
		return nil, nil, err
	}
	inst, ok := svc.Instance(id)
	if !ok {
		return nil, nil, &InstanceNotFound{Service: svc.ID, ID: id}
	}
	return svc, inst, nil
}

// FindResource returns the namespace or the service that an ARN names; the
// other one is nil.
func (s *State) FindResource(r *Rules, account command.AccountID, text string) (*Namespace, *Service, error) {
	res, err := r.parseARN(text)
	if err != nil {
		return nil, nil, err
	}
	if res.account == account {
		if ns, ok := s.Namespace(account, NamespaceID(res.id)); ok && res.kind == "namespace" {
			return ns, nil, nil
		}
		if svc, ok := s.Service(account, ServiceID(res.id)); ok && res.kind == "service" {
			return nil, svc, nil
		}
	}
	return nil, nil, &command.NotFound{Message: "Resource not found: " + text}
}
