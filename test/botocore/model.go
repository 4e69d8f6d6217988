package botocore

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

// model is what the tests read of an API's model, on their own: they share
// nothing with the generator.
type model struct {
	Metadata   struct{ Protocol string }
	Operations map[string]struct {
		HTTP          struct{ Method, RequestURI string }
		Input, Output member
		Errors        []member
	}
	Shapes map[string]*shape
}

type member struct {
	Shape, Location, LocationName, TimestampFormat string
	IdempotencyToken, Flattened, XMLAttribute      bool
}

type shape struct {
	Type            string
	Enum            []string
	Pattern         string
	Min, Max        *int64
	Required        []string
	Members         map[string]member
	Member          member
	Key, Value      member
	Payload         string
	Document        bool
	Union           bool
	Flattened       bool
	TimestampFormat string
	Error           struct {
		Code           string
		HTTPStatusCode int
	}
}

func loadModel(t *testing.T, path string) *model {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := new(model)
	if err := json.Unmarshal(text, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *model) json() bool {
	return m.Metadata.Protocol == "json" || m.Metadata.Protocol == "rest-json"
}

func (m *model) rest() bool {
	return m.Metadata.Protocol == "rest-json" || m.Metadata.Protocol == "rest-xml"
}

func (s *shape) memberNames() []string { return slices.Sorted(maps.Keys(s.Members)) }

// location is where a member is on the wire: "" is the body.
func (m *model) location(at member) string {
	if m.rest() {
		return at.Location
	}
	return ""
}
