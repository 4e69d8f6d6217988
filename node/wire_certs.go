package node

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cairn-discovery/cairn/internal/certs"
)

// loadCerts reads the certificate for the API, and for DNS, whose clients need no
// certificate of their own. Both are nil without tls.
func (n *Node) loadCerts() (api, resolver *certs.Source, err error) {
	t := n.cfg.TLS
	if t.CertFile == "" {
		return nil, nil, nil
	}
	cfg := certs.Config{CertFile: t.CertFile, KeyFile: t.KeyFile, Logger: n.log.With("part", "certificates")}
	resolver, err = certs.Load(cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("tls: %w", err)
	}
	cfg.ClientCAFile, cfg.ClientOptional = t.ClientCAFile, t.ClientOptional
	cfg.Logger = nil // one of the two logs what happens
	if api, err = certs.Load(cfg); err != nil {
		return nil, nil, fmt.Errorf("tls: %w", err)
	}
	n.certs.Store(&[]*certs.Source{api, resolver})
	return api, resolver, nil
}

// certsComponent reads changed certificates again.
func (w *wiring) certsComponent() (component, error) {
	if w.apiCert == nil {
		return component{}, nil
	}
	return component{name: "certificates", run: w.watchCerts, stopTimeout: workerStopTimeout}, nil
}

// watchCerts reads the files of the certificates again when they change.
func (n *Node) watchCerts(ctx context.Context) error {
	var group errgroup.Group
	for _, s := range *n.certs.Load() {
		group.Go(func() error { return s.Run(ctx) })
	}
	return group.Wait()
}

// reloadCerts reads the certificates again now.
func (n *Node) reloadCerts() error {
	sources := n.certs.Load()
	if sources == nil {
		return nil
	}
	var errs []error
	for _, s := range *sources {
		errs = append(errs, s.Reload())
	}
	return errors.Join(errs...)
}
