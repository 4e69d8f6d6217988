package ecs

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestParseDefinition(t *testing.T) {
	tests := []struct{ name, text, problem string }{
		{"input", `{"family":"web","containerDefinitions":[]}`, ""},
		{"described", `{"taskDefinition":{"family":"web","revision":3,"status":"ACTIVE","containerDefinitions":[]},"tags":[]}`, ""},
		{"no object", `[]`, "task.json is not a JSON object: it is of type array"},
		{"syntax", "{\n\"family\": \"web\",\n}", "task.json is not a JSON object, line 3: "},
		{"empty", ``, "task.json is not a JSON object, line 1: "},
		{"other", `{"family":"web"}`, "task.json is not a task definition: it needs the members family and containerDefinitions"},
		{"file of another program", `{"services":{}}`, `task.json: unknown member "services"`},
		{"misspelled", `{"family":"web","networkmode":"awsvpc","containerDefinitions":[]}`, `task.json: unknown member "networkmode"; did you mean "networkMode"?`},
		{"misspelled in a container", `{"family":"web","containerDefinitions":[{"comand":["x"]}]}`,
			`task.json: unknown member "containerDefinitions[0].comand"; did you mean "command"?`},
		{"deep", `{"family":"web","containerDefinitions":[{},{"healthCheck":{"command":[],"intervall":5}}]}`,
			`task.json: unknown member "containerDefinitions[1].healthCheck.intervall"; did you mean "interval"?`},
		{"two", `{"family":"web","x":1,"containerDefinitions":[{"Image":"a"}]}`,
			"task.json: unknown member \"containerDefinitions[0].Image\"; did you mean \"image\"?\nunknown member \"x\""},
		{"what only records have", `{"family":"web","registries":[],"containerDefinitions":[]}`, `task.json: unknown member "registries"`},
		{"registry blocks", `{"family":"web","ServiceDiscoveryRegistry":[{"NamespaceId":"a","ServiceName":"b"}],
			"containerDefinitions":[{"serviceDiscoveryRegistry":{"namespaceId":"a","serviceName":"b","containerName":"c","containerPort":1}}]}`, ""},
		{"registry block", `{"family":"web","containerDefinitions":[{"serviceDiscoveryRegistry":{"namespaceID":"a"}}]}`,
			`task.json: unknown member "containerDefinitions[0].serviceDiscoveryRegistry.namespaceID"; did you mean "namespaceId"?`},
		{"maps have any names", `{"family":"web","containerDefinitions":[{"dockerLabels":{"any":"x"},"logConfiguration":{"logDriver":"awslogs","options":{"any":"x"}}}]}`, ""},
		{"wrong types", `{"family":"web","volumes":{"name":"x"},"containerDefinitions":[{"command":{"x":1},"environment":"x"},7]}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			definition, err := parseDefinition([]byte(test.text), "task.json")
			if test.problem == "" {
				if err != nil || definition["family"] != "web" || definition["revision"] != nil {
					t.Errorf("%v, %v", definition, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.problem) {
				t.Errorf("error %v, want %q", err, test.problem)
			}
		})
	}
}

// TestTagsOfADescribedDefinition: they are beside the definition in the answer of
// DescribeTaskDefinition, and within it in the input of RegisterTaskDefinition.
func TestTagsOfADescribedDefinition(t *testing.T) {
	d, err := parseDefinition([]byte(`{"taskDefinition":{"family":"web","containerDefinitions":[]},"tags":[{"key":"a","value":"b"}]}`), "task.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(d["tags"]); string(got) != `[{"key":"a","value":"b"}]` {
		t.Errorf("tags: %s", got)
	}
}

// TestMembersOfTheModel compares the members that are known with the model of AWS.
func TestMembersOfTheModel(t *testing.T) {
	text, err := os.ReadFile("../../../../edge/aws/ecs/model/ecs-2014-11-13.json")
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	m.compare(t, "", "RegisterTaskDefinitionRequest", definitionMembers())
}

type model struct {
	Shapes map[string]struct {
		Type    string
		Members map[string]struct{ Shape string }
		Member  struct{ Shape string }
	}
}

func (m *model) compare(t *testing.T, path, shape string, known members) {
	t.Helper()
	for name, member := range m.Shapes[shape].Members {
		at, is := path+"."+name, m.Shapes[member.Shape]
		typ, ok := known[name]
		if !ok {
			t.Errorf("%s is not known", at)
			continue
		}
		below := member.Shape
		if is.Type == "list" {
			below = is.Member.Shape
		}
		if m.Shapes[below].Type != "structure" {
			continue
		}
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		m.compare(t, at, below, membersOf(typ))
	}
	for name := range known {
		if _, ok := m.Shapes[shape].Members[name]; !ok && !strings.EqualFold(name, "serviceDiscoveryRegistry") {
			t.Errorf("%s.%s is not in the model", path, name)
		}
	}
}
