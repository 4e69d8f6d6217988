package appmesh

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/restjson"
	"github.com/cairn-discovery/cairn/test/botocore"
)

// TestBotocore compares the generated codecs with botocore's.
func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:      "model/appmesh-2019-01-25.json",
		Operations: operations(&api{}),
		Handlers:   reflect.TypeFor[handlers](),
		Protocol:   restjson.Protocol{},
	})
}
