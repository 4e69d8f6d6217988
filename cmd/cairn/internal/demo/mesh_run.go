package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// mesh is the running mesh of the demonstration.
type mesh struct {
	p       *cli.Program
	options *meshOptions
	api     *api
	folder  string
	xds     string // address of the xDS listener
	service string // id in Cloud Map
	port    int    // of all instances
	net     int    // third part of all addresses, so that two demonstrations do not meet

	// running ends when the demonstration does.
	running      context.Context
	stop         context.CancelFunc
	group        sync.WaitGroup
	failed       chan error // of a proxy that ended too early
	instances    []*meshInstance
	certificates certificates
	client       string // HOST:PORT of its proxy
}

// meshInstance is an instance of web with its proxy.
type meshInstance struct {
	id       string
	platform platform
	at       string // IP of the proxy
	app      *app
	end      context.CancelFunc // of the proxy and the application
}

func newMesh(ctx context.Context, p *cli.Program, o *meshOptions, a *api, folder, xds string) (*mesh, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	m := &mesh{p: p, options: o, api: a, folder: folder, xds: xds, port: portOf(l), net: rand.IntN(250), failed: make(chan error, 64)}
	m.running, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	return m, nil
}

// close ends all proxies and instances.
func (m *mesh) close() {
	m.stop()
	m.group.Wait()
}

// start creates everything and waits until the client gets answers.
func (m *mesh) start(ctx context.Context) (err error) {
	if m.service, err = makeWeb(ctx, m.api); err != nil {
		return err
	}
	if err := makeMesh(ctx, m.api, m.port); err != nil {
		return err
	}
	kind := "Envoys"
	if m.options.proxy == proxyInternal {
		kind = "small ones within this process (where there is an envoy, they are Envoys)"
	}
	say(m.p, "the proxies are %s", kind)
	for i := range m.options.instances {
		for j, p := range platforms {
			if err := m.startInstance(ctx, p, i+1, 2*i+j); err != nil {
				return err
			}
		}
	}
	say(m.p, "%s has %d instances on-premises and %d of ECS", webHost, m.options.instances, m.options.instances)
	m.client = net.JoinHostPort(m.address(88, 250), "15001")
	m.startProxy(m.running, clientNode, m.address(88, 250), "")
	return m.until(ctx, "the client gets an answer", func() bool {
		_, err := m.ask(ctx, http.DefaultClient)
		return err == nil
	})
}

func (m *mesh) address(second, host int) string {
	return fmt.Sprintf("127.%d.%d.%d", second, m.net, host)
}

