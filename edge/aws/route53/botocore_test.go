package route53

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/restxml"
	"github.com/cairn-discovery/cairn/test/botocore"
)

// TestBotocore compares the generated codecs with botocore's.
func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:      "model/route53-2013-04-01.json",
		Operations: operations(unsupported{}),
		Handlers:   reflect.TypeFor[handlers](),
		Protocol:   &restxml.Protocol{Namespace: xmlNamespace},
	})
}
