package restxmlapi

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/restxml"

	"github.com/cairn-discovery/cairn/test/botocore"
)

func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:      "model/madeup.json",
		Operations: operations(unsupported{}),
		Handlers:   reflect.TypeFor[handlers](),
		Protocol:   &restxml.Protocol{Namespace: xmlNamespace},
	})
}
