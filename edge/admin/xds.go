package admin

import (
	"context"
	"fmt"
	"net/http"
)

// explainProxy answers /xds/explain?node=ID[&account=ID][&format=json].
func (s *Server) explainProxy(w http.ResponseWriter, r *http.Request) {
	s.answerExplanation(w, r, func(ctx context.Context) (fmt.Stringer, error) {
		return s.cfg.ExplainProxy(ctx, r.URL.Query().Get("account"), r.URL.Query().Get("node"))
	})
}
