package botocore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// read returns the value that a generated Go value of a shape holds.
func (m *model) read(name string, v reflect.Value) any {
	s := m.Shapes[name]
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.Type {
	case "structure":
		return m.readStruct(s, v)
	case "list":
		list := []any{}
		for i := range v.Len() {
			list = append(list, m.read(s.Member.Shape, v.Index(i)))
		}
		return list
	case "map":
		entries := map[string]any{}
		for _, key := range v.MapKeys() {
			entries[key.String()] = m.read(s.Value.Shape, v.MapIndex(key))
		}
		return entries
	case "integer", "long":
		return v.Int()
	case "float", "double":
		return float(v.Float())
	case "boolean":
		return v.Bool()
	case "blob":
		return blob(v.Bytes())
	case "timestamp":
		return instant(v.Int())
	}
	return v.String()
}

func (m *model) readStruct(s *shape, v reflect.Value) any {
	if s.Document {
		return document(v.Bytes())
	}
	members := map[string]any{}
	for name, part := range s.Members {
		if f := field(v, name); !f.IsZero() {
			members[name] = m.read(part.Shape, f)
		}
	}
	return members
}

func field(v reflect.Value, member string) reflect.Value {
	f := v.FieldByName(strings.ToUpper(member[:1]) + member[1:])
	if !f.IsValid() {
		panic(fmt.Sprintf("%s has no field for member %s", v.Type(), member))
	}
	return f
}

// write sets a generated Go value of a shape to a value.
func (m *model) write(name string, v reflect.Value, value any) {
	s := m.Shapes[name]
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch value := value.(type) {
	case map[string]any:
		if s.Type == "map" {
			m.writeMap(s, v, value)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			m.write(s.Members[name].Shape, field(v, name), value[name])
		}
	case []any:
		v.Set(reflect.MakeSlice(v.Type(), len(value), len(value)))
		for i, e := range value {
			m.write(s.Member.Shape, v.Index(i), e)
		}
	case document:
		v.Set(reflect.ValueOf(json.RawMessage(value)))
	case blob:
		v.SetBytes([]byte(value))
	default:
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
	}
}

func (m *model) writeMap(s *shape, v reflect.Value, value map[string]any) {
	v.Set(reflect.MakeMap(v.Type()))
	for key, e := range value {
		element := reflect.New(v.Type().Elem()).Elem()
		m.write(s.Value.Shape, element, e)
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), element)
	}
}

// fromJSON returns a value of a shape that the driver has sent.
func (m *model) fromJSON(name string, parsed any) any {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		if s.Document {
			text, err := json.Marshal(parsed)
			if err != nil {
				panic(err)
			}
			return document(text)
		}
		members := map[string]any{}
		for key, v := range parsed.(map[string]any) {
			members[key] = m.fromJSON(s.Members[key].Shape, v)
		}
		return members
	case "list":
		list := []any{}
		for _, v := range parsed.([]any) {
			list = append(list, m.fromJSON(s.Member.Shape, v))
		}
		return list
	case "map":
		entries := map[string]any{}
		for key, v := range parsed.(map[string]any) {
			entries[key] = m.fromJSON(s.Value.Shape, v)
		}
		return entries
	}
	return scalarFromJSON(s.Type, parsed)
}

func scalarFromJSON(kind string, parsed any) any {
	switch kind {
	case "integer", "long":
		n, err := parsed.(json.Number).Int64()
		if err != nil {
			panic(err)
		}
		return n
	case "float", "double":
		text := parsed.(map[string]any)["$float"].(string)
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		return float(n)
	case "blob":
		b, err := base64.StdEncoding.DecodeString(parsed.(map[string]any)["$blob"].(string))
		if err != nil {
			panic(err)
		}
		return blob(b)
	case "timestamp":
		ms, err := parsed.(map[string]any)["$time"].(json.Number).Int64()
		if err != nil {
			panic(err)
		}
		return instant(ms)
	case "boolean":
		return parsed.(bool)
	}
	return parsed.(string)
}
