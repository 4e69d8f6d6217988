package ecs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/internal/spelling"
)

// answerOnly are the members of a described task definition that an input cannot have.
var answerOnly = []string{
	"compatibilities", "deleteRequestedAt", "deregisteredAt", "registeredAt", "registeredBy", "requiresAttributes",
	"revision", "status", "taskDefinitionArn",
}

// maxDefinition bounds the file that is read, in bytes. The API accepts 64 KiB.
const maxDefinition = 1 << 20

// readDefinition reads the input of RegisterTaskDefinition from a file.
func readDefinition(c *client, file string) (object, error) {
	in, name := c.Stdin, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDefinition+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > maxDefinition {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxDefinition)
	}
	return parseDefinition(text, name)
}

// parseDefinition returns the input of RegisterTaskDefinition in a text. Members that the
// API does not have are refused: the API itself ignores them, so a misspelled one would
// have no effect, and nobody would be told.
func parseDefinition(text []byte, name string) (object, error) {
	var definition object
	if err := json.Unmarshal(text, &definition); err != nil {
		if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("%s is not a JSON object: it is of type %s", name, other.Value)
		}
		return nil, fmt.Errorf("%s is not a JSON object%s: %w", name, position(text, err), err)
	}
	if inner, ok := definition["taskDefinition"].(map[string]any); ok {
		if _, has := inner["tags"]; !has && definition["tags"] != nil {
			inner["tags"] = definition["tags"]
		}
		definition = inner
	}
	for _, member := range answerOnly {
		delete(definition, member)
	}
	var s memberSearch
	s.object("", definition, definitionMembers())
	if err := errors.Join(s.errs...); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if definition["family"] == nil || definition["containerDefinitions"] == nil {
		return nil, fmt.Errorf("%s is not a task definition: it needs the members family and containerDefinitions", name)
	}
	return definition, nil
}

// position returns where in a text the error of a JSON decoder is.
func position(text []byte, err error) string {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return ""
	}
	before := string(text[:min(int(syntax.Offset), len(text))])
	return fmt.Sprintf(", line %d", 1+strings.Count(before, "\n"))
}

// members are the members of an object with the types of their values.
type members map[string]reflect.Type

// registryBlock is the value of a member serviceDiscoveryRegistry.
type registryBlock struct {
	NamespaceID   string `json:"namespaceId"`
	ServiceName   string `json:"serviceName"`
	ContainerName string `json:"containerName"`
	ContainerPort int64  `json:"containerPort"`
}

// notInput are the members of the record of a task definition that the API does not have.
var notInput = []string{"deleteRequested", "deregistered", "registered", "registries"}

// definitionMembers returns the members of the input of RegisterTaskDefinition.
func definitionMembers() members {
	all := membersOf(reflect.TypeFor[task.Definition]())
	all["family"] = reflect.TypeFor[string]()
	for _, name := range slices.Concat(answerOnly, notInput) {
		delete(all, name)
	}
	return all
}

// membersOf returns the members of a structure of the API.
func membersOf(t reflect.Type) members {
	all := members{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.IsExported() && name != "" && name != "-" {
			all[name] = f.Type
		}
	}
	switch t {
	case reflect.TypeFor[task.Definition](), reflect.TypeFor[task.ContainerDefinition]():
		block := reflect.TypeFor[registryBlock]()
		all["serviceDiscoveryRegistry"], all["ServiceDiscoveryRegistry"] = block, block
	case reflect.TypeFor[registryBlock](): // with a capital too, as in CloudFormation
		for _, name := range slices.Collect(maps.Keys(all)) {
			all[strings.ToUpper(name[:1])+name[1:]] = all[name]
		}
	}
	return all
}

// memberSearch collects members that the API does not have.
type memberSearch struct{ errs []error }

func (s *memberSearch) object(path string, o map[string]any, known members) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if t, ok := known[name]; ok {
			s.value(at, o[name], t)
			continue
		}
		text := fmt.Sprintf("unknown member %q", at)
		if near := spelling.Nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		s.errs = append(s.errs, errors.New(text))
	}
}

// value looks into the value of a member. Values of a wrong type are left to the API.
func (s *memberSearch) value(path string, v any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		for i := range v {
			s.value(fmt.Sprintf("%s[%d]", path, i), v[i], t)
		}
	case map[string]any:
		if t.Kind() == reflect.Struct {
			s.object(path, v, membersOf(t))
		}
	}
}
