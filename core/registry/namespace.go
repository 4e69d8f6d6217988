package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// NamespaceType says how the services of a namespace are found.
type NamespaceType string

// The namespace types of the API.
const (
	DNSPublic  NamespaceType = "DNS_PUBLIC"
	DNSPrivate NamespaceType = "DNS_PRIVATE"
	HTTP       NamespaceType = "HTTP"
)

// Namespace is immutable; a change makes a new one.
type Namespace struct {
	ID      NamespaceID
	Account command.AccountID
	Name    string
	Type    NamespaceType
	// HTTPName is unique in the account. It is the Name unless that was taken.
	HTTPName     string
	VPC          string // DNS_PRIVATE only
	HostedZoneID string // empty for HTTP
	// SOATTL is in seconds and means nothing for HTTP.
	SOATTL           int64
	Description      string
	Tags             Attributes
	CreatorRequestID string
	CreateDate       int64 // milliseconds since 1970
	// Keys sign the zone; none: it is not signed. See TagDNSSEC.
	Keys dnssec.Keys

	owner           *ptree.Token // the Draft that may change it in place
	createOperation OperationID
	sharedWith      []command.AccountID // in order; see share.go
	fingerprint     uint64
	services        ptree.Map[string, *Service] // by serviceKey
	// servicesByRequest finds a service by the request that made it, see
	// serviceRequest.
	servicesByRequest ptree.Map[string, string]
}

// IsDNS reports whether the namespace has a hosted zone.
func (ns *Namespace) IsDNS() bool { return ns.Type != HTTP }

// ServiceCount returns the number of services in the namespace.
func (ns *Namespace) ServiceCount() int { return ns.services.Len() }

// Service returns the service of that name. Case does not matter in a DNS
// namespace.
func (ns *Namespace) Service(name string) (*Service, bool) {
	if svc, ok := ns.services.Get(name); ok {
		return svc, true
	}
	if !ns.IsDNS() {
		return nil, false
	}
	return ns.services.Get(strings.ToLower(name))
}

func (ns *Namespace) read() command.Read {
	return command.Read{Key: namespaceKey(ns.Account, ns.HTTPName), Exists: true}
}

func (ns *Namespace) instanceCount() int {
	n := 0
	for _, svc := range ns.services.All() {
		n += svc.instances.Len()
	}
	return n
}

// CreateNamespace is CreateHttpNamespace, CreatePrivateDnsNamespace and
// CreatePublicDnsNamespace.
type CreateNamespace struct {
	Name             string
	Type             NamespaceType
	VPC              string
	Description      string
	SOATTL           *int64 // nil: the default of the rules
	Tags             []Tag
	CreatorRequestID string
	// NewKey is for a zone to be signed; see WantsKey.
	NewKey NewKey
}

