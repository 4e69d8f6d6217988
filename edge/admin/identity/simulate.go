package identity

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
)

// Question is what simulate answers: may this principal do that?
type Question struct {
	// Principal is the ARN of a user or role.
	Principal string
	Action    string
	// Resources default to "*".
	Resources []string
	// Context has values of condition keys, such as aws:SourceIp. What the
	// principal gives, such as aws:username, is there already, and so is what
	// the registry knows of a resource, such as its tags.
	Context map[string][]string
	// ResourceTags stand in place of the tags that the registry knows.
	ResourceTags map[string]string
	// SessionPolicy, if given, is that of a session of the role, in JSON.
	SessionPolicy string
}

// Answer is what it comes to, and why.
type Answer struct {
	Allowed bool
	// Reason is in words, as in AWS's error texts.
	Reason string
	// Policy and Statement are what allowed or denied; Statement is empty
	// where it has no Sid.
	Policy, Statement string
	Resource          string
}

// simulate evaluates without doing anything; the answer is what a call would get.
func (h *Handler) simulate(_ context.Context, body []byte) (any, error) {
	var q Question
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	p, ok := h.cfg.Directory().Principal(q.Principal)
	if !ok {
		return nil, &command.NotFound{Message: "principal " + q.Principal + " is not there"}
	}
	action, ok := access.FindAction(q.Action)
	if !ok {
		return nil, &badRequest{"action " + q.Action + " is not served here; they are spelt as servicediscovery:DiscoverInstances"}
	}
	subject := p.Subject
	if q.SessionPolicy != "" {
		policy, err := access.Parse("session policy", access.IdentityPolicy, q.SessionPolicy)
		if err != nil {
			return nil, &badRequest{"session policy: " + err.Error()}
		}
		subject.Session = access.NewSet(policy)
	}
	r := &access.Request{Action: q.Action}
	known := access.MapContext{}
	for _, arn := range q.Resources {
		r.Resources = append(r.Resources, h.resource(arn, known))
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
	if r.Context, err = newContext(p, action, known, q.Context); err != nil {
		return nil, err
	}
	return explain(subject.Evaluate(r), q.Action), nil
}

func explain(d access.Decision, action string) Answer {
	a := Answer{Allowed: d.Allowed, Policy: d.Policy, Statement: d.Sid, Resource: d.Resource}
	if d.Allowed {
		a.Reason = "allowed by the " + d.Layer.String() + " " + d.Policy
	} else {
		a.Reason = d.Reason(action)
	}
	return a
}

// resource looks up what the registry knows of a resource: its tags, and into
// known the values of Cloud Map's condition keys.
func (h *Handler) resource(arn string, known access.MapContext) access.Resource {
	r := access.Resource{ARN: arn}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "servicediscovery" {
		return r
	}
	key := "servicediscovery:namespace"
	if strings.HasPrefix(parts[5], "service/") {
		key = "servicediscovery:service"
	}
	known[key+"arn"] = []string{arn}
	ns, svc, err := h.cfg.Replica.Current().Registry.FindResource(&h.cfg.Rules().Registry, command.AccountID(parts[4]), arn)
	switch {
	case err != nil: // there is no such thing, so nothing is known of it
	case ns != nil:
		r.Tags = tagMap(maps.Collect(ns.Tags.All()))
		known[key+"name"] = slices.Compact([]string{ns.HTTPName, ns.Name})
	default:
		r.Tags = tagMap(maps.Collect(svc.Tags.All()))
		known[key+"name"] = []string{svc.Name}
		known["servicediscovery:servicecreatedbyaccount"] = []string{string(svc.CreatedBy)}
	}
	return r
}

// newContext has what the principal gives, then what is known of the resources
// and the action has a key for, then what is given for the request.
func newContext(p *identity.Principal, action *access.Action, known access.MapContext, given map[string][]string) (access.MapContext, error) {
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
		if err := access.CheckKey(k); err != nil {
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
