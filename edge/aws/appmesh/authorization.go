package appmesh

import (
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// describer adds to an authorization what a call is about.
type describer = func(*service.Call, *service.Authorization, any)

// on describes a call about a resource in the account that owns its mesh, the
// caller's if it is nil. Path has kinds and names in turn: mesh, M, virtualNode, N.
func on[I any](of func(*I) (owner *string, path []string)) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		owner, path := of(in)
		a.Resource(c.ARN(c.Owner(owner), strings.Join(path, "/")), nil)
	})
}

// onARN describes a call about the resource of an ARN.
func onARN[I any](of func(*I) string) describer {
	return service.Describe(func(_ *service.Call, a *service.Authorization, in *I) { a.Resource(of(in), nil) })
}
