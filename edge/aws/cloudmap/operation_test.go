package cloudmap

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
)

func TestOperationsAreTheModels(t *testing.T) {
	m := loadModel(t)
	if len(operations) != 30 || len(m.Operations) != 30 {
		t.Errorf("%d operations, the model has %d", len(operations), len(m.Operations))
	}
	for name, want := range m.Operations {
		op := findOperation(name)
		if op == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		var codes []string
		for _, e := range want.Errors {
			codes = append(codes, e.Shape)
		}
		if op.name != name || op.hostPrefix != want.Endpoint.HostPrefix || !gocmp.Equal(op.errors, codes) {
			t.Errorf("%s: got %q, host prefix %q, errors %v", name, op.name, op.hostPrefix, op.errors)
		}
	}
	for _, name := range []string{"", "A", "CreateNamespace", "createService", "Z"} {
		if findOperation(name) != nil {
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
		out, err := dispatch(h, name, &call{strict: true}, body, []byte("before"))
		if err != nil || string(out) != want {
			t.Errorf("%s: got %s, %v; want %s", name, out, err, want)
		}
		if got := reflect.TypeOf(h.got).Elem().Name(); got != op.Input.Shape {
			t.Errorf("%s: the handler got a %s", name, got)
		}

		fault := errors.New("fault")
		if _, err := dispatch(&fakeHandlers{err: fault}, name, &call{}, body, nil); err != fault {
			t.Errorf("%s: got error %v, want the handler's", name, err)
		}
	}
}

func TestDispatchUnknownOperation(t *testing.T) {
	_, err := dispatch(&fakeHandlers{}, "CreateNamespace", &call{}, nil, nil)
	if e, ok := errors.AsType[*awsjson.Error](err); !ok || e.Code != "UnknownOperationException" || e.Status != 400 {
		t.Errorf("got %v", err)
	}
}

func TestDispatchStopsAtBadInput(t *testing.T) {
	for _, body := range []string{`{"Id":1}`, `{"Id":"a"`, `{}`, ``} {
		h := &fakeHandlers{}
		if _, err := dispatch(h, "GetService", &call{}, []byte(body), nil); err == nil || h.got != nil {
			t.Errorf("%s: error %v, the handler got %v", body, err, h.got)
		}
	}
}

func BenchmarkReadDiscoverInstances(b *testing.B) {
	body := []byte(`{"NamespaceName":"internal.example.com","ServiceName":"billing","QueryParameters":{"stage":"blue"},"MaxResults":100}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := readInput(body, false, new(DiscoverInstancesRequest)); err != nil {
			b.Fatal(err)
		}
	}
}
