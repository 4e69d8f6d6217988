package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
)

// Error returns the answer for an error of Serve. The cause is what the answer
// does not tell the client and the log should have; nil where it tells everything.
// The operation need not be known.
func (c *Call) Error(api *API, err error) (answer *wire.Error, cause error) {
	op := c.Operation
	if e, ok := err.(*wire.Error); ok {
		return e, e.Cause
	}
	if api.Errors != nil {
		if e := api.Errors(c, err); e != nil {
			return e, nil
		}
	}
	if e, ok := errors.AsType[wire.KindError](err); ok {
		return api.Fault(op, e.ErrorKind(), e.Error()), nil
	}
	return api.storeError(op, err)
}

// storeError returns the answer for an error of the replica or the store. An unknown error
// is an internal failure whose text has no details.
func (a *API) storeError(op *Operation, err error) (*wire.Error, error) {
	if size, ok := errors.AsType[*store.SizeError](err); ok {
		return a.Fault(op, wire.Validation, fmt.Sprintf(
			"The request needs a transaction of %d operations, and the store takes %d. Divide the request, or have %s raised.",
			size.Have, size.Limit, size.Setting)), nil
	}
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return a.Fault(op, wire.Validation, "The request is larger than the store takes in one transaction. Divide it."), nil
	case errors.Is(err, replica.ErrBusy):
		return a.Fault(op, wire.Throttling, "Rate exceeded"), nil
	case errors.Is(err, store.ErrFull):
		return a.Fault(op, wire.Unavailable,
			"The disk is full: nothing can be changed until there is space again. Reads are not affected."), nil
	case errors.Is(err, store.ErrReadOnly):
		return a.Fault(op, wire.Unavailable, "This node only reads: it follows another node. Send changes to a node that writes."), nil
	case errors.Is(err, replica.ErrUnavailable), errors.Is(err, replica.ErrStopped):
		return a.Fault(op, wire.Unavailable, "The change could not be stored and was not made. Try again."), nil
	case errors.Is(err, replica.ErrUncertain):
		return a.Fault(op, wire.Unavailable, uncertainMessage), nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return a.Fault(op, wire.Internal, uncertainMessage), nil
	}
	return a.Fault(op, wire.Internal, InternalMessage), err
}

const uncertainMessage = "It is not known whether the change was made. Trying again with the same request id is safe."

// InternalMessage is what clients are told of an internal failure.
const InternalMessage = "An internal error occurred."
