package awsxml

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// item is what generated code looks like.
type item struct {
	Kind, Name *string
	Count      *int64
	Ratio      *float64
	Flag       *bool
	At         *timestamp.Milliseconds
	Data       []byte
	List       []string
	Flat       []*item
	Map        map[string]string
	FlatMap    map[string]int64
	Next       *item
}

func decodeItem(r *Reader) *item {
	m := new(item)
	m.decode(r)
	return m
}

func (m *item) decode(r *Reader) {
	m.Kind = Attribute[string](r, "xsi:kind")
	for r.Begin(); r.NextChild(); {
		switch r.Name() {
		case "Name":
			m.Name = OptionalText[string](r)
		case "Count":
			m.Count = OptionalInt64(r)
		case "Ratio":
			m.Ratio = OptionalFloat64(r)
		case "Flag":
			m.Flag = OptionalBool(r)
		case "At":
			m.At = OptionalTime(r, timestamp.ISO8601)
		case "Data":
			m.Data = r.Blob()
		case "List":
			m.List = List(r, "Member", Element[string])
		case "Flat":
			m.Flat = append(m.Flat, decodeItem(r))
		case "Map":
			m.Map = Map[string](r, "entry", "K", "V", Element[string])
		case "FlatMap":
			m.FlatMap = AddEntry(r, m.FlatMap, "K", "V", (*Reader).Int64)
		case "Next":
			m.Next = decodeItem(r)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		text string
		want item
	}{
		{``, item{}},
		{` `, item{}},
		{`<Item/>`, item{}},
		{`<?xml version="1.0"?><!-- c --><Item xmlns="urn:a"><Name>a &lt;&#x41;<![CDATA[<b>]]></Name></Item> `, item{Name: new("a <A<b>")}},
		{`<a:Item xmlns:a="urn:a" xmlns:xsi="urn:x" xsi:kind="k"><a:Name/></a:Item>`, item{Kind: new("k"), Name: new("")}},
		{`<Item><Count> 5 </Count><Ratio>1e3</Ratio><Flag>1</Flag></Item>`, item{Count: new(int64(5)), Ratio: new(1000.0), Flag: new(true)}},
		{`<Item><At>2020-01-01T00:00:00Z</At><Data>aGk=</Data></Item>`, item{At: new(timestamp.Milliseconds(1577836800000)), Data: []byte("hi")}},
		{`<Item><List><Member>a</Member><Other>b</Other><Member>c</Member></List></Item>`, item{List: []string{"a", "c"}}},
		{`<Item><List/><Map/></Item>`, item{List: []string{}, Map: map[string]string{}}},
		{`<Item><Flat><Name>a</Name></Flat><Unknown><Name><x/></Name></Unknown><Flat/></Item>`, item{Flat: []*item{{Name: new("a")}, {}}}},
		{`<Item><Map><entry><K>a</K><V>b</V></entry><entry><V>d</V><K>c</K></entry></Map></Item>`, item{Map: map[string]string{"a": "b", "c": "d"}}},
		{`<Item><FlatMap><K>a</K><V>1</V></FlatMap><FlatMap><K>b</K><V>2</V></FlatMap></Item>`, item{FlatMap: map[string]int64{"a": 1, "b": 2}}},
		{`<Item><Next><Next><Name>n</Name></Next></Next></Item>`, item{Next: &item{Next: &item{Name: new("n")}}}},
	} {
		got := item{}
		if err := Decode([]byte(test.text), "Item", "", &got, (*item).decode); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, %v", test.text, got, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	deep := strings.Repeat("<Next>", maxDepth+1) + strings.Repeat("</Next>", maxDepth+1)
	deepUnknown := strings.Repeat("<U>", maxDepth+1) + strings.Repeat("</U>", maxDepth+1)
	attributes := strings.Repeat(` a="b"`, maxAttributes+1)
	for text, want := range map[string]string{
		`<Item>`:                                     "Could not parse XML",
		`<Item></Other>`:                             "Could not parse XML",
		`text`:                                       "Could not parse XML",
		`<Other/>`:                                   "Other is not valid, expected Item",
		`<Item/><Item/>`:                             "The document has more than one root element",
		`<!DOCTYPE a [<!ENTITY b "c">]><Item/>`:      "A document type is not allowed",
		`<Item><Name>&b;</Name></Item>`:              "Could not parse XML (element Name)",
		"<Item><Name>\xff</Name></Item>":             "Could not parse XML (element Name)",
		`<Item>text</Item>`:                          "Text is not allowed between elements",
		`<Item><Name><b/></Name></Item>`:             "An element is not allowed inside a value (element Name)",
		`<Item><Count>x</Count></Item>`:              "The value is not a whole number of 64 bits (element Count)",
		`<Item><Next><Flag>yes</Flag></Next></Item>`: "The value is not a boolean (element Next/Flag)",
		`<Item><Ratio>0x1</Ratio></Item>`:            "The value is not a number (element Ratio)",
		`<Item><At>today</At></Item>`:                "The value is not a time (element At)",
		`<Item><Data>*</Data></Item>`:                "The value is not base64 (element Data)",
		`<Item>` + deepUnknown + `</Item>`:           "Elements are nested too deeply (element U)",
		`<Item` + attributes + `/>`:                  "The element has too many attributes",
	} {
		err := Decode([]byte(text), "Item", "", new(item), (*item).decode)
		if e, ok := err.(*Error); !ok || e.Error() != want || e.ErrorKind() != wire.Serialization {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	err := Decode([]byte("<Item>"+deep+"</Item>"), "Item", "", new(item), (*item).decode)
	if err == nil || !strings.HasPrefix(err.Error(), "Elements are nested too deeply (element Next/Next") {
		t.Errorf("got %v", err)
	}
}

func TestDecodeNamespace(t *testing.T) {
	for text, ok := range map[string]bool{`<Item xmlns="urn:a"/>`: true, `<x:Item xmlns:x="urn:a"/>`: true, `<Item/>`: false, `<Item xmlns="urn:b"/>`: false} {
		err := Decode([]byte(text), "Item", "urn:a", new(item), (*item).decode)
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAppend(t *testing.T) {
	b := OpenRoot(nil, "Item", `urn:"a"`)
	b = AppendText(b, "Text", "<&>\"'\r\n\t\x00\uffff\xff é")
	b = AppendInt(b, "Int", -5)
	b = AppendFloat(b, "Float", 0.5)
	b = AppendBool(b, "Bool", false)
	b = AppendTime(b, "Time", 1577836800000, timestamp.ISO8601)
	b = AppendBlob(b, "Blob", []byte("hi"))
	b = Close(b, "Item")
	const want = `<Item xmlns="urn:&quot;a&quot;"><Text>&lt;&amp;&gt;&quot;'&#13;&#10;&#9;` + "\ufffd\ufffd\ufffd é</Text>" +
		`<Int>-5</Int><Float>0.5</Float><Bool>false</Bool><Time>2020-01-01T00:00:00.000Z</Time><Blob>aGk=</Blob></Item>`
	if string(b) != want {
		t.Errorf("got %s", b)
	}
}

// FuzzDecode compares what is well-formed with encoding/xml, and bounds errors.
func FuzzDecode(f *testing.F) {
	f.Add(`<Item xmlns="urn:a"><Name>a &lt;</Name><List><Member>b</Member></List><Unknown a="b"/></Item>`)
	f.Add(`<Item><Map><entry><K>a</K><V>b</V></entry></Map><Flat><Count>5</Count></Flat></Item>`)
	f.Add(`<Item xmlns:xsi="urn:x" xsi:kind="k"><Data>aGk=</Data><At>2020-01-01T00:00:00Z</At></Item>`)
	f.Fuzz(func(t *testing.T, text string) {
		err := Decode([]byte(text), "Item", "", new(item), (*item).decode)
		if err == nil {
			if strings.TrimSpace(text) != "" && !wellFormed(text) {
				t.Fatal("accepted, but is not XML")
			}
			return
		}
		if e, ok := errors.AsType[*Error](err); !ok || len(e.Error()) > 1000 {
			t.Fatalf("error of type %T: %.100v", err, err)
		}
	})
}

// wellFormed reports whether encoding/xml reads the text to its end.
func wellFormed(text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err != nil {
			return err == io.EOF
		}
	}
}

// FuzzAppendText: encoding/xml reads back what was written.
func FuzzAppendText(f *testing.F) {
	f.Add("a <b>&\r\n\x00 é")
	f.Fuzz(func(t *testing.T, text string) {
		var got struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal(AppendText(nil, "T", text), &got); err != nil {
			t.Fatal(err)
		}
		want := strings.Map(func(c rune) rune {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
				return '\ufffd'
			}
			return c
		}, text)
		if got.Text != toValid(want) {
			t.Fatalf("%q is read as %q", text, got.Text)
		}
	})
}

// toValid replaces each byte that is not UTF-8.
func toValid(s string) string { return string([]rune(s)) }
