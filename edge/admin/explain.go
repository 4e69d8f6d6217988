package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Question is a request to /explain.
type Question struct {
	// Name is a DNS name, or NAMESPACE/SERVICE.
	Name string
	// From is the client's address; empty means this machine.
	From string
	// Parameters are the QueryParameters of a DiscoverInstances call.
	Parameters map[string]string
}

// explain answers /explain?name=NAME[&from=IP][&where=KEY=VALUE…][&format=json].
func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	s.answerExplanation(w, r, func(ctx context.Context) (fmt.Stringer, error) {
		values := r.URL.Query()
		q := Question{Name: values.Get("name"), From: values.Get("from"), Parameters: map[string]string{}}
		for _, pair := range values["where"] {
			k, v, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("where=%q must be KEY=VALUE", pair)
			}
			q.Parameters[k] = v
		}
		return s.cfg.Explain(ctx, q)
	})
}

// answerExplanation answers with what a function explains, as text or as JSON.
func (s *Server) answerExplanation(w http.ResponseWriter, r *http.Request, explain func(context.Context) (fmt.Stringer, error)) {
	if err := s.cfg.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, "no explanation: "+err.Error()+"\n")
		return
	}
	answer, err := explain(r.Context())
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	if r.URL.Query().Get("format") != "json" {
		writeText(w, http.StatusOK, answer.String())
		return
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		s.cfg.Logger.Error("encode an explanation", "error", err)
		writeText(w, http.StatusInternalServerError, "the explanation cannot be encoded\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n')) // an error means that the client has gone
}
