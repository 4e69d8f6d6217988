package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// DefaultEndpoint is the URL of the AWS APIs of a node with default settings.
const DefaultEndpoint = "http://127.0.0.1:8053"

// Session is what one run of a client command uses to call AWS APIs of a node.
type Session struct {
	*Program
	*Printer
	// Config is for the client of an AWS API. Set the client's BaseEndpoint to
	// Endpoint too: an environment variable of the API could replace it.
	Config   aws.Config
	Endpoint string

	client         *http.Client // of Send
	endpointSource string       // where Endpoint is from; empty: the default
	dummy          bool         // the credentials are the dummy ones
	identified     bool         // wrong is set
	wrong          error        // of wrongListener
}

// clientFlags are the flags of every client command.
type clientFlags struct {
	endpoint string
	region   string
	caFile   string
	output   Output
	timeout  time.Duration
}

func (f *clientFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.endpoint, "endpoint", "", EndpointUsage)
	flags.StringVar(&f.region, "region", "", "AWS region `NAME` to sign for (default from the usual AWS settings, or "+DefaultRegion+")")
	flags.StringVar(&f.caFile, "ca-file", "", "`FILE` with the authorities to trust for https (default $AWS_CA_BUNDLE, or the system's)")
	f.output.AddTo(flags)
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "give up after this `TIME`; 0: never")
}

// ClientCommand gives cmd the flags of a client command, arguments that stand for
// flags, and a body that calls run with a session.
func ClientCommand(p *Program, cmd *cobra.Command, args []Arg, run func(context.Context, *Session) error) {
	var f clientFlags
	cmd.Flags().SortFlags = false
	// As persistent flags they follow the command's own in its help.
	f.addTo(cmd.PersistentFlags())
	Arguments(cmd, args...)
	cmd.DisableFlagsInUseLine = true
	cmd.RunE = Interruptible(func(ctx context.Context, _ []string) error {
		if f.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, f.timeout)
			defer cancel()
		}
		s, err := p.connect(ctx, f)
		if err != nil {
			return err
		}
		defer s.client.CloseIdleConnections()
		return s.plainError(ctx, run(ctx, s))
	})
}

// DefaultTimeout sets the default of --timeout of a client command. 0: no limit.
func DefaultTimeout(cmd *cobra.Command, d time.Duration) {
	timeout := cmd.PersistentFlags().Lookup("timeout")
	timeout.DefValue = d.String()
	if err := timeout.Value.Set(timeout.DefValue); err != nil {
		panic(err)
	}
}

// connect returns a session. It sends nothing yet.
func (p *Program) connect(ctx context.Context, f clientFlags) (*Session, error) {
	printer, err := p.Printer(f.output)
	if err != nil {
		return nil, err
	}
	endpoint, source, err := p.Endpoint(f.endpoint)
	if err != nil {
		return nil, err
	}
	var options []func(*config.LoadOptions) error
	if f.caFile != "" {
		authorities, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		options = append(options, config.WithCustomCABundle(bytes.NewReader(authorities)))
	}
	settings, err := LoadAWS(ctx, f.region, options...)
	if err != nil {
		return nil, err
	}
	s := &Session{Program: p, Printer: printer, Config: settings.Config, Endpoint: endpoint, endpointSource: source, dummy: settings.Dummy}
	s.client = newClient(s.Config.HTTPClient)
	s.Config.APIOptions = append(s.Config.APIOptions, withoutHostPrefix)
	s.Config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary { return s.retryable(ctx, err) })}, o.Retryables...)
		})
	}
	return s, nil
}

