// Package identity is how operators say who there is: accounts, users, keys, groups,
// roles, policies and shares, and what the policies come to. It is a part of
// the admin listener, and not AWS's API of that name; see
// docs/adr/0020-identities-are-managed-on-the-admin-listener.md.
//
// Every operation is POST /identity/OPERATION with a JSON object, and answers
// with one. The secret of an access key is in the answer that makes it and
// nowhere after: the store has it sealed.
package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/replica"
)

// Config is what a handler needs.
type Config struct {
	Replica *replica.Replica
	Rules   func() *state.Rules
	// Directory gives who there is, from file and store together.
	Directory func() *identity.Directory
	// File gives what the configuration file says. It can be looked at here, not
	// changed.
	File func() *identity.Source
	// Known returns what is known of the resource with an ARN: its tags, nil for one
	// that does not exist, and values of condition keys in lower case.
	Known func(arn string) (access.Tagged, access.MapContext, error)
	// Seal is what secrets are stored under. Nil: no key can be made.
	Seal   *seal.Key
	Logger *slog.Logger
}

// maxBody bounds a request; the largest has a role with its policies.
const maxBody = 1 << 20

// Handler serves the operations.
type Handler struct {
	cfg        Config
	operations map[string]operation
}

// operation decodes its input from body and does its work.
type operation func(ctx context.Context, body []byte) (any, error)

// New checks the configuration and returns a handler for POST /identity/….
func New(cfg Config) (*Handler, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Directory == nil || cfg.File == nil || cfg.Known == nil || cfg.Logger == nil {
		return nil, errors.New("identity: Replica, Rules, Directory, File, Known and Logger are required")
	}
	h := &Handler{cfg: cfg}
	h.operations = map[string]operation{
		"put-account": h.command(new(identity.PutAccount)), "list-accounts": h.listAccounts,
		"put-user": h.command(new(identity.PutUser)), "delete-user": h.command(new(identity.DeleteUser)), "list-users": h.listUsers,
		"put-group": h.command(new(identity.PutGroup)), "delete-group": h.command(new(identity.DeleteGroup)), "list-groups": h.listGroups,
		"put-role": h.command(new(identity.PutRole)), "delete-role": h.command(new(identity.DeleteRole)), "list-roles": h.listRoles,
		"put-policy": h.command(new(identity.PutPolicy)), "delete-policy": h.command(new(identity.DeletePolicy)), "list-policies": h.listPolicies, "list-managed-policies": h.listManaged,
		"edit":       h.command(new(identity.Edit)),
		"create-key": h.createKey, "rotate-key": h.rotateKey, "update-key": h.updateKey, "delete-key": h.deleteKey, "list-keys": h.listKeys,
		"share-namespace": h.shareNamespace, "list-shares": h.listShares,
		"simulate": h.simulate,
	}
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("operation")
	op, ok := h.operations[name]
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"error": "there is no such operation"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "the request cannot be read, or is too long"})
		return
	}
	result, err := op(r.Context(), body)
	if err != nil {
		h.refuse(w, name, err)
		return
	}
	level := slog.LevelInfo
	if reads(name) {
		level = slog.LevelDebug
	}
	h.cfg.Logger.Log(r.Context(), level, "identity operation", "operation", name, "from", r.RemoteAddr)
	answer(w, http.StatusOK, result)
}

// reads reports whether an operation changes nothing.
func reads(name string) bool { return name == "simulate" || strings.HasPrefix(name, "list-") }

// refuse words an error. What is not one of those below is ours, and its text
// is for the log.
func (h *Handler) refuse(w http.ResponseWriter, name string, err error) {
	status, text := http.StatusInternalServerError, "an internal error occurred"
	switch err.(type) {
	case *command.InvalidInput, *badRequest:
		status, text = http.StatusBadRequest, err.Error()
	case *command.NotFound, *registry.NamespaceNotFound:
		status, text = http.StatusNotFound, err.Error()
	case *command.AlreadyExists, *command.Conflict, *command.LimitExceeded:
		status, text = http.StatusConflict, err.Error()
	default:
		if errors.Is(err, replica.ErrUncertain) {
			status, text = http.StatusServiceUnavailable, "it is not known whether this was done: look, and try again"
		} else if errors.Is(err, replica.ErrBusy) || errors.Is(err, replica.ErrUnavailable) || errors.Is(err, replica.ErrStopped) {
			status, text = http.StatusServiceUnavailable, "the store takes no changes now; nothing was changed"
		}
		h.cfg.Logger.Error("identity operation failed", "operation", name, "error", err)
	}
	answer(w, status, map[string]string{"error": text})
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

// command is an operation that is one command, whose fields are its input.
func (h *Handler) command(zero command.Command) operation {
	return func(ctx context.Context, body []byte) (any, error) {
		c := fresh(zero)
		if err := decode(body, c); err != nil {
			return nil, err
		}
		if err := h.ownedByFile(c); err != nil {
			return nil, err
		}
		return struct{}{}, h.propose(ctx, c)
	}
}
