package ecs

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"

	"github.com/cairn-discovery/cairn/test/botocore"
)

// TestBotocore compares the generated codecs with botocore's.
func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:      "model/ecs-2014-11-13.json",
		Operations: operations(unsupported{}),
		Handlers:   reflect.TypeFor[handlers](),
		Protocol:   awsjson.V11,
	})
}
