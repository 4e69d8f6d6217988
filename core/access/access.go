// Package access parses IAM policies and evaluates them against requests.
//
// It is pure. A policy is parsed once, strictly: an unknown element, operator or key is an
// error that names its place; nothing is ignored. The result is compiled, so that a
// decision costs little:
//
//	p, err := access.Parse("reader", access.IdentityPolicy, text)
//	subject := access.Subject{Identity: access.NewSet(p)}
//	d := subject.Evaluate(&access.Request{Action: "servicediscovery:GetNamespace", …})
//
// The language is that of "IAM JSON policy element reference" and the logic that
// of "Policy evaluation logic" in the IAM User Guide, for one account's
// identity-based policies, permissions boundaries, session policies, and the
// trust policies of roles. Where the documentation of AWS is not clear, less is
// allowed: see docs/identity.md.
package access

// effect is what a statement does with what it matches.
type effect bool

// The effects.
const (
	deny  effect = false
	allow effect = true
)

// Kind is what a policy is for, which decides the elements it may have.
type Kind int

// The kinds of policy.
const (
	// IdentityPolicy is attached to a user, group or role, or is a permissions
	// boundary or a session policy. It has resources and no principal.
	IdentityPolicy Kind = iota
	// TrustPolicy says who may assume a role. It has principals and no resource.
	TrustPolicy
)

// Policy is one compiled policy. It is immutable.
type Policy struct {
	// Name is for people: it is in decisions.
	Name       string
	statements []statement
}

// Resource is something that a request is about.
type Resource struct {
	ARN string
	// Tags are the resource's. Nil: it has none.
	Tags Tagged
	// Optional resources need no allow; a deny of them counts.
	Optional bool
}

// Tagged is something with tags.
type Tagged interface {
	// TagValues returns the values of all tags whose key is the given one when
	// case is ignored, which it is in condition keys.
	TagValues(key string) []string
}

// Context gives the values of condition keys. The key is in lower case. No
// values mean that the request does not have the key.
type Context interface {
	Values(key string) []string
}

// Request is an action on resources that a caller asks for.
type Request struct {
	Action    string // such as servicediscovery:GetNamespace
	Resources []Resource
	Context   Context
}

// MapContext is a Context of given values. Its keys are in lower case.
type MapContext map[string][]string

// Values implements Context.
func (m MapContext) Values(key string) []string { return m[key] }
