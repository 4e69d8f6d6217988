// Package sidecar is a small HTTP proxy that gets what it does by xDS. The demonstration
// of the mesh runs it where there is no Envoy. It knows what the demonstration needs:
// listeners at an address of their own, routes by prefix with weights, endpoints with
// their health, mutual TLS with secrets by SDS, and retries. It is no proxy for production.
//
//	err := sidecar.Run(ctx, &sidecar.Config{Server: "127.0.0.1:8056", ID: "mesh/shop/virtualNode/web", …})
package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"io"
)

// Config has the parameters of Run.
type Config struct {
	// Server is the HOST:PORT of the xDS listener.
	Server string
	// ID is the id of the node, such as mesh/shop/virtualNode/web.
	ID string
	// Metadata is the metadata of the node. The key cairn.listen_address is needed.
	Metadata map[string]any
}

// proxy is a running sidecar.
type proxy struct {
	cfg       *Config
	resources resources
	clients   sync.Map // transports by the name of the cluster

	servers map[string]*http.Server // by the name of the listener
	group   sync.WaitGroup
}

// Run runs a sidecar until ctx ends. Its listeners are open as soon as the node has sent
// what they need.
func Run(ctx context.Context, cfg *Config) error {
	p := &proxy{cfg: cfg, servers: map[string]*http.Server{}}
	defer p.close()
	return p.follow(ctx, p.listen)
}

// listen opens the listeners that can serve and are not open.
func (p *proxy) listen() error {
	for _, l := range p.resources.ready() {
		if p.servers[l.name] != nil {
			continue
		}
		socket, err := net.Listen("tcp", l.address.String())
		if err != nil {
			return fmt.Errorf("listener %s: %w", l.name, err)
		}
		handler := p.egress(l.route)
		if l.secure {
			socket, handler = p.secured(socket, l.name), p.ingress(l.route)
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: timeLimit, ErrorLog: log.New(io.Discard, "", 0)}
		p.servers[l.name] = server
		p.group.Go(func() { _ = server.Serve(socket) }) // it ends with close
	}
	return nil
}

// timeLimit bounds one request.
const timeLimit = 15 * time.Second

// close finishes the requests that run, and ends.
func (p *proxy) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range p.servers {
		if err := s.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			_ = s.Close()
		}
	}
	p.clients.Range(func(_, t any) bool { t.(*http.Transport).CloseIdleConnections(); return true })
	p.group.Wait()
}
