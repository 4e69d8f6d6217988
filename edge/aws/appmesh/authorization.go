package appmesh

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// describer adds to an authorization what a call is about.
type describer = func(*service.Call, *service.Authorization, any)

// tags implements access.Tagged.
type tags []mesh.Tag

// TagValues returns the values of the tags whose key is equal but for case.
func (t tags) TagValues(key string) []string {
	var values []string
	for i := range t {
		if strings.EqualFold(t[i].Key, key) {
			values = append(values, t[i].Value)
		}
	}
	return values
}

// resource returns the ARN and the tags of a resource. In the ARN is the account that
// created it; of one that the caller does not see, the owner of the mesh that it said.
func resource(c *service.Call, ref mesh.Ref) (string, access.Tagged) {
	if r, err := c.State.Mesh.Find(&c.Rules.Mesh, c.Account, ref); err == nil {
		return r.ARN(c.Rules.Region()), tags(r.Tags)
	}
	return c.ARN(ref.Owner, ref.Path()), nil
}

// on describes a call about a resource.
func on[I any](of func(*service.Call, *I) mesh.Ref) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) { a.Resource(resource(c, of(c, in))) })
}

// updates describes a call about a resource and those that its new spec names.
func updates[I any](of func(*service.Call, *I) (ref mesh.Ref, spec any)) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		ref, spec := of(c, in)
		a.Resource(resource(c, ref))
		addNamed(c, a, ref, spec)
	})
}

// creates describes a call that creates a resource, which the caller will own, with tags.
func creates[I any](of func(*service.Call, *I) (ref mesh.Ref, spec any, tags []*TagRef)) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		ref, spec, tags := of(c, in)
		created := c.ARN(c.Account, ref.Path())
		a.Resource(created, nil)
		a.Tags(requestTags(tags))
		a.TagOnCreation(created)
		addNamed(c, a, ref, spec)
	})
}

// addNamed adds the resources that a spec names. The targets of a route must be allowed;
// the others must not be denied.
func addNamed(c *service.Call, a *service.Authorization, ref mesh.Ref, spec any) {
	if spec == nil {
		return
	}
	named := &mesh.Resource{Ref: ref, Spec: specOf(ref.Kind, spec)}
	for target := range named.References() {
		if ref.Kind == mesh.KindRoute {
			a.Resource(resource(c, target))
		} else {
			a.OptionalResource(resource(c, target))
		}
	}
}

// onARN describes a call about the resource of an ARN. More adds further parts of the
// input; nil: there are none.
func onARN[I any](of func(*I) string, more func(*service.Authorization, *I)) describer {
	return service.Describe(func(c *service.Call, a *service.Authorization, in *I) {
		text := of(in)
		a.Resource(text, known(c.State, c.Rules, text).Tags)
		if more != nil {
			more(a, in)
		}
	})
}

// known returns what the state has of the resource with an ARN.
func known(s *state.State, _ *state.Rules, text string) service.Known {
	a, ok := arn.Parse(text)
	if !ok || a.Service != apiName {
		return service.Known{}
	}
	if ref, ok := mesh.ParsePath(a.Account, a.Resource); ok {
		if r, ok := s.Mesh.Get(ref); ok && r.Account == a.Account {
			return service.Known{Tags: tags(r.Tags)}
		}
	}
	return service.Known{}
}
