// Package identity serves the requests of operators about accounts, users, keys,
// groups, roles, policies and shares, and simulates policies. It is a part of the
// admin listener, and not the IAM API of AWS; see
// docs/adr/0020-identities-are-managed-on-the-admin-listener.md.
//
// Every operation is POST /identity/OPERATION with a JSON object, and answers
// with one. Only the answer that creates an access key has its secret: the store
// has it sealed.
package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/replica"
)

// Config is what a handler needs.
type Config struct {
	Replica *replica.Replica
	Rules   func() *state.Rules
	// Directory has the identities of file and store together.
	Directory func() *identity.Directory
	// File has the identities of the configuration file. They cannot be changed here.
	File func() *identity.Source
	// Known returns what is known of the resource with an ARN: its tags, nil for one
	// that does not exist, and values of condition keys in lower case.
	Known func(arn string) (access.Tagged, access.MapContext, error)
	// Seal is what secrets are stored under. Nil: no key can be made.
	Seal *seal.Key
	// Audit records operations. Nil: they are not recorded.
	Audit  *AuditConfig
	Logger *slog.Logger
}

// maxBody bounds a request; the largest has a role with its policies.
const maxBody = 1 << 20

// Handler serves the operations.
type Handler struct {
	cfg        Config
	operations map[string]operation
}

// operation decodes its input from body and does its work. It returns the input
// too, for the log and the audit record; nil if it cannot be decoded.
type operation func(ctx context.Context, body []byte) (in, out any, err error)

// New checks the configuration and returns a handler for POST /identity/….
func New(cfg Config) (*Handler, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Directory == nil || cfg.File == nil || cfg.Known == nil || cfg.Logger == nil {
		return nil, errors.New("identity: Replica, Rules, Directory, File, Known and Logger are required")
	}
	h := &Handler{cfg: cfg}
	h.operations = map[string]operation{
		"put-account": proposal[identity.PutAccount](h), "list-accounts": typed(h.listAccounts),
		"put-user": proposal[identity.PutUser](h), "delete-user": proposal[identity.DeleteUser](h), "list-users": typed(h.listUsers),
		"put-group": proposal[identity.PutGroup](h), "delete-group": proposal[identity.DeleteGroup](h), "list-groups": typed(h.listGroups),
		"put-role": proposal[identity.PutRole](h), "delete-role": proposal[identity.DeleteRole](h), "list-roles": typed(h.listRoles),
		"put-policy": proposal[identity.PutPolicy](h), "delete-policy": proposal[identity.DeletePolicy](h), "list-policies": typed(h.listPolicies),
		"list-managed-policies": typed(h.listManaged),
		"edit":                  proposal[identity.Edit](h),
		"create-key":            typed(h.createKey), "rotate-key": typed(h.rotateKey), "update-key": typed(h.updateKey),
		"delete-key": typed(h.deleteKey), "list-keys": typed(h.listKeys),
		"share-namespace": typed(h.shareNamespace), "share-mesh": typed(h.shareMesh), "list-shares": typed(h.listShares),
		"rotate-authority": typed(h.rotateAuthority), "list-authorities": typed(h.listAuthorities),
		"simulate": typed(h.simulate),
	}
	return h, nil
}

// typed makes an operation of a function with a typed input.
func typed[I any](f func(context.Context, *I) (any, error)) operation {
	return func(ctx context.Context, body []byte) (any, any, error) {
		in := new(I)
		if err := decode(body, in); err != nil {
			return nil, nil, err
		}
		out, err := f(ctx, in)
		return in, out, err
	}
}

// proposal makes an operation of a command, whose fields are its input.
func proposal[C any, P interface {
	*C
	command.Command
}](h *Handler) operation {
	return typed(func(ctx context.Context, c *C) (any, error) {
		if err := h.ownedByFile(P(c)); err != nil {
			return nil, err
		}
		return struct{}{}, h.propose(ctx, P(c))
	})
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("operation")
	var in, out any
	err := errUnknownOperation
	if op, ok := h.operations[name]; ok {
		in, out, err = h.serve(op, w, r)
	}
	status := http.StatusOK
	if err != nil {
		var text string
		status, text = h.describe(name, err)
		out = map[string]string{"error": text}
	}
	h.log(r, name, in, status)
	h.audit(r, name, in, out, status)
	answer(w, status, out)
}

var errUnknownOperation error = &command.NotFound{Message: "there is no such operation"}

func (h *Handler) serve(op operation, w http.ResponseWriter, r *http.Request) (in, out any, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, nil, &badRequest{fmt.Sprintf("the request is too long: it may have %d bytes", maxBody)}
	}
	if err != nil {
		return nil, nil, &badRequest{"the request cannot be read to its end"}
	}
	return op(r.Context(), body)
}

// log writes a line with the target of an operation and where it came from.
func (h *Handler) log(r *http.Request, name string, in any, status int) {
	level := slog.LevelInfo
	if readsOnly(name) {
		level = slog.LevelDebug
	}
	h.cfg.Logger.Log(r.Context(), level, "identity operation", "operation", truncateName(name), "target", targetOf(in), "from", r.RemoteAddr, "status", status)
}

// readsOnly reports whether an operation changes nothing.
func readsOnly(name string) bool { return name == "simulate" || strings.HasPrefix(name, "list-") }

// targetOf returns what an operation is about, such as 123456789012/deployer.
func targetOf(in any) string {
	var parts []string
	for _, field := range []string{"Account", "Kind", "Name", "User", "Namespace", "Mesh", "ID", "Principal"} {
		if text := audit.Text(in, field); text != "" {
			parts = append(parts, audit.Truncate(text))
		}
	}
	return strings.Join(parts, "/")
}

// describe returns the status and the text of an error. Of an error that is not
// listed here, the text is for the log only.
func (h *Handler) describe(name string, err error) (status int, text string) {
	switch err.(type) {
	case *command.InvalidInput, *badRequest:
		return http.StatusBadRequest, err.Error()
	case *command.NotFound, *registry.NamespaceNotFound:
		return http.StatusNotFound, err.Error()
	case *command.AlreadyExists, *command.Conflict, *command.LimitExceeded:
		return http.StatusConflict, err.Error()
	}
	h.cfg.Logger.Error("identity operation failed", "operation", name, "error", err)
	switch {
	case errors.Is(err, replica.ErrUncertain):
		return http.StatusServiceUnavailable, "it is not known whether this was done: look, and try again"
	case errors.Is(err, replica.ErrBusy), errors.Is(err, replica.ErrUnavailable), errors.Is(err, replica.ErrStopped):
		return http.StatusServiceUnavailable, "the store takes no changes now; nothing was changed"
	}
	return http.StatusInternalServerError, "an internal error occurred"
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// An error here means that the client has gone.
	_ = json.NewEncoder(w).Encode(v)
}

func (h *Handler) propose(ctx context.Context, c command.Command) error {
	_, err := h.cfg.Replica.Propose(ctx, "", c)
	return err
}

// badRequest is a request that cannot be understood.
type badRequest struct{ message string }

func (e *badRequest) Error() string { return e.message }

// decode reads a request strictly.
func decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return &badRequest{"the request is not of the form of this operation: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	if _, err := d.Token(); err != io.EOF {
		return &badRequest{"there is something after the request"}
	}
	return nil
}
