package appmesh

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/mesh"
)

// answers are what the AWS CLI wrote.
var answers = map[string]string{
	"mesh.json":      `{"mesh":{"meshName":"m","metadata":{"version":1},"spec":{},"status":{"status":"ACTIVE"}}}`,
	"sub/nodes.json": `{"virtualNode":{"meshName":"m","virtualNodeName":"b","spec":{"backends":[]}}} {"virtualNode":{"meshName":"m","virtualNodeName":"a","spec":{}}}`,
	"route.json":     `{"route":{"meshName":"m","virtualRouterName":"r","routeName":"x","spec":{"priority":0,"tcpRoute":{"action":{"weightedTargets":[{"virtualNode":"a","weight":1}]}}}}}`,
	"router.json":    `{"virtualRouter":{"meshName":"m","virtualRouterName":"r","spec":{"listeners":[{"portMapping":{"port":80,"protocol":"tcp"}}]}}}`,
	"old.json":       `{"virtualNode":{"meshName":"m","virtualNodeName":"gone","spec":{},"status":{"status":"DELETED"}}}`,
	"other.json":     `{"mesh":{"meshName":"m2","spec":{}}}`,
	"notes.txt":      `no JSON`,
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPlan: what is new, what differs and what is the same, in the order in which it can
// be made.
func TestPlan(t *testing.T) {
	want, err := read(write(t, answers), "m")
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(want, func(r mesh.Ref) (mesh.Spec, error) {
		switch r.Path() {
		case "mesh/m":
			return &mesh.MeshSpec{}, nil
		case "mesh/m/virtualRouter/r":
			return &mesh.VirtualRouterSpec{}, nil
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	p.print(&text)
	if got, want := text.String(), `+ mesh/m/virtualNode/a
+ mesh/m/virtualNode/b
~ mesh/m/virtualRouter/r
+ mesh/m/virtualRouter/r/route/x
3 resources to create, 1 to change, 1 unchanged
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestReferences: what a resource needs is among the files or on the node; else there is no
// plan.
func TestReferences(t *testing.T) {
	const service = "\ufeff" + `{"virtualService":{"meshName":"m","virtualServiceName":"s","spec":{"provider":{"virtualNode":{"virtualNodeName":"a"}}}}}
		{"virtualNode":{"meshName":"m","virtualNodeName":"b","spec":{"backends":[{"virtualService":{"virtualServiceName":"later"}}]}}}
		{"route":{"meshName":"m","virtualRouterName":"r","routeName":"x","spec":{"tcpRoute":{"action":{"weightedTargets":[{"virtualNode":"b","weight":1},{"virtualNode":"c","weight":1}]}}}}}`
	want, err := read(write(t, map[string]string{"a.json": service}), "")
	if err != nil {
		t.Fatal(err)
	}
	for there, missing := range map[string]string{
		"": `mesh/m/virtualNode/b needs mesh/m, which is neither in the files nor on the node
mesh/m/virtualRouter/r/route/x needs mesh/m/virtualRouter/r, which is neither in the files nor on the node
mesh/m/virtualRouter/r/route/x needs mesh/m/virtualNode/c, which is neither in the files nor on the node
mesh/m/virtualService/s needs mesh/m/virtualNode/a, which is neither in the files nor on the node`,
		"mesh/m mesh/m/virtualRouter/r mesh/m/virtualNode/c":                      "mesh/m/virtualService/s needs mesh/m/virtualNode/a, which is neither in the files nor on the node",
		"mesh/m mesh/m/virtualRouter/r mesh/m/virtualNode/c mesh/m/virtualNode/a": "",
	} {
		_, err := newPlan(want, func(r mesh.Ref) (mesh.Spec, error) {
			if slices.Contains(strings.Fields(there), r.Path()) {
				return r.Kind.NewSpec(), nil
			}
			return nil, nil
		})
		if (err == nil) != (missing == "") || err != nil && err.Error() != missing {
			t.Errorf("on the node %q: got\n%v\nwant\n%s", there, err, missing)
		}
	}
}

// TestRefusedFiles: a file that cannot be imported is named.
func TestRefusedFiles(t *testing.T) {
	for text, want := range map[string]string{
		`{"mesh":`:      "a.json: it is not JSON: unexpected EOF",
		`[]`:            "a.json: it must have JSON objects",
		`null`:          "a.json: it must have JSON objects",
		`{"meshes":[]}`: `"meshes" is not a kind of resource`,
		`{"virtualNode":{"meshName":"m","spec":{}}}`:                              "VirtualNode has no name",
		`{"virtualNode":{"meshName":"m","virtualNodeName":"n","spec":{"x":1}}}`:   `mesh/m/virtualNode/n: spec: json: unknown field "x"`,
		`{"virtualNode":{"meshName":"m","virtualNodeName":"n/x","spec":{}}}`:      "VirtualNode has no name, or not that of its mesh",
		`{"mesh":{"meshName":"m","spec":{}}} {"mesh":{"meshName":"m","spec":{}}}`: "mesh/m is there twice",
		``: "has no answers of aws appmesh",
	} {
		_, err := read(write(t, map[string]string{"a.json": text}), "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range answers {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parse(text)
		for _, r := range found {
			if err != nil || r.Spec == nil || r.Ref.Mesh == "" {
				t.Errorf("%q: %v %v", text, r, err)
			}
		}
	})
}
