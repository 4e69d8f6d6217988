package registry

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// CreateNamespace implements CreateHttpNamespace, CreatePrivateDnsNamespace and
// CreatePublicDnsNamespace. Reply.ID is the operation, and Reply.Value the
// *Namespace if this command has created it.
type CreateNamespace struct {
	Name             string
	Type             NamespaceType
	VPC              string
	Description      string
	SOATTL           *int64 // nil: the default of the rules
	Tags             []Tag
	CreatorRequestID string
	// NewKey is needed if the tags ask for a signed zone; see WantsKey.
	NewKey SigningKey
}

func (c *CreateNamespace) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
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
	hosted := hostedZonesOf(v)
	problem := c.zoneProblem(hosted, a, r, m)
	if problem == "" {
		problem = s.claimName(hosted, r, m, ns)
	}
	if problem != "" {
		op.fail("CANNOT_CREATE_HOSTED_ZONE", problem)
		return a.failOperation(op), nil
	}
	ns.createOperation = op.ID
	return command.Decision{
		Changes: []command.Change{putNamespace{ns}, bumpRevision{account: ns.Account, namespace: ns.ID}, putOperation{op}},
		Reads:   []command.Read{{Key: namespaceKey(ns.Account, ns.HTTPName)}},
		Reply:   command.Reply{ID: string(op.ID), Value: ns},
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

// check returns the errors of the call itself.
func (c *CreateNamespace) check(v command.View, m *command.Meta, a *accountState, r *Rules) error {
	if c.Type == DNSPrivate && c.VPC == "" {
		return command.Invalid("The id of a VPC is required for a private namespace, and Vpc is empty")
	}
	if c.Type == DNSPrivate && !r.Names.KnowsVPC(c.VPC) {
		return command.Invalid("VPC %q is not known here: list it under vpcs in the configuration", c.VPC)
	}
	if c.Type == DNSPrivate && !r.Names.MayUseVPC(m.Account, c.VPC) {
		return command.Invalid("VPC %q belongs to other accounts: list account %s under vpcs.accounts in the configuration", c.VPC, m.Account)
	}
	if c.Type != DNSPrivate {
		for _, ns := range a.namespaces.All() {
			if ns.Type == c.Type && sameName(c.Type, ns.Name, c.Name) {
				return &NamespaceAlreadyExists{ID: ns.ID, CreatorRequestID: ns.CreatorRequestID}
			}
		}
	}
	if limit := v.Quota(m.Account, &quotaNamespaces); limit > 0 && a.namespaces.Len() >= limit {
		return r.limitExceeded(&quotaNamespaces, limit)
	}
	return nil
}

func sameName(t NamespaceType, a, b string) bool {
	if t == HTTP {
		return a == b
	}
	return strings.EqualFold(a, b)
}

// zoneProblem returns why the hosted zone cannot be created, or "". As in AWS, the
// call succeeds then and its operation fails.
func (c *CreateNamespace) zoneProblem(h hostedZones, a *accountState, r *Rules, m *command.Meta) string {
	if c.Type == HTTP {
		return ""
	}
	if problem := domainNameProblem(c.Name); problem != "" {
		return route53Error(m, fmt.Sprintf("The domain name %s is not valid: %s", truncate(c.Name), problem), "InvalidDomainName")
	}
	taken, ok := "", false
	for _, ns := range a.namespaces.All() {
		if c.Type == DNSPrivate && ns.Type == DNSPrivate && ns.VPC == c.VPC && strings.EqualFold(ns.Name, c.Name) {
			taken, ok = ns.HostedZoneID, true
		}
	}
	if c.Type == DNSPrivate && !ok {
		taken, ok = h.PrivateZone(c.Name, c.VPC)
	}
	if !ok {
		return ""
	}
	return route53Error(m, fmt.Sprintf("The VPC %s in region %s has already been associated with the hosted zone %s with the same domain name.",
		c.VPC, r.Region, taken), "ConflictingDomainExists")
}

// route53Error returns an error of Route 53 as Cloud Map shows it in an operation.
// Terraform looks for the code.
func route53Error(m *command.Meta, text, code string) string {
	id := m.Entropy
	return fmt.Sprintf("%s (Service: AmazonRoute53; Status Code: 400; Error Code: %s; Request ID: %x-%x-%x-%x-%x)",
		text, code, id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}

// domainNameProblem returns why name cannot be the name of a zone (RFC 1035 section
// 2.3.4), or "". Any visible character is allowed in a label, as in Route 53.
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

func truncate(s string) string {
	if len(s) > 64 {
		return s[:61] + "..."
	}
	return s
}

func (c *CreateNamespace) namespace(a *accountState, r *Rules, m *command.Meta, tags Attributes) *Namespace {
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
