package node

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cairn-discovery/cairn/internal/audit"
)

// newAudit opens the audit log; it returns nil without audit.file.
func (n *Node) newAudit(metrics prometheus.Registerer) (*audit.Log, error) {
	c := n.cfg.Audit
	if c.File == "" {
		return nil, nil
	}
	log, err := audit.New(audit.Config{
		File: c.File, MaxBytes: c.MaxBytes, MaxFiles: c.MaxFiles,
		Logger: n.log.With("part", "audit"), Stderr: n.cfg.LogOutput,
	})
	if err != nil {
		return nil, err
	}
	f := promauto.With(metrics)
	count := func(name, help string, value func(audit.Stats) uint64) {
		f.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(log.Stats())) })
	}
	count("cairn_audit_records_total", "Audit records that were written.", func(s audit.Stats) uint64 { return s.Written })
	count("cairn_audit_records_lost_total", "Audit records that could not be written, or found no room.", func(s audit.Stats) uint64 { return s.Lost })
	count("cairn_audit_records_late_total", "Audit records of changes that were answered before they were written.", func(s audit.Stats) uint64 { return s.Late })
	return log, nil
}

// auditComponent writes the records.
func (w *wiring) auditComponent() (component, error) {
	if w.audit == nil {
		return component{}, nil
	}
	return component{name: "audit", run: w.audit.Run, stopTimeout: auditStopTimeout}, nil
}
