package queryapi

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/edge/aws/query"

	"github.com/cairn-discovery/cairn/test/botocore"
)

func TestBotocore(t *testing.T) {
	botocore.Check(t, botocore.API{
		Model:      "model/madeup.json",
		Operations: operations(unsupported{}),
		Handlers:   reflect.TypeFor[handlers](),
		Protocol:   &query.Protocol{Namespace: xmlNamespace},
	})
}
