package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Setting is a key that can also be given as a flag and in the environment. The
// three names follow from the key, or for a key in a section from its tag flagname.
type Setting struct {
	// Flag is the flag's name without dashes.
	Flag string
	// Arg stands for the value in a help text.
	Arg string
	// Usage is the help text, one line.
	Usage string

	key   string // in the configuration file
	index []int  // of the field in Config
	rule  string
}

// Settings returns every setting, in the order in which help shows them.
func Settings() []Setting {
	var all []Setting
	for sf := range fields(reflect.TypeFor[Config]()) {
		if arg, ok := sf.Tag.Lookup("flag"); ok {
			all = append(all, settingOf(sf, arg, keyOf(sf), keyOf(sf), sf.Index))
		}
		if !isSection(sf.Type) {
			continue
		}
		for inner := range fields(sf.Type) {
			if arg, ok := inner.Tag.Lookup("flag"); ok {
				key := keyOf(sf) + "." + keyOf(inner)
				all = append(all, settingOf(inner, arg, key, inner.Tag.Get("flagname"), slices.Concat(sf.Index, inner.Index)))
			}
		}
	}
	return all
}

func settingOf(sf reflect.StructField, arg, key, name string, index []int) Setting {
	return Setting{
		Flag: strings.ReplaceAll(name, "_", "-"), Arg: arg, Usage: sf.Tag.Get("usage"),
		key: key, index: index, rule: sf.Tag.Get("check"),
	}
}

// env returns the name of the environment variable.
func (s Setting) env() string {
	return "CAIRN_" + strings.ToUpper(strings.ReplaceAll(s.Flag, "-", "_"))
}

func (s Setting) field(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(s.index)
}

// Value returns the setting's value in c, in the form that Set takes.
func (s Setting) Value(c *Config) string {
	if list, ok := s.field(c).Interface().([]string); ok {
		return strings.Join(list, ",")
	}
	return s.field(c).String()
}

// Set checks a value and puts it into c. The elements of a list are separated by
// commas.
func (s Setting) Set(c *Config, value string) error {
	v := reflect.ValueOf(value)
	isList := s.field(c).Kind() == reflect.Slice
	if isList {
		v = reflect.ValueOf(splitList(value))
	}
	for _, e := range (field{value: v}).elements() {
		if rule := violation(s.rule, e.value); rule != "" {
			return fmt.Errorf("%q %s", e.value.String(), rule)
		}
	}
	s.field(c).Set(v)
	return nil
}

func splitList(value string) []string {
	var values []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			values = append(values, part)
		}
	}
	return values
}

// find looks a setting up in the flags, or else in the environment. An empty
// variable counts as not set, because in many service managers a variable
// cannot be unset.
func (s Setting) find(from Sources) (name, value string, ok bool) {
	if v, ok := from.Flags[s.Flag]; ok {
		return "--" + s.Flag, v, true
	}
	v := from.getenv(s.env())
	return s.env(), v, v != ""
}
