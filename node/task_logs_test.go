package node

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

func TestWriteLogs(t *testing.T) {
	long := strings.Repeat("x", 5000)
	texts := map[string]string{"app": "one\ntwo\n", "side": "three", "long": long + "\n"}
	open := func(name string) (io.ReadCloser, error) {
		text, ok := texts[name]
		if !ok {
			return nil, errors.New("no output of " + name)
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
	tests := []struct {
		names []string
		want  string
		fails bool
	}{
		{[]string{"app"}, "one\ntwo\n", false},
		{[]string{"long"}, long + "\n", false},
		{[]string{"long", "side"}, "long: " + long + "\nside: three", false},
		{[]string{"app", "side"}, "app: one\napp: two\nside: three", false},
		{[]string{"other", "app"}, "app: one\napp: two\n", true},
	}
	for _, test := range tests {
		for _, follow := range []bool{false, true} {
			var out bytes.Buffer
			err := writeLogs(t.Context(), test.names, follow, open, &out)
			if (err != nil) != test.fails {
				t.Errorf("%v: error %v", test.names, err)
			}
			if !follow && out.String() != test.want || out.Len() != len(test.want) {
				t.Errorf("%v: %q, want %q", test.names, &out, test.want)
			}
		}
	}
}

func TestContainersOf(t *testing.T) {
	x := &task.Task{ID: "t1", Containers: []task.ContainerState{{Name: "app"}, {Name: "side"}}}
	if all, err := containersOf(x, ""); err != nil || len(all) != 2 {
		t.Errorf("all: %v, %v", all, err)
	}
	if one, err := containersOf(x, "side"); err != nil || len(one) != 1 {
		t.Errorf("one: %v, %v", one, err)
	}
	if _, err := containersOf(x, "other"); err == nil {
		t.Error("a container that the task does not have")
	}
}
