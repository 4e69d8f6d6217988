package command

import "fmt"

// The errors below mean the same in every slice. Their text is for the client.
// A slice adds its own types where an API needs further fields or another code.

// InvalidInput means that a request breaks a rule; the text names the member,
// the value and the rule.
type InvalidInput struct{ Message string }

func (e *InvalidInput) Error() string { return e.Message }

// Invalid returns an InvalidInput with a formatted text.
func Invalid(format string, args ...any) error {
	return &InvalidInput{Message: fmt.Sprintf(format, args...)}
}

// NotFound means that there is no such resource, or none that the account sees.
type NotFound struct{ Message string }

func (e *NotFound) Error() string { return e.Message }

// AlreadyExists means that the name is used by another resource.
type AlreadyExists struct{ Message string }

func (e *AlreadyExists) Error() string { return e.Message }

// Conflict means that another resource has to be changed or deleted first, such
// as one that uses the resource.
type Conflict struct{ Message string }

func (e *Conflict) Error() string { return e.Message }

// LimitExceeded means that a quota or another limit is reached.
type LimitExceeded struct {
	What  string // such as "services per namespace"
	Limit int
	// Setting is the key in the configuration that raises the limit. It is empty
	// if there is none, or if the text must be that of AWS.
	Setting string
}

func (e *LimitExceeded) Error() string {
	text := fmt.Sprintf("The limit of %d %s has been reached", e.Limit, e.What)
	if e.Setting != "" {
		text += ": " + e.Setting + " in the configuration raises it"
	}
	return text
}
