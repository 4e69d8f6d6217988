package restxml

import (
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestAppendError(t *testing.T) {
	p := &Protocol{Namespace: "urn:a"}
	for _, test := range []struct {
		err  wire.Error
		want string
	}{
		{
			wire.Error{Code: "InvalidInput", Status: 400, Message: "a < b"},
			`<?xml version="1.0"?>` + "\n" + `<ErrorResponse xmlns="urn:a"><Error><Type>Sender</Type><Code>InvalidInput</Code>` +
				`<Message>a &lt; b</Message></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			wire.Error{Code: "ServiceUnavailable", Status: 503, Message: "m", Members: []wire.Member{{Name: "Zone", Value: "Z1"}}},
			`<?xml version="1.0"?>` + "\n" + `<ErrorResponse xmlns="urn:a"><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code>` +
				`<Message>m</Message><Zone>Z1</Zone></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
	} {
		if got := string(p.AppendError(nil, &test.err, "id")); got != test.want {
			t.Errorf("got %s", got)
		}
	}
}

func TestCommonCodes(t *testing.T) {
	p := &Protocol{}
	for k := range wire.NotSupported + 1 {
		if c := p.Common(k); c.Name == "" || c.Status < 400 || k != wire.Internal && c == p.Common(wire.Internal) {
			t.Errorf("kind %d has code %v", k, c)
		}
	}
}

func TestNamespace(t *testing.T) {
	if got := Namespace(&wire.Request{}, "urn:a"); got != "" {
		t.Errorf("extended: got %q", got)
	}
	if got := Namespace(&wire.Request{Strict: true}, "urn:a"); got != "urn:a" {
		t.Errorf("strict: got %q", got)
	}
}
