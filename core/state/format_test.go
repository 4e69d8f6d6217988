package state_test

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
)

var updateRecords = flag.Bool("update-records", false, "write what the stored records mean to this version")

// recordsFile has records as versions of cairn have stored them, and under each what this
// version reads in it. The records are permanent: a store may have them. What they mean may
// be written in another way by a change of the code; the meaning must be the same.
const recordsFile = "testdata/records.txt"

// TestStoredRecords: records that any version has stored mean the same to this one, and still
// do after this version has written them again. Each kind of record is among them.
func TestStoredRecords(t *testing.T) {
	file, err := os.ReadFile(recordsFile)
	if err != nil {
		t.Fatal(err)
	}
	missing := state.Prefixes()
	var written strings.Builder
	for _, part := range strings.Split(strings.TrimSpace(string(file)), "\n\n") {
		stored, want, _ := strings.Cut(part, "\n")
		var key, text string
		if _, err := fmt.Sscanf(stored, "%q %s", &key, &text); err != nil {
			t.Fatalf("%s: %v", stored, err)
		}
		value, err := hex.DecodeString(strings.Trim(text, "-")) // - is an empty value
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		missing = slices.DeleteFunc(missing, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		change, err := state.Decode(key, value)
		if err != nil {
			t.Errorf("%s cannot be read: %v", key, err)
			continue
		}
		got := dump(change)
		if *updateRecords {
			want = got
		}
		if got != want {
			t.Errorf("%s means\n%s\nand meant\n%s", key, got, want)
		}
		again, _ := change.Value([]byte{})
		if second, err := state.Decode(key, again); err != nil || dump(second) != got {
			t.Errorf("%s is written as %x, which means\n%s\nand not\n%s (%v)", key, again, dump(second), got, err)
		}
		fmt.Fprintf(&written, "%s\n%s\n\n", stored, want)
	}
	for _, prefix := range missing {
		t.Errorf("no record of kind %s is in %s: add one with all fields, as a quoted key and its value in hexadecimal, and run the test with -update-records", prefix, recordsFile)
	}
	if *updateRecords {
		if err := os.WriteFile(recordsFile, []byte(strings.TrimSpace(written.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// dump returns what a change holds, without zero values.
func dump(c command.Change) string {
	var b strings.Builder
	w := bufio.NewWriter(&b)
	dumpValue(w, reflect.ValueOf(c), 0)
	w.Flush()
	return b.String()
}

func dumpValue(w *bufio.Writer, v reflect.Value, depth int) {
	if depth > 16 {
		w.WriteString("…")
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		w.WriteString("nil")
	case reflect.Pointer, reflect.Interface:
		dumpValue(w, v.Elem(), depth+1)
	case reflect.Struct:
		dumpStruct(w, v, depth)
	case reflect.Map:
		keys := map[string]reflect.Value{}
		for _, k := range v.MapKeys() {
			keys[fmt.Sprint(k)] = v.MapIndex(k)
		}
		names := make([]string, 0, len(keys))
		for k := range keys {
			names = append(names, k)
		}
		slices.Sort(names)
		w.WriteString("{")
		for _, k := range names {
			fmt.Fprintf(w, " %s=", k)
			dumpValue(w, keys[k], depth+1)
		}
		w.WriteString(" }")
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			for i := range b {
				b[i] = byte(v.Index(i).Uint())
			}
			fmt.Fprintf(w, "%q", b)
			return
		}
		w.WriteString("[")
		for i := range v.Len() {
			w.WriteString(" ")
			dumpValue(w, v.Index(i), depth+1)
		}
		w.WriteString(" ]")
	case reflect.String:
		fmt.Fprintf(w, "%q", v.String())
	case reflect.Func:
	default:
		fmt.Fprint(w, v)
	}
}

// dumpStruct leaves out functions, the zones of addresses, and the kind of a table, which are
// the same for all records.
func dumpStruct(w *bufio.Writer, v reflect.Value, depth int) {
	w.WriteString("{")
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if v.Field(i).IsZero() || f.Name == "kind" || f.Type.Kind() == reflect.Func || strings.HasPrefix(f.Type.String(), "unique.Handle") {
			continue
		}
		fmt.Fprintf(w, " %s:", f.Name)
		dumpValue(w, v.Field(i), depth+1)
	}
	w.WriteString(" }")
}
