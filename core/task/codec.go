package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// unknown holds the members of a record that this version does not know. They are
// written again with the record.
type unknown struct{ members map[string]json.RawMessage }

func (u *unknown) others() *unknown { return u }

// knownMembers are the names of the members of each kind of record, in lower case:
// encoding/json reads names without regard to case.
var knownMembers = map[reflect.Type]map[string]bool{
	reflect.TypeFor[Cluster]():           membersOf(reflect.TypeFor[Cluster]()),
	reflect.TypeFor[Definition]():        membersOf(reflect.TypeFor[Definition]()),
	reflect.TypeFor[Family]():            membersOf(reflect.TypeFor[Family]()),
	reflect.TypeFor[Service]():           membersOf(reflect.TypeFor[Service]()),
	reflect.TypeFor[Event]():             membersOf(reflect.TypeFor[Event]()),
	reflect.TypeFor[ServiceRevision]():   membersOf(reflect.TypeFor[ServiceRevision]()),
	reflect.TypeFor[ServiceDeployment](): membersOf(reflect.TypeFor[ServiceDeployment]()),
	reflect.TypeFor[Task]():              membersOf(reflect.TypeFor[Task]()),
	reflect.TypeFor[ContainerInstance](): membersOf(reflect.TypeFor[ContainerInstance]()),
	reflect.TypeFor[Node]():              membersOf(reflect.TypeFor[Node]()),
	reflect.TypeFor[Setting]():           membersOf(reflect.TypeFor[Setting]()),
	reflect.TypeFor[CapacityProvider]():  membersOf(reflect.TypeFor[CapacityProvider]()),
}

func membersOf(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			names[strings.ToLower(name)] = true
		}
	}
	return names
}

// encode appends the JSON record of an entity.
func encode(b []byte, e record) []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("task: record %T: %v", e, err)) // it has no channels, functions or cycles
	}
	others := e.others().members
	if len(others) == 0 {
		return append(b, text...)
	}
	b = append(b, text[:len(text)-1]...)
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		key, _ := json.Marshal(name) // a string always has a JSON form
		b = append(append(b, key...), ':')
		b = append(b, others[name]...)
	}
	return append(b, '}')
}

var errNoObject = errors.New("not a JSON object")

// decode reads a record into an entity. It keeps no part of value.
func decode(value []byte, e record) error {
	if trimmed := bytes.TrimLeft(value, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return errNoObject
	}
	if err := json.Unmarshal(value, e); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(value, &all); err != nil {
		return err
	}
	known := knownMembers[reflect.TypeOf(e).Elem()]
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return known[strings.ToLower(name)] })
	if len(all) > 0 {
		e.others().members = all
	}
	return nil
}
