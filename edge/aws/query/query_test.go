package query

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestParse(t *testing.T) {
	f, err := Parse("POST", "Action=NotThis", []byte("Action=AssumeRole&Tags.member.1.Key=a&Tags.member.2.Key=b+c&Tags.member.4.Key=d&Empty="))
	if err != nil {
		t.Fatal(err)
	}
	if f.Text("Action") != "AssumeRole" {
		t.Errorf("%v", f)
	}
	for method, body := range map[string]string{"GET": "Action=NotThis", "POST": ""} {
		f, err := Parse(method, "Action=GetCallerIdentity&Version=2011-06-15", []byte(body))
		if err != nil || f.Text("Action") != "GetCallerIdentity" {
			t.Errorf("%s: %v %v", method, f, err)
		}
	}
	for _, bad := range []string{"Action=%zz", "Action=A&Action=B", strings.Repeat("a=1&", maxFields+1), "a;b=1"} {
		_, err := Parse("POST", "", []byte(bad))
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != "MalformedQueryString" {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	type result struct{ Arn, Account string }
	b, err := AppendResponse(nil, "https://sts.amazonaws.com/doc/2011-06-15/", "GetCallerIdentity", result{"a<b", "1"}, "id")
	if err != nil {
		t.Fatal(err)
	}
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>a&lt;b</Arn><Account>1</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
	if string(b) != want {
		t.Errorf("%s\nwant\n%s", b, want)
	}
	b = appendError(nil, "n", &wire.Error{Code: "Access<Denied", Status: 403, Message: "a & b\x00"}, "id")
	var parsed struct {
		Error struct{ Type, Code, Message string }
	}
	if err := xml.Unmarshal(b, &parsed); err != nil || parsed.Error.Code != "Access<Denied" || parsed.Error.Type != "Sender" {
		t.Errorf("%v %s", err, b)
	}
	if b := appendError(nil, "n", &wire.Error{Code: "X", Status: 500, Message: ""}, "id"); !strings.Contains(string(b), "Receiver") {
		t.Errorf("%s", b)
	}
}

// FuzzParse: any request gives a form in which each field has one value, or an error
// of the client.
func FuzzParse(f *testing.F) {
	f.Add("POST", "", []byte("Action=A&Version=1"))
	f.Add("GET", "Action=A&X=%zz", []byte(nil))
	f.Add("POST", "a=1", []byte("a=1&a=2;b"))
	f.Fuzz(func(t *testing.T, method, rawQuery string, body []byte) {
		form, err := Parse(method, rawQuery, body)
		if err != nil {
			if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != "MalformedQueryString" || len(e.Message) > 200 {
				t.Errorf("%v", err)
			}
			return
		}
		for name, values := range form {
			if len(values) != 1 || form.Text(name) != values[0] {
				t.Errorf("%q has %q", name, values)
			}
		}
		if len(form) > maxFields {
			t.Errorf("%d fields", len(form))
		}
	})
}
