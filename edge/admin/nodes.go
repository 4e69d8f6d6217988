package admin

import (
	"encoding/json"
	"net/http"
)

// nodes answers /nodes with the live nodes as JSON.
func (s *Server) nodes(w http.ResponseWriter, _ *http.Request) {
	text, err := json.MarshalIndent(s.cfg.Nodes(), "", "  ")
	if err != nil {
		s.cfg.Logger.Error("encode the nodes", "error", err)
		writeText(w, http.StatusInternalServerError, "the nodes cannot be encoded\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n')) // an error means that the client has gone
}
