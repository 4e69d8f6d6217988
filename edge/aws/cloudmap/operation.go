package cloudmap

import (
	"sync"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// decodeInput decodes and validates the input of an operation.
func decodeInput[T any, P interface {
	*T
	input
}](r *wire.Request) (any, error) {
	in := P(new(T))
	err := readInput(r.Body, r.Strict, in)
	if _, decoded := err.(*ValidationError); err != nil && !decoded {
		return nil, err
	}
	return (*T)(in), err
}

// encodeOutput appends the output of an operation.
func encodeOutput[O interface{ append([]byte) []byte }](w *wire.Response, out any) error {
	w.Body = out.(O).append(w.Body)
	return nil
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
