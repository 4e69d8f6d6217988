package awsjson

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// record has a member of every kind, read as generated decoders read.
type record struct {
	Name  *string
	Size  *int64
	List  []string
	Map   map[string]string
	Flag  bool
	Child *record
}

func decodeRecord(r *Reader) *record {
	if r.Null() {
		return nil
	}
	m := new(record)
	m.decode(r)
	return m
}

func (m *record) decode(r *Reader) {
	for r.BeginObject(); r.NextMember(); {
		switch string(r.Name()) {
		case "Name":
			m.Name = OptionalText[string](r)
		case "Size":
			m.Size = OptionalInt64(r)
		case "List":
			m.List = List(r, Element[string])
		case "Map":
			m.Map = Map[string](r, Element[string])
		case "Flag":
			m.Flag = r.Bool()
		case "Child":
			m.Child = decodeRecord(r)
		default:
			r.Skip()
		}
	}
}

func readRecord(text string) (record, error) {
	var m record
	r := NewReader([]byte(text))
	m.decode(r)
	return m, r.End()
}

func TestReaderReadsValues(t *testing.T) {
	for _, test := range []struct {
		text string
		want record
	}{
		{``, record{}}, // AWS takes no body for an empty structure
		{`{}`, record{}},
		{" \t\r\n{ } \n", record{}},
		{`{"Name":"a"}`, record{Name: new("a")}},
		{`{"Name":""}`, record{Name: new("")}},
		{`{"Name":null,"Size":null,"List":null,"Map":null,"Child":null}`, record{}},
		{`{"name":"a","NAME":"b"}`, record{}}, // names are case-sensitive
		{`{"\u004eame":"a"}`, record{Name: new("a")}},
		{`{"Name":"a","Name":"b"}`, record{Name: new("b")}},
		{`{"Child":{"Name":"a"},"Child":{"Size":1}}`, record{Child: &record{Size: new(int64(1))}}},
		{`{"Name":"\"\\\/\b\f\n\r\té"}`, record{Name: new("\"\\/\b\f\n\r\té")}},
		{`{"Name":"\u00e9\ud83d\ude00 \ud83d \ude00"}`, record{Name: new("é😀 \ufffd \ufffd")}},
		{`{"Name":"\ud83d\ud83d\ude00"}`, record{Name: new("\ufffd😀")}},
		{`{"Size":12}`, record{Size: new(int64(12))}},
		{`{"Flag":true}`, record{Flag: true}},
		{`{"Flag":false}`, record{}},
		{`{"List":[]}`, record{List: []string{}}},
		{`{"List":["a",null,"b"]}`, record{List: []string{"a", NullElement, "b"}}},
		{`{"Map":{}}`, record{Map: map[string]string{}}},
		{`{"Map":{"a":"1","b":null,"a":"\t"}}`, record{Map: map[string]string{"a": "\t", "b": NullElement}}},
		{`{"X":[1,{"Name":["y",null]},"",true,false],"Y":-0.1e+3,"Name":"a"}`, record{Name: new("a")}},
	} {
		got, err := readRecord(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.text, diff)
		}
	}
}

