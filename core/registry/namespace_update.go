package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// UpdateNamespace implements UpdateHttpNamespace, UpdatePrivateDnsNamespace and
// UpdatePublicDnsNamespace. A nil field keeps its value. Reply.ID is the operation.
type UpdateNamespace struct {
	Ref              string // id or ARN
	Type             NamespaceType
	Description      *string
	SOATTL           *int64
	UpdaterRequestID string
}

func (c *UpdateNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	ns, err := s.FindNamespace(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.owned(m, ns); err != nil {
		return command.Decision{}, err
	}
	if ns.Type != c.Type {
		return command.Decision{}, command.Invalid("Namespace %s is of type %s: it cannot be updated as %s", ns.ID, ns.Type, c.Type)
	}
	a := s.account(m.Account)
	op := newOperation(m, a, UpdateNamespaceOperation, string(ns.ID))
	op.Namespace, op.CreatorRequestID, op.fingerprint = ns.ID, c.UpdaterRequestID, c.fingerprint(ns)
	if duplicate, ok := a.duplicateOf(op); ok {
		if duplicate.fingerprint == op.fingerprint {
			return command.Decision{Reply: command.Reply{ID: string(duplicate.ID)}}, nil
		}
		return command.Decision{}, &DuplicateRequest{Operation: duplicate.ID, Call: updateCalls[c.Type]}
	}
	next := *ns
	if c.Description != nil {
		next.Description = *c.Description
	}
	if c.SOATTL != nil {
		next.SOATTL = *c.SOATTL
	}
	s.claimName(hostedZonesOf(v), r, m, &next) // records a delegation that was added meanwhile
	return command.Decision{
		Changes: []command.Change{putNamespace{&next}, putOperation{op}},
		Reads:   []command.Read{ns.Read()},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

var updateCalls = map[NamespaceType]string{
	HTTP:       "UpdateHttpNamespace",
	DNSPrivate: "UpdatePrivateDnsNamespace",
	DNSPublic:  "UpdatePublicDnsNamespace",
}

func (c *UpdateNamespace) fingerprint(ns *Namespace) uint64 {
	parts := []string{string(ns.ID), "", ""}
	if c.Description != nil {
		parts[1] = "=" + *c.Description
	}
	if c.SOATTL != nil {
		parts[2] = strconv.FormatInt(*c.SOATTL, 10)
	}
	return fingerprint(parts...)
}

// DeleteNamespace deletes a namespace without services. Reply.ID is the operation.
type DeleteNamespace struct{ Ref string }

func (c *DeleteNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	ns, err := s.FindNamespace(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.owned(m, ns); err != nil {
		return command.Decision{}, err
	}
	if ns.services.Len() > 0 {
		text := "Namespace has associated services; delete the services before deleting the namespace"
		return command.Decision{}, &command.Conflict{Message: text + r.remaining(ns.services.Len(), ns.firstServices(maxRemaining))}
	}
	op := newOperation(m, s.account(m.Account), DeleteNamespaceOperation, string(ns.ID))
	op.Namespace = ns.ID
	changes := []command.Change{deleteNamespace{ns.Account, ns.ID, ns.HTTPName}, dropRevision{account: ns.Account, namespace: ns.ID}, putOperation{op}}
	if ns.IsDNS() {
		changes = append(changes, hostedZonesOf(v).Forget(ns.HostedZoneID)...)
	}
	return command.Decision{
		Changes: changes,
		Reads:   []command.Read{ns.Read(), {Key: revisionKey(ns.Account, ns.ID, ""), Exists: true}},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

// maxRemaining is the number of names that remaining lists.
const maxRemaining = 5

func (ns *Namespace) firstServices(n int) []string {
	var names []string
	for _, svc := range ns.services.All() {
		if len(names) == n {
			break
		}
		names = append(names, fmt.Sprintf("%s (%s)", svc.ID, svc.Name))
	}
	return names
}

// remaining returns the end of a message that lists what must be deleted first. AWS
// does not list it.
func (r *Rules) remaining(count int, names []string) string {
	if r.Strict {
		return ""
	}
	text := fmt.Sprintf(": %d left: %s", count, strings.Join(slices.Clip(names), ", "))
	if count > len(names) {
		text += ", ..."
	}
	return text
}
