package identity

import (
	"context"
	"maps"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
)

// question is the input of simulate: may this principal do that?
type question struct {
	// Principal is the ARN of a user or role.
	Principal string
	Action    string
	// Resources default to "*".
	Resources []string
	// Context has values of condition keys, such as aws:SourceIp. Keys of the principal,
	// such as aws:username, and of a known resource, such as its tags, are there already.
	Context map[string][]string
	// ResourceTags replace the tags that are known.
	ResourceTags map[string]string
	// SessionPolicy, if given, is that of a session of the role, in JSON.
	SessionPolicy string
}

// decision is the decision and its reason.
type decision struct {
	Allowed bool
	// Reason is in words, as in AWS's error texts.
	Reason string
	// Policy and Statement are what allowed or denied; Statement is empty
	// where it has no Sid.
	Policy, Statement string
	Resource          string
}

// simulate evaluates without doing anything; the answer is what a call would get.
func (h *Handler) simulate(_ context.Context, q *question) (any, error) {
	directory := h.cfg.Directory()
	p, ok := directory.Principal(q.Principal)
	if !ok {
		return nil, &command.NotFound{Message: "principal " + q.Principal + " does not exist"}
	}
	action, ok := directory.Catalog().Action(q.Action)
	if !ok {
		return nil, &badRequest{"action " + q.Action + " is not served here; they are spelt as servicediscovery:DiscoverInstances"}
	}
	subject := p.Subject
	if q.SessionPolicy != "" {
		policy, err := directory.Catalog().Parse("session policy", access.IdentityPolicy, q.SessionPolicy)
		if err != nil {
			return nil, &badRequest{"session policy: " + err.Error()}
		}
		subject.Session = directory.Catalog().NewSet(policy)
	}
	r := &access.Request{Action: q.Action}
	known := access.MapContext{}
	for _, arn := range q.Resources {
		tags, keys, err := h.cfg.Known(arn)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, keys)
		r.Resources = append(r.Resources, access.Resource{ARN: arn, Tags: tags})
	}
	if len(r.Resources) == 0 {
		r.Resources = []access.Resource{{ARN: "*"}}
	}
	if len(q.ResourceTags) > 0 {
		for i := range r.Resources {
			r.Resources[i].Tags = tagMap(q.ResourceTags)
		}
	}
	var err error
	if r.Context, err = newContext(directory.Catalog(), p, action, known, q.Context); err != nil {
		return nil, err
	}
	return explain(subject.Evaluate(r), q.Action), nil
}

func explain(d access.Decision, action string) decision {
	a := decision{Allowed: d.Allowed, Policy: d.Policy, Statement: d.Sid, Resource: d.Resource}
	if d.Allowed {
		a.Reason = "allowed by the " + d.Layer.String() + " " + d.Policy
	} else {
		a.Reason = d.Reason(action)
	}
	return a
}

// newContext has the values that the principal gives, those known of the resources
// for keys of the action, and those given for the request. Later ones replace
// earlier ones.
func newContext(catalog *access.Catalog, p *identity.Principal, action *access.Action, known access.MapContext, given map[string][]string) (access.MapContext, error) {
	c := access.MapContext{
		"aws:principalarn": {p.ARN}, "aws:principalaccount": {p.Account}, "aws:principaltype": {p.Kind.String()}, "aws:userid": {p.ID},
	}
	if p.Kind == identity.UserKind {
		c["aws:username"] = []string{p.Name}
	}
	for k, v := range p.Tags {
		c["aws:principaltag/"+strings.ToLower(k)] = []string{v}
	}
	for _, name := range action.Keys {
		if values, ok := known[strings.ToLower(name)]; ok {
			c[strings.ToLower(name)] = values
		}
	}
	for k, v := range given {
		if err := catalog.CheckKey(k); err != nil {
			return nil, &badRequest{err.Error()}
		}
		c[strings.ToLower(k)] = v
	}
	return c, nil
}

type tagMap map[string]string

func (t tagMap) TagValues(key string) []string {
	var values []string
	for k, v := range t {
		if strings.EqualFold(k, key) {
			values = append(values, v)
		}
	}
	return values
}
