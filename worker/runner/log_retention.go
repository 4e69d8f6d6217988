package runner

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// sweepInterval is how often old logs are looked for.
const sweepInterval = time.Hour

// deleteOldLogs deletes logs that have not been written for the retention time, until
// ctx ends.
func (r *Runner) deleteOldLogs(ctx context.Context) {
	if r.cfg.LogRetention <= 0 {
		return
	}
	for {
		if err := sweepLogs(r.cfg.LogDir, time.Now().Add(-r.cfg.LogRetention)); err != nil {
			r.cfg.Logger.Warn("old logs of tasks could not be deleted", "error", err)
		}
		if !sleep(ctx, sweepInterval) {
			return
		}
	}
}

// sweepLogs deletes the files below a folder that were written before a time. Folders
// without files are deleted too.
func sweepLogs(folder string, before time.Time) error {
	return filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return nil // it does not exist, or is deleted by somebody else
		}
		info, err := e.Info()
		if err != nil || info.ModTime().After(before) {
			return nil
		}
		_ = os.Remove(path) // a folder with files stays
		return nil
	})
}
