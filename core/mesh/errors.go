package mesh

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
)

// A broken rule is a command.InvalidInput, a missing resource a command.NotFound, a
// resource in use a command.Conflict, and a name or token that is taken a
// command.AlreadyExists.

// Forbidden means that the account sees the mesh but may not do this in it.
type Forbidden struct{ Message string }

func (e *Forbidden) Error() string { return e.Message }

func forbidden(format string, args ...any) error {
	return &Forbidden{fmt.Sprintf(format, args...)}
}

// TooManyTags means that a resource would have more than 50 tags.
type TooManyTags struct{ Message string }

func (e *TooManyTags) Error() string { return e.Message }

// notPresent returns the error of a resource that an account does not see.
func notPresent(r Ref, account command.AccountID) error {
	text := fmt.Sprintf("%s with name %s is not present", r.Kind, r.ShortName())
	if r.Parent != "" {
		text += fmt.Sprintf(" under %s %s", r.ParentRef().Kind, r.Parent)
	}
	if r.Kind != KindMesh {
		text += " under mesh " + r.Mesh
	}
	return &command.NotFound{Message: fmt.Sprintf("%s for account %s", text, account)}
}
