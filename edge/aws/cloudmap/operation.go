package cloudmap

import (
	"cmp"
	"slices"
	"sync"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
)

// operation is one operation of the API.
type operation struct {
	name       string
	hostPrefix string   // that AWS's clients put before the endpoint's host name
	errors     []string // codes that the operation declares
	// serve decodes and validates body, calls the operation's handler and appends
	// the answer's body to out, which it returns. Errors of its own are
	// *awsjson.SerializationError and *ValidationError; all others are the
	// handler's. With an error, what is behind len(out) has no meaning.
	serve func(h handlers, c *call, body, out []byte) ([]byte, error)
}

// findOperation returns the operation of that name, or nil.
func findOperation(name string) *operation {
	i, found := slices.BinarySearchFunc(operations[:], name, func(op operation, name string) int {
		return cmp.Compare(op.name, name)
	})
	if !found {
		return nil
	}
	return &operations[i]
}

// dispatch serves the operation of that name; see operation.serve. An unknown
// one is an *awsjson.Error.
func dispatch(h handlers, name string, c *call, body, out []byte) ([]byte, error) {
	op := findOperation(name)
	if op == nil {
		return out, &awsjson.Error{Code: "UnknownOperationException", Status: 400}
	}
	return op.serve(h, c, body, out)
}

// input is the input shape of an operation.
type input interface {
	decode(*awsjson.Reader)
	validate(*validation)
}

// readers are reused: a small request allocates nothing but its values.
var readers = sync.Pool{New: func() any { return new(awsjson.Reader) }}

// readInput decodes body into in, which is fresh, and validates it.
func readInput(body []byte, strict bool, in input) error {
	r := readers.Get().(*awsjson.Reader)
	defer readers.Put(r)
	r.Reset(body)
	defer r.Reset(nil)
	in.decode(r)
	if err := r.End(); err != nil {
		return err
	}
	v := validation{strict: strict}
	in.validate(&v)
	return v.result()
}
