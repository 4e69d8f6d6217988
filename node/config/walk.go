package config

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
)

// fields yields the fields of a section that are keys of the file, with those of
// its inline sections. Index is relative to the section.
func fields(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for _, sf := range reflect.VisibleFields(t) {
			if key := keyOf(sf); key != "" && key != "-" && !yield(sf) {
				return
			}
		}
	}
}

// keyOf returns the key of a field: "-" if it has none, "" if it is inline.
func keyOf(sf reflect.StructField) string {
	key, _, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
	return key
}

// isSection reports whether a type is a struct with keys, rather than a value
// such as Duration.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Tag.Get("yaml") != ""
}

// field is one key of a configuration, with its value.
type field struct {
	path  string // as in the file: dns.trusted, accounts[0].id
	tag   reflect.StructTag
	value reflect.Value
}

// walk visits every key below a section, parents first.
func walk(section reflect.Value, visit func(field)) { walkBelow("", section, visit) }

func walkBelow(path string, section reflect.Value, visit func(field)) {
	for sf := range fields(section.Type()) {
		f := field{join(path, keyOf(sf)), sf.Tag, section.FieldByIndex(sf.Index)}
		visit(f)
		for _, e := range f.elements() {
			if isSection(e.value.Type()) {
				walkBelow(e.path, e.value, visit)
			}
		}
	}
}

// elements returns the elements of a list, each with its path, or the field
// itself if it is no list.
func (f field) elements() []field {
	if f.value.Kind() != reflect.Slice {
		return []field{f}
	}
	all := make([]field, f.value.Len())
	for i := range all {
		all[i] = field{fmt.Sprintf("%s[%d]", f.path, i), f.tag, f.value.Index(i)}
	}
	return all
}
