package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"
)

const defaultEndpoint = "http://127.0.0.1:8053"

// client is a connection to a node, and how its answers are shown.
type client struct {
	api    *servicediscovery.Client
	p      *program
	output string
	wait   bool
}

// clientFlags are the flags of every client command.
type clientFlags struct {
	endpoint string
	region   string
	output   string
	timeout  time.Duration
}

// clientCommand gives cmd the flags of a client command and a body that gets a
// connected client.
func clientCommand(p *program, cmd *cobra.Command, run func(context.Context, *client) error) {
	var f clientFlags
	cmd.Flags().SortFlags = false
	// As persistent flags they stand after the command's own in its help.
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.endpoint, "endpoint", "", "`URL` of the node (default $CAIRN_ENDPOINT, or "+defaultEndpoint+")")
	flags.StringVar(&f.region, "region", "", "AWS region `NAME` to sign for (default from the usual AWS settings, or "+defaultRegion+")")
	flags.StringVar(&f.output, "output", "table", "how to print the answer: `table|json`")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "give up after this `TIME`")
	cmd.GroupID = groupClient
	cmd.Args = cobra.NoArgs
	cmd.DisableFlagsInUseLine = true
	cmd.RunE = body(func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		ctx, cancel := context.WithTimeout(ctx, f.timeout)
		defer cancel()
		c, err := p.connect(ctx, f)
		if err != nil {
			return err
		}
		return explain(run(ctx, c), c.endpoint())
	})
}

// operationCommand is a client command whose call starts an operation.
func operationCommand(p *program, cmd *cobra.Command, run func(context.Context, *client) error) {
	var noWait bool
	clientCommand(p, cmd, func(ctx context.Context, c *client) error {
		c.wait = !noWait
		return run(ctx, c)
	})
	cmd.PersistentFlags().BoolVar(&noWait, "no-wait", false, "return when the operation was accepted, not when it has ended")
}

// connect makes a client; it sends nothing yet.
func (p *program) connect(ctx context.Context, f clientFlags) (*client, error) {
	if f.output != "table" && f.output != "json" {
		return nil, usagef("--output: %q must be table or json", f.output)
	}
	endpoint, err := p.endpoint(f.endpoint)
	if err != nil {
		return nil, err
	}
	settings, err := loadAWS(ctx, f.region)
	if err != nil {
		return nil, err
	}
	api := servicediscovery.NewFromConfig(settings.Config, func(o *servicediscovery.Options) {
		o.BaseEndpoint = &endpoint
		o.APIOptions = append(o.APIOptions, withoutHostPrefix)
		o.Retryer = retry.NewStandard(notRefused)
	})
	return &client{api: api, p: p, output: f.output}, nil
}

// notRefused keeps the SDK from trying again where nobody listens, which would
// only delay the error.
func notRefused(o *retry.StandardOptions) {
	refused := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})
	o.Retryables = append([]retry.IsErrorRetryable{refused}, o.Retryables...)
}

// endpoint returns the node's URL: from the flag, else from the environment.
func (p *program) endpoint(flag string) (string, error) {
	return baseURL(cmp.Or(flag, p.getenv("CAIRN_ENDPOINT"), defaultEndpoint), "the endpoint")
}

// baseURL reads a URL; HOST:PORT alone means http.
func baseURL(text, what string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", usagef("%s: %q must be a URL such as %s", what, text, defaultEndpoint)
	}
	return strings.TrimRight(text, "/"), nil
}

// withoutHostPrefix keeps the SDK from putting data- before the endpoint's host
// in DiscoverInstances, which would not resolve.
func withoutHostPrefix(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("WithoutHostPrefix",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
			middleware.InitializeOutput, middleware.Metadata, error,
		) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
}

func (c *client) endpoint() string { return aws.ToString(c.api.Options().BaseEndpoint) }

// explain turns the SDK's errors into words for the command line.
func explain(err error, endpoint string) error {
	if apiError, ok := errors.AsType[smithy.APIError](err); ok {
		text := apiError.ErrorCode()
		if m := apiError.ErrorMessage(); m != "" {
			text += ": " + m
		}
		return errors.New(text)
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no node answers at %s: start one with \"cairn serve\", or name another with --endpoint", endpoint)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time (see --timeout): %w", err)
	}
	return err
}
