// Package ecs has the commands about tasks: run, ps, logs, stop and events. They
// call the Amazon ECS API of a node, and its admin listener for logs.
package ecs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "Tasks:", Commands: []*cobra.Command{
		newRun(p), newPs(p), newLogs(p), newStop(p), newEvents(p),
	}}
}

// client calls the ECS API for one command. It writes requests as JSON itself and does
// not use the SDK's ECS client: that one drops members that it does not know, such as
// serviceDiscoveryRegistry of a task definition.
type client struct {
	*cli.Session
	cluster string
}

// command gives cmd the flags and the body of a client command.
func command(p *cli.Program, cmd *cobra.Command, run func(context.Context, *client) error, args ...cli.Arg) {
	var c client
	cli.ClientCommand(p, cmd, args, func(ctx context.Context, s *cli.Session) error {
		c.Session = s
		return run(ctx, &c)
	})
	cmd.PersistentFlags().StringVar(&c.cluster, "cluster", "default", "`NAME` of the cluster")
}

const targetPrefix = "AmazonEC2ContainerServiceV20141113."

// object is a JSON object of a request.
type object map[string]any

// call sends a request and decodes the answer into out, which may be nil.
func (c *client) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := c.send(ctx, operation, body)
	if err != nil {
		return &smithy.OperationError{ServiceID: "ECS", OperationName: operation, Err: err}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: answer: %w", operation, err)
	}
	return nil
}

func (c *client) send(ctx context.Context, operation string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", targetPrefix+operation)
	response, answer, err := c.Send(ctx, "ecs", request, body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, apiError(answer)
	}
	return answer, nil
}

// apiError returns the error in an answer; see "AWS JSON 1.1 protocol" in the Smithy
// specification.
func apiError(answer []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &e) != nil || e.Type == "" {
		return &smithy.GenericAPIError{Code: "UnknownError"}
	}
	return &smithy.GenericAPIError{Code: e.Type[strings.LastIndexByte(e.Type, '#')+1:], Message: e.Message}
}
