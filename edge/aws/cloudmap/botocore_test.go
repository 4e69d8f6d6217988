package cloudmap

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/test/botocore"
)

// TestBotocore compares the generated codecs with botocore's.
func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:          "model/servicediscovery-2017-03-14.json",
		Operations:     operations(&fakeHandlers{}),
		Handlers:       reflect.TypeFor[handlers](),
		Protocol:       awsjson.V11,
		OwnConstraints: true,
	})
}
