package prober

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/core/health"
)

// probeGRPC asks the health service of the gRPC health checking protocol
// (grpc.health.v1.Health/Check) and passes when it says SERVING.
func (p *Prober) probeGRPC(ctx context.Context, t *target) health.Reason {
	limits := t.budget(time.Now())
	by := limits.answer
	if by.IsZero() {
		by = limits.connect.Add(statusTimeout)
	}
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	var failed atomic.Pointer[health.Reason] // why there is no connection
	var connected atomic.Bool
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		ctx, cancel := context.WithDeadline(ctx, limits.connect)
		defer cancel()
		conn, err := p.cfg.Dial(ctx, t.addr)
		if err != nil {
			failed.Store(new(dialReason(err)))
		}
		connected.Store(err == nil)
		return conn, err
	}
	client, err := grpc.NewClient("passthrough:///"+t.addr.String(), p.grpcOptions(t, dial)...)
	if err != nil {
		return health.Reason{Kind: health.BadAnswer}
	}
	defer client.Close()
	answer, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: t.grpcService()})
	if err != nil {
		if r := failed.Load(); r != nil {
			return *r
		}
		return callReason(err, connected.Load())
	}
	if answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return health.Reason{Kind: health.NotServing, Code: uint16(answer.Status)}
	}
	return health.Reason{Kind: health.Passed}
}

func (p *Prober) grpcOptions(t *target, dial func(context.Context, string) (net.Conn, error)) []grpc.DialOption {
	secrets := insecure.NewCredentials()
	if t.usesTLS() {
		secrets = credentials.NewTLS(tlsConfig("")) // the name asked for is the authority without its port
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(secrets), grpc.WithContextDialer(dial), grpc.WithAuthority(t.hostHeader()),
		grpc.WithUserAgent(p.userAgent()), grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		// One small call: no buffers.
		grpc.WithReadBufferSize(0), grpc.WithWriteBufferSize(0),
	}
}

func callReason(err error, connected bool) health.Reason {
	switch code := status.Code(err); {
	case code == codes.NotFound:
		return health.Reason{Kind: health.NotServing, Code: uint16(grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN)}
	case code == codes.DeadlineExceeded && !connected:
		return health.Reason{Kind: health.ConnectTimeout}
	case code == codes.DeadlineExceeded:
		return health.Reason{Kind: health.AnswerTimeout}
	default:
		return health.Reason{Kind: health.CallFailed, Code: uint16(code)}
	}
}
