package admin

import (
	"encoding/json"
	"errors"
	"net/http"
)

// ErrNoNode means that no node has the name.
var ErrNoNode = errors.New("no such node")

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

// removeNode answers /nodes/remove, whose body names the node as JSON.
func (s *Server) removeNode(w http.ResponseWriter, r *http.Request) {
	if !s.mayChangeNodes(w) {
		return
	}
	var request struct{ Node string }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Node == "" {
		writeText(w, http.StatusBadRequest, `the body must be a JSON object with the member Node, the name of a node`+"\n")
		return
	}
	s.answerChange(w, s.cfg.RemoveNode(r.Context(), request.Node), "a node was removed from the cluster", "node", request.Node)
}

// addNode answers /nodes/add, whose body has the address of the node as JSON.
func (s *Server) addNode(w http.ResponseWriter, r *http.Request) {
	if !s.mayChangeNodes(w) {
		return
	}
	var request struct{ Addr string }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Addr == "" {
		writeText(w, http.StatusBadRequest, `the body must be a JSON object with the member Addr, the cluster_addr of a node`+"\n")
		return
	}
	s.answerChange(w, s.cfg.AddNode(r.Context(), request.Addr), "a node was added to the cluster", "addr", request.Addr)
}

// mayChangeNodes refuses a change if the store is no cluster, if the node does not serve, or
// if the listener does not authenticate its callers: a node that was removed has to join as
// a new one.
func (s *Server) mayChangeNodes(w http.ResponseWriter) bool {
	if s.cfg.RemoveNode == nil {
		writeText(w, http.StatusConflict, "this node adds and removes no nodes: they are members of a cluster with --store cluster only; a node with another store leaves when it stops\n")
		return false
	}
	if !s.cfg.authenticates() {
		writeText(w, http.StatusForbidden, "this node adds and removes no nodes: its admin listener does not authenticate operators;"+
			" set admin_token_file in its configuration or the token in CAIRN_ADMIN_TOKEN, or tls.admin with tls.client_ca_file, and restart it\n")
		return false
	}
	if err := s.cfg.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
		return false
	}
	return true
}

// answerChange answers a change of the nodes and logs it if it was made.
func (s *Server) answerChange(w http.ResponseWriter, err error, done string, attrs ...any) {
	switch {
	case err == nil:
		s.cfg.Logger.Info(done, attrs...)
		writeText(w, http.StatusOK, "{}\n")
	case errors.Is(err, ErrNoNode):
		writeText(w, http.StatusNotFound, err.Error()+"\n")
	default:
		writeText(w, http.StatusConflict, err.Error()+"\n")
	}
}
