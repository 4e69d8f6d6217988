package registry

import "github.com/cairn-discovery/cairn/core/command"

// The rows of the table of quotas. AWS limits the instances of a namespace and
// not its services, so strict mode does the same; see "AWS Cloud Map quotas" in
// the developer guide.
var (
	quotaNamespaces = command.Quota{
		Guard: "names",
		Name:  "namespaces_per_account", What: "namespaces per account", Default: 50, Strict: 50,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for id, a := range s.accounts.All() {
				add(id, a.namespaces.Len())
			}
		},
	}
	quotaServices = command.Quota{
		Guard: "services",
		Name:  "services_per_namespace", What: "services per namespace", Default: 50,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for ns := range s.AllNamespaces() {
				add(ns.Account, ns.services.Len())
			}
		},
	}
	quotaInstances = command.Quota{
		Name: "instances_per_service", What: "instances per service", Default: 1000, Strict: 1000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for ns := range s.AllNamespaces() {
				for _, svc := range ns.services.All() {
					add(svc.creator(), svc.instances.Len())
				}
			}
		},
	}
	quotaNamespaceInstances = command.Quota{
		Name: "instances_per_namespace", What: "instances per namespace", Strict: 2000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for ns := range s.AllNamespaces() {
				add(ns.Account, ns.instanceCount())
			}
		},
	}
	// quotaOperations limits how many ended operations are kept; beyond it the
	// oldest are deleted before their 24 hours are over.
	quotaOperations = command.Quota{
		Name: "operations_per_account", What: "operations per account", Default: 100_000, Strict: 100_000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for id, a := range s.accounts.All() {
				add(id, a.operations.Len())
			}
		},
	}
)

// limitExceeded returns the error of a quota that is reached.
func (r *Rules) limitExceeded(q *command.Quota, limit int) error {
	e := &command.LimitExceeded{What: q.What, Limit: limit}
	if !r.Strict {
		e.Setting = "quotas." + q.Name
	}
	return e
}

// Quotas implements command.Slice.
func (Slice) Quotas() []*command.Quota {
	return []*command.Quota{&quotaNamespaces, &quotaServices, &quotaInstances, &quotaNamespaceInstances, &quotaOperations}
}
