package access

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
)

// principal is an entry of a Principal element.
type principal struct {
	kind  principalKind
	value string // an account id, or an ARN
}

type principalKind int

const (
	anybody      principalKind = iota + 1 // "*"
	accountOf                             // every principal of an account that its own policies allow
	arnOf                                 // one user, role or session
	federated                             // tokens of one OIDC issuer
	serviceOfAWS                          // a service such as ecs-tasks.amazonaws.com, which assumes roles for its users
)

const maxPrincipals = 100

// readPrincipals reads "*", or an object of AWS, Federated and Service.
func (s *statement) readPrincipals(n *node) error {
	if n.kind == stringNode && n.text == "*" {
		s.principals = []principal{{kind: anybody}}
		return nil
	}
	if n.kind != objectNode || len(n.members) == 0 {
		return syntaxErr(n.path, `must be "*" or an object with AWS, Federated or Service`)
	}
	for _, m := range n.members {
		values, err := m.value.oneOrMany()
		if err != nil {
			return err
		}
		for _, v := range values {
			text, err := v.str()
			if err != nil {
				return err
			}
			p, problem := readPrincipal(m.name, text)
			if problem != "" {
				return syntaxErr(v.path, "%q %s", truncate(text), problem)
			}
			s.principals = append(s.principals, p)
		}
	}
	if len(s.principals) > maxPrincipals {
		return syntaxErr(n.path, "has more than %d principals", maxPrincipals)
	}
	return nil
}

func readPrincipal(kind, text string) (principal, string) {
	switch kind {
	case "AWS":
		if text == "*" {
			return principal{kind: anybody}, ""
		}
		if isAccountID(text) {
			return principal{accountOf, text}, ""
		}
		a, ok := arn.Parse(text)
		if !ok || a.Service != "iam" && a.Service != "sts" || !isAccountID(string(a.Account)) || strings.ContainsAny(text, "*?") {
			return principal{}, `must be "*", an account id, or the whole ARN of a user, role or session`
		}
		if a.Resource == "root" {
			return principal{accountOf, string(a.Account)}, ""
		}
		return principal{arnOf, text}, ""
	case "Federated":
		if text == "" || strings.ContainsAny(text, "*?") {
			return principal{}, "must name one provider of tokens"
		}
		return principal{federated, text}, ""
	case "Service":
		return principal{serviceOfAWS, text}, ""
	}
	return principal{}, "is under a kind of principal that is not known; there are AWS, Federated and Service"
}

func isAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// Caller is a principal that assumes a role.
type Caller struct {
	Account string
	// ARN is the user's or the session's. RoleARN is the role's, for a session.
	ARN, RoleARN string
	// Provider is the ARN of the issuer of a token, where that is what the
	// caller shows; then the others are empty.
	Provider string
	// Service is the principal of a service, such as "ecs-tasks.amazonaws.com", that
	// assumes the role for tasks; then the others are empty.
	Service string
}

// Trust is the decision of a trust policy on a caller.
type Trust struct {
	Decision
	// ByAccount is set where the policy trusts the caller's whole account, or everybody.
	// Then policies of the caller's own account must allow the call too.
	ByAccount bool
}

// EvaluateTrust decides by a role's trust policy alone. Denials are evaluated before
// anything else, so no allow can be taken into account despite one.
func (p *Policy) EvaluateTrust(c Caller, r *Request) Trust {
	e := evaluation{request: r, resource: &Resource{}}
	for i := range p.statements {
		s := &p.statements[i]
		if s.effect == deny && s.denies(c) && s.about(r.Action) && s.meets(&e) {
			return Trust{Decision: Decision{Why: ExplicitDeny, Layer: TrustLayer, Policy: p.Name, Sid: s.sid}}
		}
	}
	t := Trust{Decision: Decision{Why: NoAllow, Layer: TrustLayer, Policy: p.Name}, ByAccount: true}
	for i := range p.statements {
		s := &p.statements[i]
		if s.effect != allow {
			continue
		}
		byAccount, ok := s.trusts(c)
		if !ok || !s.about(r.Action) || !s.meets(&e) {
			continue
		}
		t.Allowed, t.Why, t.Sid = true, ExplicitAllow, s.sid
		t.ByAccount = t.ByAccount && byAccount
	}
	return t
}

// denies reports whether a Deny concerns the caller. "*" is every caller, one that
// shows a token too: see "Principal" in the IAM policy element reference.
func (s *statement) denies(c Caller) bool {
	for _, p := range s.principals {
		if p.kind == anybody || p.names(c) {
			return true
		}
	}
	return false
}

// trusts reports whether an Allow concerns the caller. "*" does not trust callers
// that show a token: a provider must be named, so that a policy written for AWS's
// principals does not trust the tokens of any issuer.
func (s *statement) trusts(c Caller) (byAccount, ok bool) {
	byAccount = true
	for _, p := range s.principals {
		switch {
		case p.kind == anybody:
			ok = ok || c.Provider == ""
		case !p.names(c):
		case p.kind == accountOf:
			ok = true
		default:
			byAccount, ok = false, true
		}
	}
	return byAccount, ok
}

// names reports whether a principal other than "*" is the caller.
func (p *principal) names(c Caller) bool {
	switch p.kind {
	case accountOf:
		return c.Account != "" && p.value == c.Account
	case arnOf:
		return p.value == c.ARN || c.RoleARN != "" && p.value == c.RoleARN
	case federated:
		return c.Provider != "" && p.value == c.Provider
	case serviceOfAWS:
		return c.Service != "" && p.value == c.Service
	}
	return false
}
