package awsjson

import (
	"encoding/json"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestAppendString(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"a\"b\\c/d", `"a\"b\\c/d"`},
		{"\b\f\n\r\t", `"\b\f\n\r\t"`},
		{"\x00\x1f\x7f", "\"\\u0000\\u001f\x7f\""},
		{"<&>\u2028", "\"<&>\u2028\""},
		{"né😀x", `"né😀x"`},
		{"a\xffb\xc3", "\"a\ufffdb\ufffd\""},
	} {
		if got := string(AppendString(nil, test.in)); got != test.want {
			t.Errorf("AppendString(%q) = %s, want %s", test.in, got, test.want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x00é😀\xff<\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		encoded := AppendString(nil, s)
		want := string([]rune(s)) // U+FFFD for each byte that is not UTF-8

		var decoded string
		if err := json.Unmarshal(encoded, &decoded); err != nil || decoded != want {
			t.Fatalf("encoding/json decodes %s to %q, %v", encoded, decoded, err)
		}
		r := NewReader(encoded)
		if own := r.Text(); r.End() != nil || own != want {
			t.Fatalf("Reader decodes %s to %q, %v", encoded, own, r.firstError())
		}
	})
}

func TestAppendTime(t *testing.T) {
	for _, test := range []struct {
		milliseconds timestamp.Milliseconds
		want         string
	}{
		{0, "0.000"},
		{1516925490087, "1516925490.087"},
		{1516925490000, "1516925490.000"},
		{1516925490999, "1516925490.999"},
		{7, "0.007"},
		{-1, "-0.001"},
		{-2500, "-2.500"},
		{-9223372036854775808, "-9223372036854775.808"},
	} {
		if got := string(AppendTime(nil, test.milliseconds, timestamp.Epoch)); got != test.want {
			t.Errorf("AppendTime(%d) = %s, want %s", test.milliseconds, got, test.want)
		}
	}
}

func TestAppendCollections(t *testing.T) {
	type word string
	for _, test := range []struct {
		got  []byte
		want string
	}{
		{AppendStrings(nil, []string{}), `[]`},
		{AppendStrings(nil, []word{"a", "\n"}), `["a","\n"]`},
		{AppendMap(nil, map[string]string{}), `{}`},
		{AppendMap(nil, map[word]word{"b": "2", "a\"": "1", "c": ""}), `{"a\"":"1","b":"2","c":""}`},
		{AppendInt(AppendName(AppendInt(AppendName([]byte("{"), "A"), 1), "B"), -2), `{"A":1,"B":-2`},
	} {
		if string(test.got) != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

func TestAppendError(t *testing.T) {
	for _, test := range []struct {
		err  wire.Error
		want string
	}{
		{
			wire.Error{Code: "InvalidInput", Status: 400, Message: `bad "name"`},
			`{"__type":"InvalidInput","message":"bad \"name\"","Message":"bad \"name\""}`,
		},
		{
			wire.Error{Code: "DuplicateRequest", Message: "m", Members: []wire.Member{{Name: "DuplicateOperationId", Value: "op-1"}, {Name: "X"}, {Name: "Y", Values: []string{"a", "b"}}}},
			`{"__type":"DuplicateRequest","message":"m","Message":"m","DuplicateOperationId":"op-1","X":"","Y":["a","b"]}`,
		},
	} {
		if got := string(AppendError(nil, &test.err)); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
