package query

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// item is what generated code looks like.
type item struct {
	Name  *string
	Count *int64
	Ratio *float64
	Flag  *bool
	At    *timestamp.Milliseconds
	Data  []byte
	List  []string
	Flat  []*item
	Map   map[string]string
	Next  *item
}

func decodeItem(f Fields) *item {
	if !f.Present() {
		return nil
	}
	m := new(item)
	m.decode(f)
	return m
}

func (m *item) decode(f Fields) {
	m.Name = OptionalText[string](f.At("Name"))
	m.Count = OptionalInt64(f.At("Count"))
	m.Ratio = OptionalFloat64(f.At("Ratio"))
	m.Flag = OptionalBool(f.At("Flag"))
	m.At = OptionalTime(f.At("At"), timestamp.ISO8601)
	m.Data = f.At("Data").Blob()
	m.List = List(f.At("List"), "member", Element[string])
	m.Flat = List(f.At("Flat"), "", decodeItem)
	m.Map = Map[string](f.At("Map"), "entry", "key", "value", Element[string])
	m.Next = decodeItem(f.At("Next"))
}

func TestDecode(t *testing.T) {
	for form, want := range map[string]item{
		"":                                    {},
		"Action=X&Name=a%26b&Unknown=1":       {Name: new("a&b")},
		"Name=":                               {Name: new("")},
		"Count=-5&Ratio=.5&Flag=false":        {Count: new(int64(-5)), Ratio: new(0.5), Flag: new(false)},
		"At=2020-01-01T00:00:00Z&Data=aGk%3D": {At: new(timestamp.Milliseconds(1577836800000)), Data: []byte("hi")},
		"List.member.1=a&List.member.2=b":     {List: []string{"a", "b"}},
		"List=":                               {List: []string{}},
		"Lists.member.1=a":                    {},
		"Flat.1.Name=a&Flat.2.Count=2":        {Flat: []*item{{Name: new("a")}, {Count: new(int64(2))}}},
		"Map.entry.1.key=a&Map.entry.1.value=b&Map.entry.2.key=c": {Map: map[string]string{"a": "b", "c": ""}},
		"Next.Next.Name=n": {Next: &item{Next: &item{Name: new("n")}}},
	} {
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		got := item{}
		if err := Decode(values, &got, (*item).decode); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", form, got, err)
		}
	}
}

const notPart = "The field is no part of the list or map that its name begins with"

func TestDecodeErrors(t *testing.T) {
	for form, want := range map[string]string{
		"Count=x":                         "The value is not a whole number of 64 bits (field Count)",
		"Next.Flag=yes":                   "The value is not a boolean (field Next.Flag)",
		"Flat.1.Ratio=0x1":                "The value is not a number (field Flat.1.Ratio)",
		"At=1577836800":                   "The value is not a time (field At)",
		"Data=*":                          "The value is not base64 (field Data)",
		"List.member.2=a":                 notPart + " (field List.member.2)",
		"List.member.1=a&List.member.3=b": notPart + " (field List.member.3)",
		"List.member.01=a":                notPart + " (field List.member.01)",
		"List.member.x=a":                 notPart + " (field List.member.x)",
		"List.foo=a":                      notPart + " (field List.foo)",
		"List=a":                          notPart + " (field List)",
		"Flat.1.Name=a&Flat.1.Bogus=b":    notPart + " (field Flat.1.Bogus)",
		"Flat.1=a":                        notPart + " (field Flat.1)",
		"Map.entry.1.other=a":             notPart + " (field Map.entry.1.other)",
	} {
		values, _ := url.ParseQuery(form)
		err := Decode(values, new(item), (*item).decode)
		if e, ok := err.(*FieldError); !ok || e.Error() != want || e.ErrorKind() != wire.Serialization {
			t.Errorf("%s: got %v", form, err)
		}
	}
	deep := url.Values{strings.Repeat("Next.", maxDepth) + "Name": {"x"}}
	if err := Decode(deep, new(item), (*item).decode); err == nil {
		t.Error("a name of many parts is accepted")
	}
}

func TestResult(t *testing.T) {
	b := CloseResult(append(OpenResult(nil, "urn:a", "Act", "ActResult"), "<A>1</A>"...), "Act", "ActResult", "id")
	const want = `<ActResponse xmlns="urn:a"><ActResult><A>1</A></ActResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ActResponse>`
	if string(b) != want {
		t.Errorf("got %s", b)
	}
}

// FuzzDecode decodes any form: the only errors are of the package.
func FuzzDecode(f *testing.F) {
	f.Add("Name=a&List.member.1=a&Flat.1.Next.Name=x")
	f.Add("Map.entry.1.key=a&Map.entry.1.value=b&Count=5&At=2020-01-01T00:00:00Z")
	f.Fuzz(func(t *testing.T, form string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		if err := Decode(values, new(item), (*item).decode); err != nil {
			if e, ok := errors.AsType[*FieldError](err); !ok || len(e.Error()) > 1000 {
				t.Fatalf("error of type %T: %.100v", err, err)
			}
		}
	})
}
