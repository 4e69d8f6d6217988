package node

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	adminidentity "github.com/cairn-discovery/cairn/edge/admin/identity"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// newAudit opens the audit log, which is nil where none is wanted.
func (n *Node) newAudit(metrics prometheus.Registerer) error {
	c := n.cfg.Audit
	if c.File == "" {
		return nil
	}
	log, err := audit.New(audit.Config{
		File: c.File, MaxBytes: c.MaxBytes, MaxFiles: c.MaxFiles,
		Logger: n.log.With("part", "audit"), Stderr: n.cfg.LogOutput,
	})
	if err != nil {
		return err
	}
	n.audit = log
	f := promauto.With(metrics)
	count := func(name, help string, value func(audit.Stats) uint64) {
		f.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(log.Stats())) })
	}
	count("cairn_audit_records_total", "Audit records that were written.", func(s audit.Stats) uint64 { return s.Written })
	count("cairn_audit_records_lost_total", "Audit records that could not be written, or found no room.", func(s audit.Stats) uint64 { return s.Lost })
	count("cairn_audit_records_late_total", "Audit records of changes that were answered before they were written.", func(s audit.Stats) uint64 { return s.Late })
	return nil
}

// auditPart writes the records. Without an audit log it does nothing.
func (n *Node) auditPart() part {
	run := func(ctx context.Context) error {
		if n.audit == nil {
			<-ctx.Done()
			return nil
		}
		return n.audit.Run(ctx)
	}
	return part{name: "audit", run: run, grace: auditGrace}
}

// audited records what operators do, where that is wanted.
func (n *Node) audited(identities http.Handler) http.Handler {
	if n.audit == nil {
		return identities
	}
	return adminidentity.Audited(identities, adminidentity.AuditConfig{Log: n.audit, Region: n.cfg.Region, Reads: n.cfg.Audit.Reads})
}
