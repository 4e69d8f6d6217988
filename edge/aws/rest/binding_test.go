package rest

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestReader(t *testing.T) {
	r := NewReader(&wire.Request{
		Labels:   []string{"first", "2"},
		RawQuery: "n=5&t=a&t=b%26c&flag=true&at=2020-01-01T00:00:00Z&x=1.5&empty=&blob=aGk%3D",
		Header: http.Header{
			"X-List": {`a, "b,\"c"`, "d"}, "X-Meta-One": {"1"}, "X-Meta-Two": {"2", "3"}, "X-At": {"Wed, 01 Jan 2020 00:00:00 GMT"},
		},
	})
	for _, test := range []struct{ got, want any }{
		{*Text[string](r.Label(0, "a")), "first"},
		{*r.Label(1, "b").Int64(), int64(2)},
		{*r.Query("n").Int64(), int64(5)},
		{r.Query("absent").Int64(), (*int64)(nil)},
		{*Text[string](r.Query("empty")), ""},
		{Text[string](r.Query("absent")), (*string)(nil)},
		{Texts[string](r.QueryList("t")), []string{"a", "b&c"}},
		{Texts[string](r.QueryList("absent")), []string(nil)},
		{Int64s(r.QueryList("n")), []int64{5}},
		{*r.Query("flag").Bool(), true},
		{*r.Query("x").Float64(), 1.5},
		{string(r.Query("blob").Blob()), "hi"},
		{*r.Query("at").Time(timestamp.ISO8601), timestamp.Milliseconds(1577836800000)},
		{*r.Header("X-At").Time(timestamp.HTTPDate), timestamp.Milliseconds(1577836800000)},
		{Texts[string](r.HeaderList("X-List")), []string{"a", `b,"c`, "d"}},
		{Texts[string](r.HeaderList("X-None")), []string(nil)},
		{r.HeaderMap("x-meta-"), map[string]string{"one": "1", "two": "2,3"}},
		{r.HeaderMap("x-none-"), map[string]string(nil)},
		{r.QueryMap("t", "flag", "at", "x", "empty", "blob"), map[string]string{"n": "5"}},
		{r.QueryLists("n", "flag", "at", "x", "empty", "blob"), map[string][]string{"t": {"a", "b&c"}}},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("got %v, want %v", test.got, test.want)
		}
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestReaderErrors(t *testing.T) {
	for query, read := range map[string]func(*Reader){
		"m=x":                   func(r *Reader) { r.Query("m").Int64() },
		"m=9223372036854775808": func(r *Reader) { r.Query("m").Int64() },
		"m=yes":                 func(r *Reader) { r.Query("m").Bool() },
		"m=0x1":                 func(r *Reader) { r.Query("m").Float64() },
		"m=2020":                func(r *Reader) { r.Query("m").Time(timestamp.ISO8601) },
		"m=*":                   func(r *Reader) { r.Query("m").Blob() },
		"m=1&m=x":               func(r *Reader) { Int64s(r.QueryList("m")) },
		"m=%zz":                 func(*Reader) {},
	} {
		r := NewReader(&wire.Request{RawQuery: query})
		read(r)
		if err, ok := r.Err().(*Error); !ok || err.ErrorKind() != wire.Serialization || err.Member == "" {
			t.Errorf("%s: got %v", query, r.Err())
		}
	}
}

func TestSetHeader(t *testing.T) {
	w := new(wire.Response)
	SetHeader(w, "X-A", "a\r\nX-B: b")
	SetHeaders(w, "X-Meta-", map[string]string{"b": "2", "a": "1"})
	SetHeaderTime(w, "X-At", 1577836800000, timestamp.HTTPDate)
	SetHeaderList(w, "X-List", []string{"a", `b,"c`})
	SetHeaderInts(w, "X-Ints", []int64{1, -2})
	want := []wire.Member{
		{Name: "X-A", Value: "a  X-B: b"}, {Name: "X-Meta-a", Value: "1"}, {Name: "X-Meta-b", Value: "2"},
		{Name: "X-At", Value: "Wed, 01 Jan 2020 00:00:00 GMT"}, {Name: "X-List", Value: `a,"b,\"c"`}, {Name: "X-Ints", Value: "1,-2"},
	}
	if !reflect.DeepEqual(w.Header, want) {
		t.Errorf("got %q", w.Header)
	}
}

// FuzzReader reads any query and header as values of every kind: the only errors
// are of the package.
func FuzzReader(f *testing.F) {
	f.Add("m=1&m=2", `a,"b`)
	f.Add("m=2020-01-01T00:00:00Z", "Wed, 01 Jan 2020 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, query, field string) {
		r := NewReader(&wire.Request{RawQuery: query, Header: http.Header{"M": {field}}})
		for _, v := range append(append(r.QueryList("m"), r.HeaderList("M")...), r.Header("M")) {
			v.Int64()
			v.Bool()
			v.Blob()
			v.Float64()
			v.Time(timestamp.ISO8601)
			v.Time(timestamp.HTTPDate)
		}
		w := new(wire.Response)
		SetHeaderList(w, "M", Texts[string](r.HeaderList("M")))
		if _, ok := r.Err().(*Error); r.Err() != nil && !ok {
			t.Fatalf("error of type %T", r.Err())
		}
	})
}
