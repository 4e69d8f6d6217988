package iam

import (
	"context"
	"strings"

	"cairn/core/access"
	"cairn/core/identity"
)

// Question is what simulate answers: may this principal do that?
type Question struct {
	// Principal is the ARN of a user or role.
	Principal string
	Action    string
	// Resources default to "*".
	Resources []string
	// Context has values of condition keys, such as aws:SourceIp. What the
	// principal itself gives, such as aws:username, is there already.
	Context map[string][]string
	// ResourceTags are tags of the resources.
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
		return nil, &identity.NotFound{What: "principal " + q.Principal}
	}
	if _, ok := access.FindAction(q.Action); !ok {
		return nil, &badRequest{"action " + q.Action + " is not served here; they are spelt as servicediscovery:DiscoverInstances"}
	}
	subject := p.Subject
	if q.SessionPolicy != "" {
		policy, err := access.Parse("session policy", access.IdentityPolicy, q.SessionPolicy)
		if err != nil {
			return nil, &badRequest{err.Error()}
		}
		subject.Session = access.NewSet(policy)
	}
	r := &access.Request{Action: q.Action, Context: newContext(p, q.Context)}
	if len(q.Resources) == 0 {
		q.Resources = []string{"*"}
	}
	for _, arn := range q.Resources {
		r.Resources = append(r.Resources, access.Resource{ARN: arn, Tags: tagMap(q.ResourceTags)})
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

// newContext has what the principal gives, under what is given for the request.
func newContext(p *identity.Principal, given map[string][]string) access.MapContext {
	c := access.MapContext{
		"aws:principalarn": {p.ARN}, "aws:principalaccount": {p.Account}, "aws:principaltype": {p.Kind.String()}, "aws:userid": {p.ID},
	}
	if p.Kind == identity.UserKind {
		c["aws:username"] = []string{p.Name}
	}
	for k, v := range p.Tags {
		c["aws:principaltag/"+strings.ToLower(k)] = []string{v}
	}
	for k, v := range given {
		c[strings.ToLower(k)] = v
	}
	return c
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