// startInstance starts an application and its proxy, and registers them once the proxy
// listens.
func (m *mesh) startInstance(ctx context.Context, p platform, number, index int) error {
	i := &meshInstance{id: fmt.Sprintf("%s-%d", p.name, number), platform: p, at: m.address(88, 1+index)}
	application := m.address(89, 1+index)
	l, err := net.Listen("tcp", listenAddress(application, m.port))
	if err != nil {
		return err
	}
	i.app = &app{instance: i.id, platform: p.where, seen: &m.certificates}
	running, end := context.WithCancel(m.running)
	i.end = end
	m.instances = append(m.instances, i)
	m.group.Go(func() { i.app.serve(running, l) })
	m.startProxy(running, p.name, i.at, application)
	err = m.until(ctx, i.id+" listens", func() bool {
		conn, err := net.DialTimeout("tcp", listenAddress(i.at, m.port), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return m.api.call(ctx, cloudMap+"RegisterInstance", object{
		"ServiceId": m.service, "InstanceId": i.id, "CreatorRequestId": i.id,
		"Attributes": object{"AWS_INSTANCE_IPV4": i.at, "AWS_INSTANCE_PORT": strconv.Itoa(m.port), "platform": p.name},
	}, nil)
}

// startLimit bounds the start of a proxy.
const startLimit = time.Minute

// until waits until a condition holds, or a proxy has failed.
func (m *mesh) until(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("it takes too long until %s", what))
	defer cancel()
	for !holds() {
		select {
		case err := <-m.failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// meshPhase is a change, and the traffic after it.
type meshPhase struct {
	name   string
	change func(context.Context) error
	// inForce reports whether the answers show the change.
	inForce func(*meshRow) bool
	// later is called in the middle of the phase. It may be nil.
	later func()
}

// story returns the phases.
func (m *mesh) story() []meshPhase {
	weights := func(w ...int) func(context.Context) error {
		return func(ctx context.Context) error { return setWeights(ctx, m.api, w...) }
	}
	only := func(p platform) func(*meshRow) bool {
		return func(r *meshRow) bool { return len(r.platforms) == 1 && r.platforms[p.where] > 0 }
	}
	both := func(r *meshRow) bool { return len(r.platforms) == 2 }
	fails, leaves := m.instances[0], m.instances[1]
	return []meshPhase{
		{"100/0", weights(100, 0), only(platforms[0]), nil},
		{"50/50", weights(50, 50), both, nil},
		{"0/100", weights(0, 100), only(platforms[1]), nil},
		{"50/50, " + fails.id + " fails", m.failing(fails), func(r *meshRow) bool { return both(r) && !r.used[fails.id] }, nil},
		{"50/50, " + leaves.id + " leaves", func(ctx context.Context) error {
			return m.api.call(ctx, cloudMap+"DeregisterInstance", object{"ServiceId": m.service, "InstanceId": leaves.id}, nil)
		}, func(r *meshRow) bool { return both(r) && !r.used[leaves.id] }, leaves.end},
	}
}

// failing makes an instance answer with errors, and after a time say that it is unhealthy.
// Until then, proxies try another one.
func (m *mesh) failing(i *meshInstance) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := setWeights(ctx, m.api, 50, 50); err != nil {
			return err
		}
		i.app.fail()
		if err := sleep(ctx, m.options.phase/10); err != nil {
			return err
		}
		return m.api.call(ctx, cloudMap+"UpdateInstanceCustomHealthStatus", object{"ServiceId": m.service, "InstanceId": i.id, "Status": "UNHEALTHY"}, nil)
	}
}

// phases runs the traffic, and returns what the client saw in each phase.
func (m *mesh) phases(ctx context.Context) ([]*meshRow, error) {
	l := newMeshLoad(m)
	running, stop := context.WithCancel(m.running)
	done := make(chan struct{})
	go func() { l.run(running, m.options.rate); close(done) }()
	end := func() { stop(); <-done }
	defer end()
	for _, phase := range m.story() {
		if err := m.phase(ctx, l, &phase); err != nil {
			return nil, err
		}
	}
	end()
	return l.report(), nil
}

// drained is how long an instance that has left finishes requests: a proxy sends no
// new ones to it, and forgets it after a second (see runMesh).
const drained = 1500 * time.Millisecond

// phase makes a change, waits until it is in force, and lets traffic flow.
func (m *mesh) phase(ctx context.Context, l *meshLoad, phase *meshPhase) error {
	l.begin("")
	if err := phase.change(ctx); err != nil {
		return err
	}
	err := m.until(ctx, "the answers show "+phase.name, func() bool {
		enough, holds := l.holds(phase.inForce)
		if enough && !holds {
			l.begin("")
		}
		return holds
	})
	if err != nil {
		return err
	}
	say(m.p, "phase %q: %v of requests", phase.name, m.options.phase)
	l.begin(phase.name)
	if phase.later == nil {
		return m.wait(ctx, m.options.phase)
	}
	if err := m.wait(ctx, drained); err != nil {
		return err
	}
	phase.later()
	return m.wait(ctx, max(m.options.phase-drained, m.options.phase/2))
}

// wait waits, unless a proxy fails.
func (m *mesh) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case err := <-m.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// strangers says what a client gets that shows no certificate.
func (m *mesh) strangers(ctx context.Context) string {
	last := m.instances[len(m.instances)-1]
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", listenAddress(last.at, m.port))
	if err == nil {
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(callLimit))
		// With TLS 1.3 the client hears of it at its first read.
		if _, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", webHost); err == nil {
			_, err = conn.Read(make([]byte, 1))
		}
	}
	if err == nil {
		return "a client without a certificate is SERVED"
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return "a client without a certificate is refused (" + err.Error() + ")"
}
