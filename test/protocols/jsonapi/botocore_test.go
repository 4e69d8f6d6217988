package jsonapi

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"

	"github.com/cairn-discovery/cairn/test/botocore"
)

func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:      "model/madeup.json",
		Operations: operations(unsupported{}),
		Handlers:   reflect.TypeFor[handlers](),
		Protocol:   awsjson.V10,
	})
}
