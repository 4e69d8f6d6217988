package cli

import (
	"reflect"
	"time"
)

// toJSONValue converts a value of the AWS SDK to one that encoding/json prints in
// AWS's form: the members have AWS's names, those that were not in the answer are
// left out, and so is the SDK's metadata. Times are RFC 3339, as in the output of
// the AWS CLI.
func toJSONValue(v any) any { return valueToJSON(reflect.ValueOf(v)) }

func valueToJSON(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		return valueToJSON(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UTC().Format(time.RFC3339Nano)
		}
		return structToJSON(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = valueToJSON(v.Index(i))
		}
		return list
	case reflect.Map:
		object := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			object[k.String()] = valueToJSON(v.MapIndex(k))
		}
		return object
	default:
		return v.Interface()
	}
}

func structToJSON(v reflect.Value) map[string]any {
	object := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && f.Name != "ResultMetadata" && !absent(v.Field(i)) {
			object[f.Name] = valueToJSON(v.Field(i))
		}
	}
	return object
}

// absent reports whether the answer had no such member. The SDK has the empty
// string for an enum that was not in the answer.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.String:
		return v.IsZero()
	default:
		return false
	}
}
