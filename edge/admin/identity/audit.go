package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
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

// Audited records the operations that next serves: who changed which identity,
// and from where. Secrets are left out. A change is recorded before it is
// answered.
func Audited(next http.Handler, cfg AuditConfig) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("operation")
		if readsOnly(name) && !cfg.Reads {
			next.ServeHTTP(w, r)
			return
		}
		rec := newRecord(r, name, cfg.Region)
		var body bytes.Buffer
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(io.LimitReader(r.Body, maxBody+1), &body), r.Body}
		held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(held, r)
		rec.Request = operatorForm.Members(body.Bytes())
		held.record(rec)
		if rec.ErrorCode == "" && !rec.ReadOnly {
			cfg.Log.Write(r.Context(), rec)
		} else {
			cfg.Log.Offer(rec)
		}
		held.send()
	})
}

// readsOnly reports whether an operation changes nothing.
func readsOnly(name string) bool { return name == "simulate" || strings.HasPrefix(name, "list-") }

// operatorForm is that of the operations here; what is sealed is hidden too.
var operatorForm = audit.Form{Verbatim: true, Secrets: map[string]bool{"secret": true, "sealed": true}}

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

// camelCase turns put-user into PutUser, and cuts what cannot be an operation.
func camelCase(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name[:min(len(name), 64)], "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return strings.ToValidUTF8(b.String(), "?")
}

// operator is who calls: a certificate has a name, the admin token does not.
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

// heldAnswer keeps an answer until the record of it is written.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int)      { h.status = status }
func (h *heldAnswer) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *heldAnswer) record(rec *audit.Record) {
	if h.status < 400 {
		if !rec.ReadOnly {
			rec.Response = operatorForm.Members(h.body.Bytes())
		}
		return
	}
	var refused struct{ Error string }
	if json.Unmarshal(h.body.Bytes(), &refused) == nil {
		rec.ErrorText = refused.Error
	}
	rec.ErrorCode = strings.ReplaceAll(http.StatusText(h.status), " ", "")
}

func (h *heldAnswer) send() {
	h.ResponseWriter.WriteHeader(h.status)
	// An error here means that the client has gone.
	_, _ = h.ResponseWriter.Write(h.body.Bytes())
}
