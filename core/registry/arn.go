package registry

import (
	"fmt"
	"strings"

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
	return "arn:aws:servicediscovery:" + r.Region + ":" + string(account) + ":" + resource
}

// resource is what an ARN of this region names.
type resource struct {
	account command.AccountID
	kind    string // namespace or service
	id      string
}

// parseARN takes an ARN of servicediscovery apart. It fails on anything that
// cannot be one; an ARN of another region is not an error but names nothing.
func (r *Rules) parseARN(arn string) (resource, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "servicediscovery" {
		return resource{}, command.Invalid("%q is not the ARN of a namespace or service", arn)
	}
	kind, id, ok := strings.Cut(parts[5], "/")
	if !ok || kind != "namespace" && kind != "service" {
		return resource{}, command.Invalid("%q is not the ARN of a namespace or service", arn)
	}
	if parts[3] != r.Region || parts[1] != "aws" {
		id = ""
	}
	return resource{command.AccountID(parts[4]), kind, id}, nil
}

// ID takes an id, or an ARN of the wanted kind ("namespace" or "service"), and
// returns the bare id with the account that it belongs to: a bare id is one of
// the caller's own. What belongs to another region gives the empty id, which is
// never found.
func (r *Rules) ID(account command.AccountID, kind, ref string) (command.AccountID, string, error) {
	if !strings.HasPrefix(ref, "arn:") {
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

// quoted is for error texts that list names.
func quoted[S ~string](names []S) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	return b.String()
}
