package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

type part struct {
	Key   *string
	Value string
}

type embedded struct{ Name string }

// shape has a member of every kind that shapes of APIs have.
type shape struct {
	embedded
	Text     *string
	Plain    string
	Number   *int64
	Float    *float64
	Flag     *bool
	Blob     []byte
	List     []string
	Parts    []*part
	Nested   *part
	Map      map[string]string
	Time     milliseconds
	Created  time.Time
	Secret   string
	unseen   string
	Anything any
}

// milliseconds is written as seconds.
type milliseconds int64

func (m milliseconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%03d", int64(m)/1000, int64(m)%1000), nil
}

func TestEncode(t *testing.T) {
	all := &shape{
		embedded: embedded{"e"}, Text: new("q\"\\\u2028<"), Plain: "\xff", Number: new(int64(0)), Float: new(1.5), Flag: new(false),
		Blob: []byte("hi"), List: []string{}, Parts: []*part{{Key: new(""), Value: "v"}, nil}, Nested: &part{}, Map: map[string]string{"b": "2", "A": "1"},
		Time: 1516925490087, Created: time.Unix(0, 0).UTC(), Secret: "s3cret", unseen: "x", Anything: []int{1},
	}
	for _, tt := range []struct {
		name string
		e    Encoder
		in   any
		want string
	}{
		{name: "nil", in: nil}, {name: "nil pointer", in: (*shape)(nil)}, {name: "nil map", in: map[string]any(nil)},
		{name: "empty", in: &shape{}, want: `{}`},
		{name: "all", in: all, e: Encoder{Sensitive: map[string]bool{"shape.Secret": true}}, want: `{"name":"e","text":"q\"\\` + "\u2028" + `<","plain":"` + "\uFFFD" + `","number":0,"float":1.5,"flag":false,` +
			`"blob":"aGk=","list":[],"parts":[{"key":"","value":"v"},null],"nested":{},"map":{"A":"1","b":"2"},"time":1516925490.087,` +
			`"created":"1970-01-01T00:00:00Z","secret":"` + Hidden + `","anything":[1]}`},
		{name: "names as they are", in: &part{Value: "v"}, e: Encoder{Verbatim: true}, want: `{"Value":"v"}`},
		{name: "a map of values", in: map[string]any{"b": map[string]string{"x": "y"}, "a": []string{"1"}}, want: `{"a":["1"],"b":{"x":"y"}}`},
		{name: "a channel", in: &struct{ C chan int }{make(chan int)}, want: `{"c":null}`},
	} {
		if got := string(tt.e.Encode(tt.in)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
	large := &part{Value: strings.Repeat("x", maxValue)}
	if got := string(new(Encoder).Encode(large)); got != `{"omitted":true,"originalSize":65548,"reason":"too large"}` {
		t.Errorf("%.100s", got)
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in          any
		field, want string
	}{
		{&shape{Text: new("a")}, "Text", "a"}, {&shape{Plain: "b"}, "Plain", "b"}, {&shape{embedded: embedded{"c"}}, "Name", "c"},
		{&shape{}, "Text", ""}, {&shape{}, "Missing", ""}, {&shape{Number: new(int64(1))}, "Number", ""},
		{nil, "Text", ""}, {(*shape)(nil), "Text", ""}, {shape{Plain: "x"}, "Plain", ""}, {"x", "Plain", ""},
	} {
		if got := Text(tt.in, tt.field); got != tt.want {
			t.Errorf("%T.%s: got %q", tt.in, tt.field, got)
		}
	}
}

// FuzzEncode: whatever a caller sends becomes one line of valid JSON.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"Text":"a\nb","Parts":[{"Key":"k"},null],"Map":{"\u2028":"x"},"Blob":"aGk="}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var s shape
		if json.Unmarshal(in, &s) != nil {
			return
		}
		out := new(Encoder).Encode(&s)
		if !json.Valid(out) || bytes.ContainsAny(out, "\n\r") || out[0] != '{' {
			t.Errorf("%q gives %q", in, out)
		}
	})
}
