package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"
)

const (
	// callTimeout bounds a call that the engine answers at once.
	callTimeout = 30 * time.Second
	// createTimeout bounds calls that write to disk or start processes.
	createTimeout = 2 * time.Minute
	// maxAnswer bounds an answer of the engine that is decoded as a whole. A container
	// takes a few kilobytes in a list.
	maxAnswer = 64 << 20
)

// engine is the client of the engine.
type engine struct {
	socket    string
	transport *http.Transport
	current   atomic.Pointer[client.Client]

	mu    sync.Mutex
	known *facts // of the current client; nil: not asked yet
}

// facts are what the driver has to know about the engine.
type facts struct {
	arch string // in the names of Go
	root string // folder of the data of the engine
	cpus int
}

func newEngine(socket string) (*engine, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	e := &engine{socket: socket, transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		DisableCompression: true,
		MaxIdleConns:       8,
		IdleConnTimeout:    30 * time.Second,
	}}
	return e, e.renew()
}

// renew makes a new client, which negotiates the version of the API on its first call.
// The engine may be another one after it was away.
func (e *engine) renew() error {
	// The client only knows its default socket; the transport dials the right one.
	c, err := client.New(client.WithHTTPClient(&http.Client{
		Transport:     bounded{e.transport},
		CheckRedirect: client.CheckRedirect,
	}))
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current.Store(c)
	e.known = nil
	return nil
}

// api returns the client.
func (e *engine) api() *client.Client { return e.current.Load() }

// facts asks the engine about itself, once for each client.
func (e *engine) facts(ctx context.Context) (*facts, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known != nil {
		return e.known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	info, err := e.api().Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, e.explain(err)
	}
	names := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
	arch := info.Info.Architecture
	if n, ok := names[arch]; ok {
		arch = n
	}
	e.known = &facts{arch: arch, root: info.Info.DockerRootDir, cpus: info.Info.NCPU}
	return e.known, nil
}

// explain returns an error that says what happened to a call.
func (e *engine) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case client.IsErrConnectionFailed(err):
		// The client would name its default socket.
		return fmt.Errorf("the Docker Engine at %s is not reachable", e.socket)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the Docker Engine at %s did not answer in time", e.socket)
	}
	return err
}

// streamKey marks the context of calls whose answers are read piece by piece.
type streamKey struct{}

func streamContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, streamKey{}, true)
}

// bounded bounds the size of answers.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil && r.Context().Value(streamKey{}) == nil {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	}
	return resp, err
}

// boundedBody fails when more than the allowed number of bytes is read.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the answer of the Docker Engine is too long")
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