// retryable returns false for errors that a second attempt would not cure, where
// the SDK would try again.
func (s *Session) retryable(ctx context.Context, err error) aws.Ternary {
	if _, answered := errors.AsType[smithy.APIError](err); answered {
		return aws.UnknownTernary
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if untrusted || errors.Is(err, syscall.ECONNREFUSED) || s.wrongEndpoint(ctx) != nil {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// wrongEndpoint returns an error if the endpoint is not that of an API listener.
// It finds out once.
func (s *Session) wrongEndpoint(ctx context.Context) error {
	if !s.identified && ctx.Err() == nil {
		s.wrong = wrongListener(ctx, s.Endpoint, listenerAPI, cmp.Or(s.endpointSource, "--endpoint"), "api_addr", DefaultEndpoint)
		s.identified = true
	}
	return s.wrong
}

// EndpointUsage describes a flag for Endpoint.
const EndpointUsage = "`URL` of the node (default $CAIRN_ENDPOINT, $AWS_ENDPOINT_URL_SERVICEDISCOVERY, $AWS_ENDPOINT_URL, or " + DefaultEndpoint + ")"

// Endpoint returns the URL of the node and where it is from: the flag, or a
// variable of the environment. The source of the default is empty. Our own
// variable has precedence over those of AWS SDKs, which AWS programs ignore if
// AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func (p *Program) Endpoint(flag string) (endpoint, source string, err error) {
	text, source := flag, "--endpoint"
	variables := []string{"CAIRN_ENDPOINT", "AWS_ENDPOINT_URL_SERVICEDISCOVERY", "AWS_ENDPOINT_URL"}
	if strings.EqualFold(p.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		variables = variables[:1]
	}
	for _, name := range variables {
		if text == "" {
			text, source = p.Getenv(name), name
		}
	}
	if text == "" {
		return DefaultEndpoint, "", nil
	}
	endpoint, err = baseURL(text, source)
	return endpoint, source, err
}

// baseURL parses a URL; HOST:PORT alone means http.
func baseURL(text, source string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", Usagef("%s: %q must be a URL such as %s", source, text, DefaultEndpoint)
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

// plainError rewords an error of the SDK for the command line: it names the cause
// and what to do.
func (s *Session) plainError(ctx context.Context, err error) error {
	if apiError, ok := errors.AsType[smithy.APIError](err); ok && !slices.Contains(unserved, apiError.ErrorCode()) {
		return s.plainAPIError(apiError)
	}
	if _, ours := errors.AsType[*smithy.OperationError](err); !ours {
		return err // no call failed
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no node answers at %s%s: start one with \"cairn serve\", or name another with --endpoint", s.Endpoint, s.from())
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%s%s: %w: name its authority with --ca-file, or in AWS_CA_BUNDLE", s.Endpoint, s.from(), untrusted.Err)
	}
	late := errors.Is(err, context.DeadlineExceeded)
	if late {
		ctx = context.WithoutCancel(ctx) // the attempts to identify have a limit of their own
	}
	if wrong := s.wrongEndpoint(ctx); wrong != nil {
		return wrong
	}
	if late {
		return fmt.Errorf("no answer from %s%s in time (see --timeout): %w", s.Endpoint, s.from(), context.DeadlineExceeded)
	}
	return err
}

// plainAPIError rewords an error that the node answered.
func (s *Session) plainAPIError(err smithy.APIError) error {
	if s.dummy && slices.Contains(unsigned, err.ErrorCode()) {
		return errors.New("the node accepts signed requests only, and no credentials are set: give an access key of this node in " +
			"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in a profile (AWS_PROFILE); \"cairn key create --export\" creates one")
	}
	text := err.ErrorCode()
	if m := err.ErrorMessage(); m != "" {
		text += ": " + m
	}
	return errors.New(text)
}

// unserved are the codes of answers that are no answers of an API: of a listener that
// has none, or of one that was sent http:// where it expects TLS.
var unserved = []string{"UnknownError", "MalformedHttpRequestException"}

// unsigned are the codes of errors about a request with credentials that the node
// does not have.
var unsigned = []string{"UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken", "InvalidSignatureException"}

// from returns where the endpoint is from, for the text of an error.
func (s *Session) from() string {
	if s.endpointSource == "" || s.endpointSource == "--endpoint" {
		return ""
	}
	return " (from " + s.endpointSource + ")"
}
