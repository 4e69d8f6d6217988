package main

import (
	"reflect"
	"time"
)

// wire turns a value of the SDK into what encoding/json prints in AWS's shape:
// the members' own names, without those that were not in the answer and without
// the SDK's own metadata. Times are RFC 3339, as the AWS CLI prints them.
func wire(v any) any { return wireValue(reflect.ValueOf(v)) }

func wireValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		return wireValue(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UTC().Format(time.RFC3339Nano)
		}
		return wireStruct(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = wireValue(v.Index(i))
		}
		return list
	case reflect.Map:
		object := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			object[k.String()] = wireValue(v.MapIndex(k))
		}
		return object
	default:
		return v.Interface()
	}
}

func wireStruct(v reflect.Value) map[string]any {
	object := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && f.Name != "ResultMetadata" && !absent(v.Field(i)) {
			object[f.Name] = wireValue(v.Field(i))
		}
	}
	return object
}

// absent reports whether the SDK found no such member: for enums, which are
// strings, that is the empty one.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.String:
		return v.IsZero()
	default:
		return false
	}
}
