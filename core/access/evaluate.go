package access

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
)

// Why is what a decision rests on.
type Why int

// The reasons.
const (
	// NoAllow means that nothing allows it.
	NoAllow Why = iota
	// ExplicitAllow means that a statement allows it and none denies it.
	ExplicitAllow
	// ExplicitDeny means that a statement denies it.
	ExplicitDeny
)

// Layer is the kind of policy that was decisive.
type Layer int

// The layers.
const (
	IdentityLayer Layer = iota
	BoundaryLayer
	SessionLayer
	TrustLayer
)

// String is as in AWS's error texts.
func (l Layer) String() string {
	return [...]string{"identity-based policy", "permissions boundary", "session policy", "role trust policy"}[l]
}

// Decision is the answer, with its reason.
type Decision struct {
	Allowed bool
	Why     Why
	Layer   Layer
	// Policy and Sid name the statement that allowed or denied; Sid is empty
	// where the statement has none.
	Policy, Sid string
	// Resource is the one that was decisive.
	Resource string
}

// Reason words a refusal as AWS does, and names the statement, which AWS does
// not: "because no identity-based policy allows the X action", or "with an
// explicit deny in a session policy (policy P, statement S)".
func (d *Decision) Reason(action string) string {
	if d.Why != ExplicitDeny {
		return fmt.Sprintf("because no %s allows the %s action", d.Layer, action)
	}
	article := "a"
	if d.Layer == IdentityLayer {
		article = "an"
	}
	sid := "without a Sid"
	if d.Sid != "" {
		sid = d.Sid
	}
	return fmt.Sprintf("with an explicit deny in %s %s (policy %s, statement %s)", article, d.Layer, d.Policy, sid)
}

// Set is a number of policies that are evaluated together: what one of them
// allows is allowed, what one denies is denied. It is immutable.
type Set struct {
	policies []*Policy
	// byAction has the statements about each action of the catalog, so that a
	// decision does not look at the others.
	byAction map[string][]indexed
}

type indexed struct {
	policy    *Policy
	statement *statement
}

// NewSet makes a Set. The statements about the actions of the catalog are indexed.
func (c *Catalog) NewSet(policies ...*Policy) *Set {
	s := &Set{policies: policies, byAction: map[string][]indexed{}}
	for _, a := range c.Actions() {
		s.byAction[a.Name] = s.scan(a.Name)
	}
	return s
}

// scan finds the statements about an action the slow way.
func (s *Set) scan(action string) []indexed {
	var found []indexed
	for _, p := range s.policies {
		for i := range p.statements {
			if p.statements[i].about(action) {
				found = append(found, indexed{p, &p.statements[i]})
			}
		}
	}
	return found
}

func (s *Set) about(action string) []indexed {
	if found, ok := s.byAction[action]; ok {
		return found
	}
	return s.scan(action)
}

// Subject is the caller as policies see it.
type Subject struct {
	// Identity are the policies of the user and its groups, or of the role.
	Identity *Set
	// Boundary limits what Identity can allow. Nil: there is none.
	Boundary *Set
	// Session limits it for one session. Nil: there is none.
	Session *Set
}

// Evaluate decides. Every resource must be allowed by the identity's policies,
// by the boundary if there is one and by the session's policies if there are
// any; and none of them must deny it. A request without a resource that must be
// allowed is refused.
func (s *Subject) Evaluate(r *Request) Decision {
	var answer Decision // the first refusal, or else the first allow
	decided := false
	e := &evaluation{request: r}
	for i := range r.Resources {
		e.resource = &r.Resources[i]
		d := s.evaluate(e)
		if d.Why == ExplicitDeny {
			return d
		}
		if !r.Resources[i].Optional && (!decided || answer.Allowed && !d.Allowed) {
			answer, decided = d, true
		}
	}
	return answer
}

// Limits returns a subject whose identity may do everything, under the same
// boundary and session policies.
func (s *Subject) Limits() *Subject {
	return &Subject{Identity: everything("all", allow), Boundary: s.Boundary, Session: s.Session}
}

// DeniedSubject returns a subject that is denied everything: that of a principal whose
// policies cannot be used. A subject without policies is not the same, since the trust
// policy of a role can take their place.
func DeniedSubject() Subject {
	return Subject{Identity: everything("a policy that cannot be used", deny)}
}

// everything returns the set of one policy about all actions on all resources.
func everything(name string, e effect) *Set {
	anything := []pattern{{tokens: []token{{kind: anyRun}}}}
	return (*Catalog)(nil).NewSet(&Policy{Name: name, statements: []statement{{effect: e, actions: anything, resources: anything}}})
}

// evaluate decides about one resource.
func (s *Subject) evaluate(e *evaluation) Decision {
	var result Decision
	for _, layer := range [3]struct {
		set   *Set
		layer Layer
	}{{s.Identity, IdentityLayer}, {s.Boundary, BoundaryLayer}, {s.Session, SessionLayer}} {
		if layer.set == nil && layer.layer != IdentityLayer {
			continue
		}
		d := Decision{Layer: layer.layer, Resource: e.resource.ARN}
		if layer.set != nil {
			layer.set.decide(e, &d)
		}
		switch {
		case d.Why == ExplicitDeny:
			return d
		case layer.layer == IdentityLayer, result.Allowed && !d.Allowed:
			result = d
		}
	}
	return result
}

// decide evaluates the statements of one set.
func (s *Set) decide(e *evaluation, d *Decision) {
	for _, x := range s.about(e.request.Action) {
		st := x.statement
		if d.Allowed && st.effect == allow || !st.covers(e) || !st.meets(e) {
			continue
		}
		d.Policy, d.Sid = x.policy.Name, st.sid
		if st.effect == deny {
			d.Allowed, d.Why = false, ExplicitDeny
			return
		}
		d.Allowed, d.Why = true, ExplicitAllow
	}
}

// evaluation is one request on one resource.
type evaluation struct {
	request  *Request
	resource *Resource
}

// resourceTag is what the condition keys of tags of the resource have before the key
// of the tag: aws:ResourceTag/ and those of APIs, such as ecs:ResourceTag/.
const resourceTag = ":resourcetag/"

// values returns the values of a key, which is in lower case.
func (e *evaluation) values(key string) []string {
	if _, tag, ok := strings.Cut(key, resourceTag); ok {
		if e.resource.Tags == nil {
			return nil
		}
		return e.resource.Tags.TagValues(tag)
	}
	if key == "aws:resourceaccount" {
		if a, ok := arn.Parse(e.resource.ARN); ok && a.Account != "" {
			return []string{string(a.Account)}
		}
		return nil
	}
	if e.request.Context == nil {
		return nil
	}
	return e.request.Context.Values(key)
}
