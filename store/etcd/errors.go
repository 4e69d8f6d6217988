package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/store"
)

// errSessionLost means that the lease of this process is gone.
var errSessionLost = errors.New("etcd: the lease of this process has ended")

// notCommitted are errors of etcd that say that a transaction was not even proposed.
var notCommitted = []struct{ from, class error }{
	{rpctypes.ErrNoSpace, store.ErrFull},
	{rpctypes.ErrLeaseNotFound, errSessionLost},
	{rpctypes.ErrTooManyOps, store.ErrTooLarge},
	{rpctypes.ErrRequestTooLarge, store.ErrTooLarge},
	{rpctypes.ErrNoLeader, store.ErrUnreachable},
	{rpctypes.ErrTooManyRequests, store.ErrUnreachable},
	{rpctypes.ErrNotCapable, store.ErrUnreachable},
	// After an election or a change of users, the client gets another token.
	{rpctypes.ErrInvalidAuthToken, store.ErrUnreachable},
	{rpctypes.ErrAuthOldRevision, store.ErrUnreachable},
}

// classify turns an error of the client into one of the classes of store. An error that
// leaves open whether a transaction was made wraps ErrUncertain.
func (s *Store) classify(err error) error {
	for _, e := range notCommitted {
		if errors.Is(err, e.from) {
			return fmt.Errorf("%w: %w", e.class, err)
		}
	}
	if rpctypes.ErrorDesc(err) == rpctypes.ErrorDesc(rpctypes.ErrGRPCNotSupportedForLearner) {
		return fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	if s.ctx.Err() != nil {
		return fmt.Errorf("%w: %w", store.ErrClosed, err)
	}
	switch status.Code(unwrapped(err)) {
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument, codes.FailedPrecondition, codes.Unimplemented, codes.OutOfRange:
		return fmt.Errorf("etcd: %w", err)
	case codes.ResourceExhausted:
		return fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", store.ErrUncertain, err)
}

// unwrapped returns an error that status.Code understands.
func unwrapped(err error) error {
	if e, ok := errors.AsType[rpctypes.EtcdError](err); ok {
		return status.Error(e.Code(), e.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	return err
}

// readError turns an error of a request that changes nothing into one of store.
func (s *Store) readError(cause error) error {
	err := s.classify(cause)
	if errors.Is(err, store.ErrUncertain) {
		return fmt.Errorf("%w: %w", store.ErrUnreachable, cause)
	}
	return err
}
