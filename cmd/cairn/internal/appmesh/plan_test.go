package appmesh

import (
	"os"
	"path/filepath"
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

// TestRefusedFiles: a file that cannot be imported is named.
func TestRefusedFiles(t *testing.T) {
	for text, want := range map[string]string{
		`{"mesh":`:      "a.json: unexpected EOF",
		`[]`:            "a.json: json: cannot unmarshal array",
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
