package cloudmap

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Pauses between two requests for the status of an operation. Most have ended at
// the first request.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// ended waits until an operation has ended, and returns an error if it failed. It
// shows progress.
func (c *client) ended(ctx context.Context, id *string) (*types.Operation, error) {
	defer c.Progress(func() string { return "waiting for operation " + aws.ToString(id) })()
	pause := firstPause
	for {
		out, err := c.api.GetOperation(ctx, &servicediscovery.GetOperationInput{OperationId: id})
		if err != nil {
			return nil, err
		}
		switch op := out.Operation; op.Status {
		case types.OperationStatusSuccess:
			return op, nil
		case types.OperationStatusFail:
			return nil, fmt.Errorf("operation %s failed: %s: %s",
				aws.ToString(op.Id), aws.ToString(op.ErrorCode), aws.ToString(op.ErrorMessage))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("operation %s still runs: %w", aws.ToString(id), ctx.Err())
		}
		pause = min(2*pause, lastPause)
	}
}

// finish waits for an operation, unless --no-wait is given, and prints its id and
// status after the other fields.
func (c *client) finish(ctx context.Context, id *string, more ...cli.Field) error {
	status := "SUBMITTED"
	if c.wait {
		op, err := c.ended(ctx, id)
		if err != nil {
			return err
		}
		status = string(op.Status)
	}
	fields := append(more, cli.Text("OperationId", aws.ToString(id)), cli.Text("Status", status))
	return c.PrintFields(fields...)
}
