package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// IsTerminal reports whether w is a terminal: a character device other than the
// null device.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// progressPause is the time after which progress is shown, and between updates.
const progressPause = time.Second

// Progress shows what takes longer than a second on standard error, if that is a
// terminal, until stop is called. text returns what is being done; it is called
// in another goroutine. The function stop must be called.
func (p *Program) Progress(text func() string) (stop func()) {
	if !p.StderrTerminal {
		return func() {}
	}
	begin := time.Now()
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		tick := time.NewTicker(progressPause)
		defer tick.Stop()
		const clearLine = "\r\x1b[K"
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				fmt.Fprintf(p.Stderr, "%s%s (%v)", clearLine, text(), time.Since(begin).Round(progressPause))
			case <-done:
				if n > 0 {
					fmt.Fprint(p.Stderr, clearLine)
				}
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		shown.Wait()
	})
}
