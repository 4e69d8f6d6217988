package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/upstream"
)

// follows reports whether this node follows another one and writes nothing.
func (n *Node) follows() bool { return n.cfg.Upstream != "" }

// openUpstream returns the store that follows another node.
func (n *Node) openUpstream() (store.Store, error) {
	token, err := n.cfg.UpstreamToken()
	if err != nil {
		return nil, fmt.Errorf("upstream_token_file: %w", err)
	}
	cfg := upstream.Config{URL: n.cfg.Upstream, Token: token}
	if file := n.cfg.UpstreamCAFile; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("upstream_ca_file: %w", err)
		}
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		if !cfg.TLS.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("upstream_ca_file: %s holds no certificate in PEM", file)
		}
	}
	return upstream.New(cfg)
}

// feed returns the handler by which other nodes follow this one.
func (w *wiring) feed() http.Handler {
	feed := upstream.NewHandler(w.rep, w.stopping)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		select {
		case <-w.rep.Loaded():
			feed.ServeHTTP(out, r)
		default:
			http.Error(out, "the state is not loaded yet", http.StatusServiceUnavailable)
		}
	})
}
