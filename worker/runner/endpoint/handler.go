package endpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
)

// handler answers the requests of one task.
type handler struct {
	*Server
	account     command.AccountID
	cluster, id string

	mu      sync.Mutex
	issued  *Credentials      // the newest ones
	at      time.Time         // when they were made
	samples map[string]sample // of the statistics, by container
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	for _, version := range []string{"v3", "v4"} {
		old := version == "v3"
		mux.HandleFunc("GET /"+version+"/{id}", h.withContainer(version, func(w http.ResponseWriter, v *view) {
			reply(w, v.container(v.asking, old))
		}))
		mux.HandleFunc("GET /"+version+"/{id}/task", h.withContainer(version, func(w http.ResponseWriter, v *view) {
			reply(w, v.taskResponse(old, false))
		}))
		mux.HandleFunc("GET /"+version+"/{id}/taskWithTags", h.withContainer(version, func(w http.ResponseWriter, v *view) {
			reply(w, v.taskResponse(old, true))
		}))
		mux.HandleFunc("GET /"+version+"/{id}/stats", h.withContainer(version, h.containerStats))
		mux.HandleFunc("GET /"+version+"/{id}/task/stats", h.withContainer(version, h.taskStats))
	}
	mux.HandleFunc("GET /v2/credentials/{id}", h.credentials)
	mux.HandleFunc("GET /v2/credentials/{$}", h.credentials)
	mux.HandleFunc("GET /v2/credentials", h.credentials)
	mux.HandleFunc("GET /api/{id}/task-protection/v1/state", h.protection)
	mux.HandleFunc("PUT /api/{id}/task-protection/v1/state", h.protection)
	return mux
}

// view is the task in one snapshot.
type view struct {
	h          *handler
	task       *task.Task
	definition *task.Definition // with overrides
	asking     string           // name of the container that asks
	request    *http.Request
}

// look returns the task of the newest snapshot. ok is false if it is gone.
func (h *handler) look() (v *view, ok bool) {
	s := &h.cfg.Replica.Current().Task
	t, ok := s.Task(h.account, h.cluster, h.id)
	if !ok {
		return nil, false
	}
	d, ok := s.DefinitionOf(t)
	return &view{h: h, task: t, definition: d}, ok
}

// withContainer finds the container of the id in the path. Only those of the own task
// are found.
func (h *handler) withContainer(version string, serve func(http.ResponseWriter, *view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if v, ok := h.look(); ok && id != "" {
			for _, c := range v.task.Containers {
				if c.ID == id {
					v.asking, v.request = c.Name, r
					serve(w, v)
					return
				}
			}
		}
		notFound(w, fmt.Sprintf("%s container metadata handler: unable to get container ID from request: unable to find the container %q", strings.ToUpper(version), id))
	}
}

// notFound answers with the text as JSON, as the agent of ECS does.
func notFound(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	reply(w, text)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the connection may have ended
}

// credentialError is the form of the errors of the credentials endpoint.
type credentialError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (h *handler) credentials(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(credentialError{code, "CredentialsV2Request: " + message})
	}
	v, ok := h.look()
	switch id := r.PathValue("id"); {
	case id == "":
		fail(http.StatusBadRequest, "NoIdInRequest", "No ID in the request")
		return
	case !ok || id != credentialsID(h.id):
		fail(http.StatusBadRequest, "InvalidIdInRequest", "ID not found")
		return
	}
	role := v.role()
	c, err := h.current(role)
	if err != nil {
		h.cfg.Logger.Warn("a task gets no credentials", "task", h.id, "role", role, "error", err)
		fail(http.StatusServiceUnavailable, "CredentialsUninitialized", "Credentials uninitialized for ID")
		return
	}
	reply(w, struct {
		RoleArn, AccessKeyId, SecretAccessKey, Token, Expiration string
	}{role, c.AccessKeyID, c.SecretAccessKey, c.Token, c.Expires.UTC().Format(time.RFC3339)})
}

// current returns credentials that are valid for half of their time at least.
func (h *handler) current(role string) (*Credentials, error) {
	if h.cfg.Issue == nil || role == "" && !h.cfg.Open {
		return nil, fmt.Errorf("the task has no role")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.issued != nil && now.Before(h.at.Add(h.issued.Expires.Sub(h.at)/2)) {
		return h.issued, nil
	}
	c, err := h.cfg.Issue(h.account, role, h.id)
	if err != nil {
		return nil, err
	}
	h.issued, h.at = c, now
	return c, nil
}

// protectionState is the protection of a task as clients in the task see it.
type protectionState struct {
	ProtectionEnabled bool
	ExpirationDate    string `json:",omitempty"`
	TaskArn           string
}

type protectionReply struct {
	Protection *protectionState `json:"protection,omitempty"`
	Error      *protectionError `json:"error,omitempty"`
}

type protectionError struct {
	Arn     string
	Code    string
	Message string
}

// maxProtection is the longest protection; see UpdateTaskProtection.
const maxProtection = 2880 // minutes

func (h *handler) protection(w http.ResponseWriter, r *http.Request) {
	arn := h.cfg.Rules().Task.TaskARN(h.account, h.cluster, h.id)
	fail := func(status int, code, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(protectionReply{Error: &protectionError{arn, code, message}})
	}
	v, ok := h.look()
	if !ok || !v.has(r.PathValue("id")) {
		fail(http.StatusNotFound, "ResourceNotFoundException", "Task not found")
		return
	}
	if r.Method == http.MethodPut {
		var in struct {
			ProtectionEnabled *bool
			ExpiresInMinutes  *int64
		}
		err := json.NewDecoder(io.LimitReader(r.Body, maxHeader)).Decode(&in)
		switch {
		case err != nil || in.ProtectionEnabled == nil:
			fail(http.StatusBadRequest, "InvalidParameterException", "Invalid request: does not contain 'ProtectionEnabled' field")
			return
		case in.ExpiresInMinutes != nil && (*in.ExpiresInMinutes < 1 || *in.ExpiresInMinutes > maxProtection):
			fail(http.StatusBadRequest, "InvalidParameterException", "Invalid request: ExpiresInMinutes must be 1 to 2880")
			return
		}
		minutes := int64(120)
		if in.ExpiresInMinutes != nil {
			minutes = *in.ExpiresInMinutes
		}
		if err := h.protect(r, *in.ProtectionEnabled, minutes); err != nil {
			fail(http.StatusBadRequest, "InvalidParameterException", err.Error())
			return
		}
		if v, ok = h.look(); !ok {
			fail(http.StatusNotFound, "ResourceNotFoundException", "Task not found")
			return
		}
	}
	p := &protectionState{TaskArn: arn}
	if until := v.task.ProtectedUntil; until > time.Now().UnixMilli() {
		p.ProtectionEnabled, p.ExpirationDate = true, time.UnixMilli(until).UTC().Format(time.RFC3339)
	}
	reply(w, protectionReply{Protection: p})
}

func (v *view) has(container string) bool {
	for _, c := range v.task.Containers {
		if c.ID == container {
			return true
		}
	}
	return false
}
