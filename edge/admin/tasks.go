package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// LogRequest is a request to /tasks/logs.
type LogRequest struct {
	// Task is the id of a task.
	Task string
	// Container is the name of one of its containers. Empty: all.
	Container string
	// Follow goes on with new output until the containers have ended.
	Follow bool
	// Tail is the number of last lines of each container. 0: all.
	Tail int
}

// maxTail is the largest number of lines that can be asked for.
const maxTail = 1_000_000

// taskLogs answers /tasks/logs?task=ID[&container=NAME][&follow=true][&tail=N] with
// the output of containers, as it comes.
func (s *Server) taskLogs(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, "no logs: "+err.Error()+"\n")
		return
	}
	request, err := parseLogRequest(r)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	out := newFlushWriter(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.cfg.Logs(r.Context(), request, out); err != nil {
		if out.written == 0 {
			writeText(w, http.StatusNotFound, err.Error()+"\n")
			return
		}
		s.cfg.Logger.Warn("logs of a task ended early", "task", request.Task, "error", err)
		panic(http.ErrAbortHandler) // the client notices that the output is not complete
	}
}

func parseLogRequest(r *http.Request) (LogRequest, error) {
	values := r.URL.Query()
	request := LogRequest{Task: values.Get("task"), Container: values.Get("container"), Follow: values.Get("follow") == "true"}
	if request.Task == "" {
		return request, errors.New("task is missing: /tasks/logs?task=ID[&container=NAME][&follow=true][&tail=N]")
	}
	if text := values.Get("tail"); text != "" {
		tail, err := strconv.Atoi(text)
		if err != nil || tail < 0 || tail > maxTail {
			return request, fmt.Errorf("tail=%q must be a number from 0 to %d", text, maxTail)
		}
		request.Tail = tail
	}
	return request, nil
}

// flushWriter sends each piece at once, so that a client that follows sees it. Between
// two pieces any time may pass.
type flushWriter struct{ deadlineWriter }

// newFlushWriter returns a writer without a limit for the whole answer.
func newFlushWriter(w http.ResponseWriter) *flushWriter {
	f := &flushWriter{deadlineWriter{w: w, extend: http.NewResponseController(w)}}
	f.wait()
	return f
}

// wait ends the limit for the next piece. An error means that the connection has none.
func (f *flushWriter) wait() { _ = f.extend.SetWriteDeadline(time.Time{}) }

func (f *flushWriter) Write(p []byte) (int, error) {
	n, err := f.deadlineWriter.Write(p)
	if err == nil {
		err = f.extend.Flush()
	}
	f.wait()
	return n, err
}

// explainTask answers /tasks/explain?task=ID[&format=json].
func (s *Server) explainTask(w http.ResponseWriter, r *http.Request) {
	s.answerExplanation(w, r, func(ctx context.Context) (fmt.Stringer, error) {
		return s.cfg.ExplainTask(ctx, r.URL.Query().Get("task"))
	})
}

// noRunner answers requests for what a node without a runner does not have.
func noRunner(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusNotFound, "this node runs no tasks: it was started without --runner\n")
}
