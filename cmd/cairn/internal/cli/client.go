package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"
)

// DefaultEndpoint is the URL of the AWS APIs of a node with default settings.
const DefaultEndpoint = "http://127.0.0.1:8053"

// Session is what one run of a client command uses to call AWS APIs of a node.
type Session struct {
	*Printer
	// Config is for the client of an AWS API. Set the client's BaseEndpoint to
	// Endpoint too: an environment variable of the API could replace it.
	Config   aws.Config
	Endpoint string
}

// clientFlags are the flags of every client command.
type clientFlags struct {
	endpoint string
	region   string
	output   Output
	timeout  time.Duration
}

// ClientCommand gives cmd the flags of a client command, arguments that stand for
// flags, and a body that calls run with a session.
func ClientCommand(p *Program, cmd *cobra.Command, args []Arg, run func(context.Context, *Session) error) {
	var f clientFlags
	cmd.Flags().SortFlags = false
	// As persistent flags they follow the command's own in its help.
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.endpoint, "endpoint", "", "`URL` of the node (default $CAIRN_ENDPOINT, or "+DefaultEndpoint+")")
	flags.StringVar(&f.region, "region", "", "AWS region `NAME` to sign for (default from the usual AWS settings, or "+DefaultRegion+")")
	f.output.AddTo(flags)
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "give up after this `TIME`")
	Arguments(cmd, args...)
	cmd.DisableFlagsInUseLine = true
	cmd.RunE = Interruptible(func(ctx context.Context, _ []string) error {
		ctx, cancel := context.WithTimeout(ctx, f.timeout)
		defer cancel()
		s, err := p.connect(ctx, f)
		if err != nil {
			return err
		}
		return plainError(run(ctx, s), s.Endpoint)
	})
}

// connect returns a session. It sends nothing yet.
func (p *Program) connect(ctx context.Context, f clientFlags) (*Session, error) {
	printer, err := p.Printer(f.output)
	if err != nil {
		return nil, err
	}
	endpoint, err := p.Endpoint(f.endpoint)
	if err != nil {
		return nil, err
	}
	settings, err := LoadAWS(ctx, f.region)
	if err != nil {
		return nil, err
	}
	cfg := settings.Config
	cfg.APIOptions = append(cfg.APIOptions, withoutHostPrefix)
	cfg.Retryer = func() aws.Retryer { return retry.NewStandard(notRefused) }
	return &Session{Printer: printer, Config: cfg, Endpoint: endpoint}, nil
}

// notRefused keeps the SDK from trying again where no process listens: that
// would only delay the error.
func notRefused(o *retry.StandardOptions) {
	refused := retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})
	o.Retryables = append([]retry.IsErrorRetryable{refused}, o.Retryables...)
}

// Endpoint returns the URL of the node: that of the flag, else the one of the
// environment.
func (p *Program) Endpoint(flag string) (string, error) {
	return baseURL(cmp.Or(flag, p.Getenv("CAIRN_ENDPOINT"), DefaultEndpoint), "the endpoint")
}

// baseURL parses a URL; HOST:PORT alone means http.
func baseURL(text, what string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", Usagef("%s: %q must be a URL such as %s", what, text, DefaultEndpoint)
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

// plainError rewords an error of the SDK for the command line.
func plainError(err error, endpoint string) error {
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
