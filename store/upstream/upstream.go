// Package upstream is a read-only store that follows another node over HTTP/2. The state
// comes from the admin listener of that node, and no write is accepted:
//
//	s, err := upstream.New(upstream.Config{URL: "https://node-1:8055", Token: token})
//
// So one cluster can feed many nodes that answer reads and DNS, at the cost of one
// connection each and none to the store of the cluster. A node that follows can be
// followed in turn.
package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

// Config has the parameters of New.
type Config struct {
	// URL is that of the admin listener of the node to follow. Required.
	URL string
	// Token is the bearer token of that listener. Empty: none is sent.
	Token string
	// TLS is used for https. Nil: the authorities of the system.
	TLS *tls.Config
}

// path is the path of the stream on the admin listener.
const path = "/feed"

// silence is the time without a frame after which a stream counts as broken. The other
// node sends one each second.
const silence = 5 * time.Second

// Store follows another node. Make it with New.
type Store struct {
	url, token string
	client     *http.Client
	closed     context.Context
	close      context.CancelFunc
	contact    atomic.Int64 // LastContact, in nanoseconds since 1970
}

var _ store.Store = (*Store)(nil)

// New checks the configuration. It connects to nothing.
func New(cfg Config) (*Store, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q must be http://HOST:PORT or https://HOST:PORT", cfg.URL)
	}
	protocols := new(http.Protocols)
	if u.Scheme == "https" {
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	s := &Store{
		url: strings.TrimSuffix(cfg.URL, "/") + path, token: cfg.Token,
		client: &http.Client{Transport: &http.Transport{Protocols: protocols, TLSClientConfig: cfg.TLS, ResponseHeaderTimeout: silence,
			TLSHandshakeTimeout: silence}},
	}
	s.closed, s.close = context.WithCancel(context.Background())
	return s, nil
}

// LastContact returns the latest time at which this node is known to have had the state
// of the cluster. It is zero before the first contact.
func (s *Store) LastContact() time.Time {
	if n := s.contact.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Commit implements store.Store: it refuses everything.
func (s *Store) Commit(context.Context, store.Txn) (store.Revision, error) {
	return 0, store.ErrReadOnly
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.close()
	s.client.CloseIdleConnections()
	return nil
}

// stream is one request that is being answered.
type stream struct {
	in     *bufio.Reader
	body   io.Closer
	timer  *time.Timer // ends the request when nothing comes
	cancel context.CancelFunc
}

// open sends a request.
func (s *Store) open(ctx context.Context, query string) (*stream, error) {
	requestCtx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.closed, cancel)
	end := func() { stop(); cancel() }
	timer := time.AfterFunc(silence, cancel)
	req, err := http.NewRequestWithContext(requestCtx, http.MethodGet, s.url+query, nil)
	if err != nil {
		end()
		return nil, err
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		timer.Stop()
		end()
		return nil, s.ended(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		_ = resp.Body.Close()
		timer.Stop()
		end()
		return nil, fmt.Errorf("%w: the upstream node answers %s: %s", store.ErrUnreachable, resp.Status, strings.TrimSpace(string(text)))
	}
	return &stream{in: bufio.NewReaderSize(resp.Body, 64<<10), body: resp.Body, timer: timer, cancel: end}, nil
}

// next reads a frame.
func (x *stream) next() (frame, error) {
	x.timer.Reset(silence)
	return readFrame(x.in)
}

func (x *stream) end() {
	x.timer.Stop()
	x.cancel()
	_ = x.body.Close()
}

// chunk is how many records Load passes on at a time.
const chunk = 256

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	x, err := s.open(ctx, "")
	if err != nil {
		return 0, err
	}
	defer x.end()
	var changes []store.Change
	for {
		f, err := x.next()
		if err != nil {
			return 0, s.ended(ctx, err)
		}
		switch f.kind {
		case kindRecord:
			changes = append(changes, store.Change{Record: f.record})
		case kindLoaded:
			return f.revision, visit(changes)
		}
		if len(changes) == chunk {
			if err := visit(changes); err != nil {
				return 0, err
			}
			changes = changes[:0]
		}
	}
}

// ended returns the error for a stream that could not be read.
func (s *Store) ended(ctx context.Context, err error) error {
	switch {
	case s.closed.Err() != nil:
		return store.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: upstream: %w", store.ErrUnreachable, err)
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		x, err := s.open(ctx, fmt.Sprintf("?after=%d", after))
		if err != nil {
			yield(store.Batch{}, err)
			return
		}
		defer x.end()
		for {
			f, err := x.next()
			if err != nil {
				yield(store.Batch{}, s.ended(ctx, err))
				return
			}
			switch f.kind {
			case kindBatch:
				if !yield(store.Batch{Revision: f.revision, Writes: f.writes}, nil) {
					return
				}
			case kindContact:
				s.contact.Store(time.Now().Add(-time.Duration(f.stale) * time.Millisecond).UnixNano())
			case kindCompacted:
				yield(store.Batch{}, store.ErrCompacted)
				return
			}
		}
	}
}
