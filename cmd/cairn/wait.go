package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
)

// Pauses between two looks at an operation. Most have ended at the first.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// ended waits until an operation has ended, and returns an error if it failed.
func (c *client) ended(ctx context.Context, id *string) (*types.Operation, error) {
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

// finish waits for an operation, unless told not to, and prints its id and
// status with whatever else the command has to say.
func (c *client) finish(ctx context.Context, id *string, more ...field) error {
	status := "SUBMITTED"
	if c.wait {
		op, err := c.ended(ctx, id)
		if err != nil {
			return err
		}
		status = string(op.Status)
	}
	fields := append(more, field{"OperationId", aws.ToString(id)}, field{"Status", status})
	return c.printFields(fields)
}
