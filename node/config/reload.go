package config

import "reflect"

// Reloaded returns the configuration that a running node has after a reload: the
// one it was started with, but for the keys with the tag reload:"sighup", which
// are those of next.
func Reloaded(started, next Config) Config {
	takeReloadable(reflect.ValueOf(&started).Elem(), reflect.ValueOf(&next).Elem())
	return started
}

func takeReloadable(to, from reflect.Value) {
	for sf := range fields(to.Type()) {
		switch {
		case isReloadable(sf):
			to.FieldByIndex(sf.Index).Set(from.FieldByIndex(sf.Index))
		case isSection(sf.Type):
			takeReloadable(to.FieldByIndex(sf.Index), from.FieldByIndex(sf.Index))
		}
	}
}

// NeedRestart returns the keys that differ and that a reload does not change.
func NeedRestart(started, next Config) []string {
	return fixedChanges("", reflect.ValueOf(started), reflect.ValueOf(next))
}

func fixedChanges(path string, before, after reflect.Value) []string {
	var keys []string
	for sf := range fields(before.Type()) {
		b, a := before.FieldByIndex(sf.Index), after.FieldByIndex(sf.Index)
		key := join(path, keyOf(sf))
		switch {
		case isReloadable(sf):
		case isSection(sf.Type):
			keys = append(keys, fixedChanges(key, b, a)...)
		case !reflect.DeepEqual(b.Interface(), a.Interface()):
			keys = append(keys, key)
		}
	}
	return keys
}

func isReloadable(sf reflect.StructField) bool { return sf.Tag.Get("reload") == "sighup" }
