package restjson

import (
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestAppendError(t *testing.T) {
	e := &wire.Error{Code: "NotFoundException", Status: 404, Message: `no "m"`, Members: []wire.Member{{Name: "resource", Value: "m"}}}
	if got := string(Protocol{}.AppendError(nil, e, "id")); got != `{"message":"no \"m\"","resource":"m"}` {
		t.Errorf("got %s", got)
	}
}

func TestCommonCodes(t *testing.T) {
	for k := range wire.NotSupported + 1 {
		if c := (Protocol{}).Common(k); c.Name == "" || c.Status < 400 || k != wire.Internal && c == (Protocol{}).Common(wire.Internal) {
			t.Errorf("kind %d has code %v", k, c)
		}
	}
}
