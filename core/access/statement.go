package access

import (
	"strings"
)

// statement is one compiled statement.
type statement struct {
	sid          string
	effect       effect
	actions      []pattern
	notActions   bool // actions are those it is not about
	resources    []pattern
	notResources bool
	conditions   []condition
	principals   []principal // of a trust policy
}

// versions of the policy language; only the newer one has variables.
const (
	version2012 = "2012-10-17"
	version2008 = "2008-10-17"
)

// Parse reads a policy in JSON. An error is always a *SyntaxError.
func (c *Catalog) Parse(name string, kind Kind, text string) (*Policy, error) {
	root, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	if root.kind != objectNode {
		return nil, syntaxErr("", "must be an object")
	}
	r := policyReader{catalog: c, kind: kind, sids: map[string]bool{}}
	var statements *node
	for _, m := range root.members {
		switch m.name {
		case "Version":
			err = r.readVersion(m.value)
		case "Id":
			_, err = m.value.str()
		case "Statement":
			statements = m.value
		default:
			err = syntaxErr(m.value.path, "this element is not known; a policy has Version, Id and Statement")
		}
		if err != nil {
			return nil, err
		}
	}
	if statements == nil {
		return nil, syntaxErr("Statement", "is missing")
	}
	list, err := statements.oneOrMany()
	if err != nil {
		return nil, err
	}
	p := &Policy{Name: name}
	for _, n := range list {
		s, err := r.readStatement(n)
		if err != nil {
			return nil, err
		}
		p.statements = append(p.statements, s)
	}
	return p, nil
}

// policyReader is what the statements of one policy have in common.
type policyReader struct {
	catalog   *Catalog
	kind      Kind
	variables bool
	sids      map[string]bool
}

func (r *policyReader) readVersion(n *node) error {
	v, err := n.str()
	if err != nil {
		return err
	}
	if v != version2012 && v != version2008 {
		return syntaxErr(n.path, "%q must be %s or %s", truncate(v), version2012, version2008)
	}
	r.variables = v == version2012
	return nil
}

// readStatement reads one statement, its elements in any order.
func (r *policyReader) readStatement(n *node) (statement, error) {
	var s statement
	if n.kind != objectNode {
		return s, syntaxErr(n.path, "must be an object")
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		if err := r.readElement(&s, m); err != nil {
			return s, err
		}
		seen[m.name] = true
	}
	return s, r.checkElements(n.path, seen)
}

func (r *policyReader) readElement(s *statement, m member) (err error) {
	switch m.name {
	case "Sid":
		s.sid, err = r.readSid(m.value)
	case "Effect":
		s.effect, err = readEffect(m.value)
	case "Action", "NotAction":
		s.notActions = m.name == "NotAction"
		s.actions, err = r.readActions(m.value)
	case "Resource", "NotResource":
		if r.kind == TrustPolicy {
			return syntaxErr(m.value.path, "a trust policy has no resource: it is about the role it belongs to")
		}
		s.notResources = m.name == "NotResource"
		s.resources, err = r.readResources(m.value)
	case "Principal":
		if r.kind != TrustPolicy {
			return syntaxErr(m.value.path, "only the trust policy of a role has a principal")
		}
		err = s.readPrincipals(m.value)
	case "Condition":
		s.conditions, err = r.readConditions(m.value)
	default:
		err = syntaxErr(m.value.path, "this element is not known")
	}
	return err
}

func (r *policyReader) checkElements(path string, seen map[string]bool) error {
	if !seen["Effect"] {
		return syntaxErr(path, "Effect is missing")
	}
	pairs := [][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}}
	if r.kind == TrustPolicy {
		pairs = [][2]string{{"Action", "NotAction"}, {"Principal", "Principal"}}
	}
	for _, pair := range pairs {
		a, b := pair[0], pair[1]
		if !seen[a] && !seen[b] {
			return syntaxErr(path, "%s is missing", a)
		}
		if a != b && seen[a] && seen[b] {
			return syntaxErr(path, "%s and %s exclude each other", a, b)
		}
	}
	return nil
}

func (r *policyReader) readSid(n *node) (string, error) {
	sid, err := n.str()
	if err != nil {
		return "", err
	}
	for _, c := range sid {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return "", syntaxErr(n.path, "%q must be letters and digits only", truncate(sid))
		}
	}
	if sid != "" && r.sids[sid] {
		return "", syntaxErr(n.path, "%q is given to two statements", truncate(sid))
	}
	r.sids[sid] = true
	return sid, nil
}

func readEffect(n *node) (effect, error) {
	text, err := n.str()
	if err != nil {
		return deny, err
	}
	switch text {
	case "Allow":
		return allow, nil
	case "Deny":
		return deny, nil
	}
	return deny, syntaxErr(n.path, "%q must be Allow or Deny", truncate(text))
}

// readActions reads service:Action patterns, in which case does not matter. A
// pattern of a listed API must match one of its actions.
func (r *policyReader) readActions(n *node) ([]pattern, error) {
	values, err := n.oneOrMany()
	if err != nil {
		return nil, err
	}
	var patterns []pattern
	for _, v := range values {
		text, err := v.str()
		if err != nil {
			return nil, err
		}
		service, name, ok := strings.Cut(text, ":")
		if text != "*" && (!ok || service == "" || name == "" || strings.ContainsAny(service, "*?")) {
			return nil, syntaxErr(v.path, `%q must be "*" or service:action, where the action may have wildcards`, truncate(text))
		}
		p, err := compilePattern(v.path, text, options{wildcards: true, fold: true})
		if err != nil {
			return nil, err
		}
		if r.catalog.lists(service) && !r.catalog.matchesAction(&p) {
			return nil, syntaxErr(v.path, "%q matches no action of %s", truncate(text), strings.ToLower(service))
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// readResources reads ARN patterns. A * in one may stand for colons too; the
// names of resources have none, so nothing else can be meant.
func (r *policyReader) readResources(n *node) ([]pattern, error) {
	values, err := n.oneOrMany()
	if err != nil {
		return nil, err
	}
	var patterns []pattern
	for _, v := range values {
		text, err := v.str()
		if err != nil {
			return nil, err
		}
		if text != "*" {
			if parts := splitARN(text); parts == nil || parts[0] != "arn" || parts[2] == "" || parts[5] == "" {
				return nil, syntaxErr(v.path, `%q must be "*" or an ARN`, truncate(text))
			}
		}
		p, err := compilePattern(v.path, text, options{wildcards: true, variables: r.variables, catalog: r.catalog})
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// about reports whether the statement is about an action.
func (s *statement) about(action string) bool {
	for i := range s.actions {
		if s.actions[i].match(action) {
			return !s.notActions
		}
	}
	return s.notActions
}

// covers reports whether the statement is about the evaluation's resource.
func (s *statement) covers(e *evaluation) bool {
	matched, resolved := false, true
	for i := range s.resources {
		p, ok := s.resources[i].resolve(e)
		resolved = resolved && ok
		matched = matched || ok && p.match(e.resource.ARN)
	}
	if s.notResources && !resolved && s.effect == allow {
		return false // what is excepted is not known
	}
	return matched != s.notResources
}

// meets reports whether all conditions hold.
func (s *statement) meets(e *evaluation) bool {
	for i := range s.conditions {
		if !s.conditions[i].matches(e, s.effect) {
			return false
		}
	}
	return true
}