func TestReaderNamesTheFault(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{"Name":1}`, "NUMBER_VALUE can not be converted to a String (member Name)"},
		{`{"Name":-1.5}`, "DECIMAL_VALUE can not be converted to a String (member Name)"},
		{`{"Name":true}`, "TRUE_VALUE can not be converted to a String (member Name)"},
		{`{"Name":false}`, "FALSE_VALUE can not be converted to a String (member Name)"},
		{`{"Name":{}}`, "Start of structure or map found where not expected (member Name)"},
		{`{"Name":[]}`, "Start of list found where not expected (member Name)"},
		{`{"Size":"1"}`, "STRING_VALUE can not be converted to a Long (member Size)"},
		{`{"Size":1.5}`, "DECIMAL_VALUE can not be converted to a Long (member Size)"},
		{`{"Size":9223372036854775808}`, "NUMBER_VALUE can not be converted to a Long (member Size)"},
		{`{"Size":1e-1}`, "DECIMAL_VALUE can not be converted to a Long (member Size)"},
		{`{"Flag":null}`, "NULL_VALUE can not be converted to a Boolean (member Flag)"},
		{`{"List":{}}`, "Start of structure or map found where not expected (member List)"},
		{`{"List":"a"}`, "Unexpected field type (member List)"},
		{`{"List":["a",["b"]]}`, "Start of list found where not expected (member List[1])"},
		{`{"Map":["a"]}`, "Start of list found where not expected (member Map)"},
		{`{"Map":{"a":"b","c":2}}`, "NUMBER_VALUE can not be converted to a String (member Map.c)"},
		{`{"Child":{"Child":{"List":["a",true]}}}`, "TRUE_VALUE can not be converted to a String (member Child.Child.List[1])"},
		{`{"Child":7}`, "Unexpected field type (member Child)"},
		{`null`, "Unexpected field type"},
		{`"a"`, "Unexpected field type"},
		{`[]`, "Start of list found where not expected"},
		{` `, "Unexpected end of the document"},
		{`{`, "Unexpected end of the document"},
		{`{"Name":"a`, "Unexpected end of the document (member Name)"},
		{`{"Name":"a"`, "Unexpected end of the document"},
		{`{"Name":}`, `Unexpected character '}' at offset 8 (member Name)`},
		{`{"Name" "a"}`, `Unexpected character '"' at offset 8 (member Name)`},
		{`{"Name":"a",}`, `Unexpected character '}' at offset 12`},
		{`{"Name":"a" "Size":1}`, `Unexpected character '"' at offset 12`},
		{`{Name:"a"}`, `Unexpected character 'N' at offset 1`},
		{`{,}`, `Unexpected character ',' at offset 1`},
		{`{"List":[,]}`, `Unexpected character ',' at offset 9 (member List[0])`},
		{`{"List":["a",]}`, `Unexpected character ']' at offset 13 (member List[1])`},
		{`{} x`, `Unexpected character 'x' at offset 3`},
		{`{}{}`, `Unexpected character '{' at offset 2`},
		{`{"X":01}`, `Unexpected character '0' at offset 5 (member X)`},
		{`{"X":1.}`, `Unexpected character '1' at offset 5 (member X)`},
		{`{"X":nul}`, `Unexpected character 'n' at offset 5 (member X)`},
		{`{"X":"\x"}`, `Unexpected character '\\' at offset 6 (member X)`},
		{`{"X":"\u12g4"}`, `Unexpected character '\\' at offset 6 (member X)`},
		{"{\"X\":\"\n\"}", `Unexpected character '\n' at offset 6 (member X)`},
		{"{\"X\":\"\xff\"}", "Invalid UTF-8"},
		{"\ufeff{}", `Unexpected character '\ufeff' at offset 0`},
		{`{"X":` + strings.Repeat("1", maxNumberLength+1) + `}`, "Number is too long (member X)"},
		{`{"` + strings.Repeat("é", 40) + `":]`, `Unexpected character ']' at offset 84 (member ` + strings.Repeat("é", 32) + `…)`},
	} {
		_, err := readRecord(test.text)
		if serialization, ok := errors.AsType[*SerializationError](err); !ok || serialization.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestReaderBoundsDepth(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
	}
	for _, test := range []struct {
		text    []byte
		allowed bool
	}{
		{nested(maxDepth), true},
		{nested(maxDepth + 1), false},
		{[]byte(strings.Repeat(`{"a":`, 1_000_000)), false},
	} {
		r := NewReader(test.text)
		r.Skip()
		if err := r.End(); (err == nil) != test.allowed {
			t.Errorf("%.20s…: error %v", test.text, err)
		}
	}
}

func TestFirstErrorSticks(t *testing.T) {
	r := NewReader([]byte(`{"a":1`))
	r.beginArray()
	first := r.firstError()
	r.BeginObject()
	r.Skip()
	if r.nextElement() || r.NextMember() || r.Null() || r.Bool() || r.Text() != "" || r.Int64() != 0 {
		t.Error("a value was read after an error")
	}
	if first == nil || r.End() != first {
		t.Errorf("End() = %v, want the first error %v", r.End(), first)
	}
}

// readAny reads a value as encoding/json decodes it into an any.
func readAny(r *Reader) any {
	switch r.peek() {
	case '{':
		m := map[string]any{}
		for r.BeginObject(); r.NextMember(); {
			name := string(r.Name())
			m[name] = readAny(r)
		}
		return m
	case '[':
		list := []any{}
		for r.beginArray(); r.nextElement(); {
			list = append(list, readAny(r))
		}
		return list
	case '"':
		return r.Text()
	case 't', 'f':
		return r.Bool()
	case 'n':
		r.Null()
		return nil
	default:
		return json.Number(r.scanNumber())
	}
}

// FuzzReader checks that the Reader accepts what encoding/json accepts, but for
// its own limits, reads the same values, and skips what it reads.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e+7,"x\n\u00e9\ud83d\ude00\ud83d",true,false,null,{}],"a":{"b":""}}`,
		`[0,-0,1e1,0.1,01,1.,.1,+1,--1]`, ` "\/" `, `{"a" : 1 ,"b":[ ] }`, `{"a":1}}`, `[1,]`, "{\x00}", "\"\x1f\"", "\"\xff\"", `"\ud800\u0041"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || !utf8.Valid(text) {
			return // rules of our own, tested above
		}
		r := NewReader(text)
		got := readAny(r)
		err := r.End()

		skipper := NewReader(text)
		skipper.Skip()
		if skipErr := skipper.End(); (skipErr == nil) != (err == nil) {
			t.Fatalf("reading gives error %v, skipping %v", err, skipErr)
		}
		want, wantErr := oracle(text)
		switch {
		case err == nil && wantErr != nil:
			t.Fatalf("accepted, but encoding/json says %v", wantErr)
		case err == nil && !cmp.Equal(got, want):
			t.Fatal(cmp.Diff(want, got))
		case err != nil && wantErr == nil && !beyondLimits(err):
			t.Fatalf("encoding/json accepts it, but: %v", err)
		}
	})
}

func oracle(text []byte) (value any, err error) {
	if !json.Valid(text) { // a json.Decoder would allow trailing data
		return nil, errors.New("not valid")
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func beyondLimits(err error) bool {
	e, ok := errors.AsType[*SerializationError](err)
	return ok && (e.Message == "Number is too long" || e.Message == "Structures are nested too deeply")
}
