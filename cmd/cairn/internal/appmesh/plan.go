package appmesh

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/mesh"
)

// resource is a resource in a file.
type resource struct {
	Ref  mesh.Ref // without an owner
	Spec mesh.Spec
}

// order is the order in which resources can be created. It is never changed.
var order = []mesh.Kind{
	mesh.KindMesh, mesh.KindVirtualNode, mesh.KindVirtualRouter, mesh.KindRoute,
	mesh.KindVirtualService, mesh.KindVirtualGateway, mesh.KindGatewayRoute,
}

// maxFile bounds a file, in bytes.
const maxFile = 16 << 20

// read returns the resources in the files of a directory, in the order in which they can
// be created. Only is the name of the mesh to read, or empty. All errors are in the error.
func read(dir, only string) ([]resource, error) {
	var all []resource
	var errs []error
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		found, err := readFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
		all = append(all, found...)
		return nil
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r resource) bool { return only != "" && r.Ref.Mesh != only })
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no answers of aws appmesh describe-… in files *.json", dir)
	}
	slices.SortStableFunc(all, func(a, b resource) int {
		if a.Ref.Kind != b.Ref.Kind {
			return slices.Index(order, a.Ref.Kind) - slices.Index(order, b.Ref.Kind)
		}
		return strings.Compare(a.Ref.ID(), b.Ref.ID())
	})
	for i := 1; i < len(all); i++ {
		if all[i].Ref == all[i-1].Ref {
			return nil, fmt.Errorf("%s is there twice", all[i].Ref.Path())
		}
	}
	return all, nil
}

func readFile(path string) ([]resource, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return parse(text)
}

// parse returns the resources in the text of a file: answers of the AWS CLI after each
// other. Answers of other commands are errors.
func parse(text []byte) ([]resource, error) {
	var all []resource
	answers := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	for {
		var answer map[string]json.RawMessage
		err := answers.Decode(&answer)
		if err == io.EOF {
			return all, nil
		}
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok || err == nil && answer == nil {
			return nil, errors.New("it must have JSON objects, as describe commands write them with --output json")
		}
		if err != nil {
			return nil, fmt.Errorf("it is not JSON: %w", err)
		}
		for name, value := range answer {
			r, deleted, err := parseResource(mesh.Kind(name), value)
			if err != nil {
				return nil, err
			}
			if !deleted {
				all = append(all, r)
			}
		}
	}
}

// data has the members of all kinds that matter.
type data struct {
	MeshName           string
	VirtualNodeName    string
	VirtualServiceName string
	VirtualRouterName  string
	RouteName          string
	VirtualGatewayName string
	GatewayRouteName   string
	Spec               json.RawMessage
	Status             struct{ Status string }
}

func parseResource(k mesh.Kind, value []byte) (r resource, deleted bool, err error) {
	spec := k.NewSpec()
	if spec == nil {
		return r, false, fmt.Errorf("%q is not a kind of resource: this is not the answer of a describe command", string(k))
	}
	var d data
	if err := json.Unmarshal(value, &d); err != nil {
		return r, false, fmt.Errorf("%s: %w", k, err)
	}
	r = resource{d.ref(k), spec}
	if got, ok := mesh.ParsePath("", r.Ref.Path()); !ok || got != r.Ref {
		return r, false, fmt.Errorf("%s has no name, or not that of its mesh", k)
	}
	known := json.NewDecoder(bytes.NewReader(d.Spec))
	known.DisallowUnknownFields()
	if err := known.Decode(spec); err != nil {
		return r, false, fmt.Errorf("%s: spec: %w", r.Ref.Path(), err)
	}
	return r, d.Status.Status == "DELETED", nil
}

func (d *data) ref(k mesh.Kind) mesh.Ref {
	switch k {
	case mesh.KindVirtualNode:
		return mesh.NodeRef("", d.MeshName, d.VirtualNodeName)
	case mesh.KindVirtualService:
		return mesh.ServiceRef("", d.MeshName, d.VirtualServiceName)
	case mesh.KindVirtualRouter:
		return mesh.RouterRef("", d.MeshName, d.VirtualRouterName)
	case mesh.KindRoute:
		return mesh.RouteRef("", d.MeshName, d.VirtualRouterName, d.RouteName)
	case mesh.KindVirtualGateway:
		return mesh.GatewayRef("", d.MeshName, d.VirtualGatewayName)
	case mesh.KindGatewayRoute:
		return mesh.GatewayRouteRef("", d.MeshName, d.VirtualGatewayName, d.GatewayRouteName)
	}
	return mesh.MeshRef("", d.MeshName)
}

// change is one change of a plan.
type change struct {
	resource
	create bool
}

// plan is what an import is going to do.
type plan struct {
	changes   []change
	unchanged int
}

// newPlan compares resources with those that there are. Describe returns the spec of one,
// or nil.
func newPlan(want []resource, describe func(mesh.Ref) (mesh.Spec, error)) (*plan, error) {
	if err := checkReferences(want, describe); err != nil {
		return nil, err
	}
	p := &plan{}
	for _, r := range want {
		old, err := describe(r.Ref)
		switch {
		case err != nil:
			return nil, err
		case old == nil:
			p.changes = append(p.changes, change{r, true})
		case !reflect.DeepEqual(old, r.Spec):
			p.changes = append(p.changes, change{r, false})
		default:
			p.unchanged++
		}
	}
	return p, nil
}

// checkReferences returns an error that names what resources need and what is neither among
// them nor on the node. An import would otherwise end half way.
func checkReferences(want []resource, describe func(mesh.Ref) (mesh.Spec, error)) error {
	known := map[mesh.Ref]bool{}
	for _, r := range want {
		known[r.Ref] = true
	}
	var missing []error
	for _, r := range want {
		for _, needed := range r.needs() {
			if known[needed] {
				continue
			}
			spec, err := describe(needed)
			if err != nil {
				return err
			}
			if spec == nil {
				missing = append(missing, fmt.Errorf("%s needs %s, which is neither in the files nor on the node", r.Ref.Path(), needed.Path()))
			}
			known[needed] = true
		}
	}
	return errors.Join(missing...)
}

// needs returns the resources that must exist before this one. Backends may name services
// that do not exist.
func (r *resource) needs() []mesh.Ref {
	if r.Ref.Kind == mesh.KindMesh {
		return nil
	}
	all := []mesh.Ref{mesh.MeshRef(r.Ref.Owner, r.Ref.Mesh)}
	if r.Ref.Parent != "" {
		all = append(all, r.Ref.ParentRef())
	}
	if r.Ref.Kind == mesh.KindVirtualNode {
		return all
	}
	return slices.AppendSeq(all, (&mesh.Resource{Ref: r.Ref, Spec: r.Spec}).References())
}

// print writes the plan.
func (p *plan) print(w io.Writer) {
	created := 0
	for _, c := range p.changes {
		sign := "~"
		if c.create {
			sign = "+"
			created++
		}
		fmt.Fprintf(w, "%s %s\n", sign, c.Ref.Path())
	}
	fmt.Fprintf(w, "%d resources to create, %d to change, %d unchanged\n", created, len(p.changes)-created, p.unchanged)
}
