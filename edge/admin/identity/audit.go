package identity

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/internal/audit"
)

// AuditConfig says how operations are recorded.
type AuditConfig struct {
	Log    *audit.Log
	Region string
	// Reads are recorded too.
	Reads bool
}

// secrets are the members that records hide. Sealed values are hidden too.
var secrets = audit.Encoder{Verbatim: true, Sensitive: map[string]bool{
	"newKey.Secret": true, "AccessKey.Secret": true, "AccessKey.Sealed": true,
}}

// audit records an operation: who changed which identity, and from where. A change
// is recorded before it is answered.
func (h *Handler) audit(r *http.Request, name string, in, out any, status int) {
	cfg := h.cfg.Audit
	if cfg == nil || readsOnly(name) && !cfg.Reads {
		return
	}
	rec := newRecord(r, name, cfg.Region)
	rec.Request = secrets.Encode(in)
	if status >= 400 {
		rec.ErrorCode = strings.ReplaceAll(http.StatusText(status), " ", "")
		rec.ErrorText = out.(map[string]string)["error"]
		cfg.Log.TryWrite(rec)
		return
	}
	if rec.ReadOnly {
		cfg.Log.TryWrite(rec)
		return
	}
	rec.Response = secrets.Encode(out)
	cfg.Log.Write(r.Context(), rec)
}

func newRecord(r *http.Request, name, region string) *audit.Record {
	rec := &audit.Record{
		Time: time.Now(), Source: "admin.cairn", Name: camelCase(name), Region: region, UserAgent: r.UserAgent(),
		Identity: operator(r), RequestID: rand.Text(), EventID: rand.Text(), ReadOnly: readsOnly(name),
	}
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		rec.SourceIP = addr.Addr().Unmap().String()
	}
	return rec
}

// truncateName cuts what cannot be the name of an operation.
func truncateName(name string) string { return name[:min(len(name), 64)] }

// camelCase turns put-user into PutUser.
func camelCase(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(truncateName(name), "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return strings.ToValidUTF8(b.String(), "?")
}

// operator is the caller: a certificate has a name, the admin token does not.
func operator(r *http.Request) audit.Identity {
	id := audit.Identity{Type: "Operator", UserName: "admin token"}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		cert := r.TLS.VerifiedChains[0][0]
		id.UserName, id.PrincipalID = cert.Subject.CommonName, "certificate "+cert.SerialNumber.Text(16)
		if len(cert.URIs) > 0 {
			id.ARN = cert.URIs[0].String()
		}
	}
	return id
}
