package admin

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// maxBackups is how many backups are written at once. Each keeps one state of the
// registry in memory until its client has read it.
const maxBackups = 2

// stallTimeout is how long a client of /backup may take to read the next piece. The
// whole backup has no limit.
const stallTimeout = 30 * time.Second

// backup streams a copy of the registry. If that fails, the connection is cut, so
// that the client notices that the copy is not complete; "cairn backup" also
// verifies it.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, "no backup: "+err.Error()+"\n")
		return
	}
	select {
	case s.backups <- struct{}{}:
		defer func() { <-s.backups }()
	default:
		w.Header().Set("Retry-After", "10")
		writeText(w, http.StatusTooManyRequests, "other backups are being written; try again\n")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="cairn.backup"`)
	w.Header().Set("Cache-Control", "no-store")
	out := &deadlineWriter{w: w, extend: http.NewResponseController(w)}
	if err := s.cfg.Backup(out); err != nil {
		s.cfg.Logger.Error("backup ended early", "client", r.RemoteAddr, "written", out.written, "error", err)
		panic(http.ErrAbortHandler)
	}
	s.cfg.Logger.Info("backup written", "client", r.RemoteAddr, "bytes", out.written)
}

// deadlineWriter gives each piece stallTimeout, in place of the server's limit
// for a whole answer.
type deadlineWriter struct {
	w       io.Writer
	extend  *http.ResponseController
	written int64
}

func (d *deadlineWriter) Write(p []byte) (int, error) {
	err := d.extend.SetWriteDeadline(time.Now().Add(stallTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := d.w.Write(p)
	d.written += int64(n)
	return n, err
}
