package cloudmap

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestOperationsAreTheModels(t *testing.T) {
	m := loadModel(t)
	api := fakeAPI(&fakeHandlers{})
	if n := len(api.All()); n != 30 || len(m.Operations) != 30 {
		t.Errorf("%d operations, the model has %d", n, len(m.Operations))
	}
	for name, want := range m.Operations {
		op := api.Operation(name)
		if op == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		var codes []string
		for _, e := range want.Errors {
			codes = append(codes, e.Shape)
		}
		if op.Name != name || op.HostPrefix != want.Endpoint.HostPrefix || !gocmp.Equal(op.Errors, codes) {
			t.Errorf("%s: got %q, host prefix %q, errors %v", name, op.Name, op.HostPrefix, op.Errors)
		}
	}
	for _, name := range []string{"", "A", "CreateNamespace", "createService", "Z"} {
		if api.Operation(name) != nil {
			t.Errorf("there is an operation %q", name)
		}
	}
}

// TestDispatch checks of every operation that its handler gets its input, and what
// the answer's body is.
func TestDispatch(t *testing.T) {
	m := loadModel(t)
	for name, op := range m.Operations {
		body, err := json.Marshal(m.validInput(op.Input.Shape))
		if err != nil {
			t.Fatal(err)
		}
		want := "before{}"
		if op.Output.Shape == "" {
			want = "before"
		}
		h := &fakeHandlers{}
		out, err := dispatch(h, name, true, body, []byte("before"))
		if err != nil || string(out) != want {
			t.Errorf("%s: got %s, %v; want %s", name, out, err, want)
		}
		if got := reflect.TypeOf(h.got).Elem().Name(); got != op.Input.Shape {
			t.Errorf("%s: the handler got a %s", name, got)
		}

		fault := errors.New("fault")
		if _, err := dispatch(&fakeHandlers{err: fault}, name, false, body, nil); err != fault {
			t.Errorf("%s: got error %v, want the handler's", name, err)
		}
	}
}

func TestDispatchStopsAtBadInput(t *testing.T) {
	for _, body := range []string{`{"Id":1}`, `{"Id":"a"`, `{}`, ``} {
		h := &fakeHandlers{}
		if _, err := dispatch(h, "GetService", false, []byte(body), nil); err == nil || h.got != nil {
			t.Errorf("%s: error %v, the handler got %v", body, err, h.got)
		}
	}
}

func BenchmarkReadDiscoverInstances(b *testing.B) {
	body := []byte(`{"NamespaceName":"internal.example.com","ServiceName":"billing","QueryParameters":{"stage":"blue"},"MaxResults":100}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readDiscoverInstances(&wire.Request{Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}