func (c *CreateNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	tags, err := newTags(c.Name, c.Tags)
	if err != nil {
		return command.Decision{}, err
	}
	a := s.account(m.Account)
	if id, ok := a.byRequest.Get(c.CreatorRequestID); ok && c.CreatorRequestID != "" {
		ns, _ := a.namespaces.Get(id)
		if ns.fingerprint == c.fingerprint() {
			return command.Decision{Reply: command.Reply{ID: string(ns.createOperation)}}, nil
		}
		return command.Decision{}, &NamespaceAlreadyExists{ID: id, CreatorRequestID: ns.CreatorRequestID}
	}
	if err := c.check(v, m, a, r); err != nil {
		return command.Decision{}, err
	}
	ns := c.namespace(a, r, m, tags)
	if err := ns.sign(c.NewKey, m.Now); err != nil {
		return command.Decision{}, err
	}
	op := newOperation(m, a, CreateNamespaceOperation, string(ns.ID))
	op.Namespace, op.CreatorRequestID, op.fingerprint = ns.ID, c.CreatorRequestID, ns.fingerprint
	if problem := c.zoneProblem(a, r, m); problem != "" {
		op.fail("CANNOT_CREATE_HOSTED_ZONE", problem)
		return a.refusal(op), nil
	}
	ns.createOperation = op.ID
	return command.Decision{
		Changes: []command.Change{putNamespace{ns}, touch{ns.Account, ns.ID, ""}, putOperation{op}},
		Reads:   []command.Read{{Key: namespaceKey(ns.Account, ns.HTTPName)}},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

func (c *CreateNamespace) fingerprint() uint64 {
	parts := []string{c.Name, string(c.Type), c.VPC, c.Description}
	if c.SOATTL != nil {
		parts = append(parts, strconv.FormatInt(*c.SOATTL, 10))
	}
	return fingerprint(append(parts, tagParts(c.Tags)...)...)
}

func tagParts(tags []Tag) []string {
	var parts []string
	for _, t := range tags {
		parts = append(parts, t.Key, t.Value)
	}
	return parts
}

// check finds what makes the call itself fail.
func (c *CreateNamespace) check(v command.View, m *command.Meta, a *Account, r *Rules) error {
	if c.Type == DNSPrivate && c.VPC == "" {
		return command.Invalid("The id of a VPC is required for a private namespace, and Vpc is empty")
	}
	if c.Type == DNSPrivate && r.VPCs != nil && !r.VPCs[c.VPC] {
		return command.Invalid("VPC %q is not known here: list it under vpcs in the configuration", c.VPC)
	}
	if c.Type != DNSPrivate {
		for _, ns := range a.namespaces.All() {
			if ns.Type == c.Type && sameName(c.Type, ns.Name, c.Name) {
				return &NamespaceAlreadyExists{ID: ns.ID, CreatorRequestID: ns.CreatorRequestID}
			}
		}
	}
	if limit := v.Quota(m.Account, &quotaNamespaces); limit > 0 && a.namespaces.Len() >= limit {
		return &command.LimitExceeded{What: quotaNamespaces.What, Limit: limit}
	}
	return nil
}

func sameName(t NamespaceType, a, b string) bool {
	if t == HTTP {
		return a == b
	}
	return strings.EqualFold(a, b)
}

// zoneProblem finds what makes the creation of the hosted zone fail: the call
// succeeds then and the operation does not, as in AWS.
func (c *CreateNamespace) zoneProblem(a *Account, r *Rules, m *command.Meta) string {
	if c.Type == HTTP {
		return ""
	}
	if problem := domainNameProblem(c.Name); problem != "" {
		return route53Error(m, fmt.Sprintf("The domain name %s is not valid: %s", shortened(c.Name), problem), "InvalidDomainName")
	}
	for _, ns := range a.namespaces.All() {
		if c.Type == DNSPrivate && ns.Type == DNSPrivate && ns.VPC == c.VPC && strings.EqualFold(ns.Name, c.Name) {
			return route53Error(m, fmt.Sprintf("The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.",
				c.VPC, r.Region, ns.HostedZoneID), "ConflictingDomainExists")
		}
	}
	return ""
}

// route53Error words a failure as clients know it; Terraform looks for the code.
func route53Error(m *command.Meta, text, code string) string {
	id := m.Entropy
	return fmt.Sprintf("%s (Service: AmazonRoute53; Status Code: 400; Error Code: %s; Request ID: %x-%x-%x-%x-%x)",
		text, code, id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

// domainNameProblem says what keeps name from being a zone, by RFC 1035 section
// 2.3.4. Any visible character is allowed in a label, as in Route 53.
func domainNameProblem(name string) string {
	switch {
	case len(name) > 253:
		return "it has more than 253 characters"
	case strings.ContainsAny(name, " \t"):
		return "it has white space in it"
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return "it has an empty label"
		case len(label) > 63:
			return "it has a label of more than 63 characters"
		}
	}
	return ""
}

func shortened(s string) string {
	if len(s) > 64 {
		return s[:61] + "..."
	}
	return s
}

func (c *CreateNamespace) namespace(a *Account, r *Rules, m *command.Meta, tags Attributes) *Namespace {
	ns := &Namespace{
		ID: newNamespaceID(m), Account: m.Account, Name: c.Name, Type: c.Type, HTTPName: c.Name,
		VPC: c.VPC, Description: c.Description, Tags: tags,
		CreatorRequestID: c.CreatorRequestID, CreateDate: m.Now, fingerprint: c.fingerprint(),
	}
	if ns.IsDNS() {
		ns.HostedZoneID = newHostedZoneID(m)
		ns.SOATTL = r.defaultSOATTL()
	}
	if c.SOATTL != nil {
		ns.SOATTL = *c.SOATTL
	}
	if a.byHTTPName.Has(ns.HTTPName) {
		ns.HTTPName += "-" + string(ns.ID)[3:11]
	}
	return ns
}

// UpdateNamespace is UpdateHttpNamespace, UpdatePrivateDnsNamespace and
// UpdatePublicDnsNamespace. What is nil stays as it is.
type UpdateNamespace struct {
	Ref              string // id or ARN
	Type             NamespaceType
	Description      *string
	SOATTL           *int64
	UpdaterRequestID string
}

func (c *UpdateNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
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
	if earlier, ok := a.repeated(op); ok {
		if earlier.fingerprint == op.fingerprint {
			return command.Decision{Reply: command.Reply{ID: string(earlier.ID)}}, nil
		}
		return command.Decision{}, &DuplicateRequest{Operation: earlier.ID, Call: updateCalls[c.Type]}
	}
	next := *ns
	if c.Description != nil {
		next.Description = *c.Description
	}
	if c.SOATTL != nil {
		next.SOATTL = *c.SOATTL
	}
	return command.Decision{
		Changes: []command.Change{putNamespace{&next}, putOperation{op}},
		Reads:   []command.Read{ns.read()},
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

// DeleteNamespace removes a namespace that has no services.
type DeleteNamespace struct{ Ref string }

func (c *DeleteNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := of(v)
	ns, err := s.FindNamespace(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.owned(m, ns); err != nil {
		return command.Decision{}, err
	}
	if ns.services.Len() > 0 {
		text := "Namespace has associated services; delete the services before deleting the namespace"
		return command.Decision{}, &command.Conflict{Message: text + r.blockers(ns.services.Len(), ns.firstServices(maxBlockers))}
	}
	op := newOperation(m, s.account(m.Account), DeleteNamespaceOperation, string(ns.ID))
	op.Namespace = ns.ID
	return command.Decision{
		Changes: []command.Change{deleteNamespace{ns.Account, ns.ID, ns.HTTPName}, untouch{ns.Account, ns.ID, ""}, putOperation{op}},
		Reads:   []command.Read{ns.read(), {Key: touchKey(ns.Account, ns.ID, ""), Exists: true}},
		Reply:   command.Reply{ID: string(op.ID)},
	}, nil
}

// maxBlockers is how many of what stands in the way an error names.
const maxBlockers = 5

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

// blockers words what still stands in the way; AWS does not say it.
func (r *Rules) blockers(count int, names []string) string {
	if r.Strict {
		return ""
	}
	text := fmt.Sprintf(": %d left: %s", count, strings.Join(slices.Clip(names), ", "))
	if count > len(names) {
		text += ", ..."
	}
	return text
}
