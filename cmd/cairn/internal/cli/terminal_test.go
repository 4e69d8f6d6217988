package cli

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress checks that progress is shown after a second and removed at the
// end, and only on a terminal.
func TestProgress(t *testing.T) {
	tests := []struct {
		terminal bool
		takes    time.Duration
		want     string
	}{
		{true, 900 * time.Millisecond, ""},
		{true, 2500 * time.Millisecond, "\r\x1b[Kwaiting (1s)\r\x1b[Kwaiting (2s)\r\x1b[K"},
		{false, time.Hour, ""},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var stderr strings.Builder
			p := &Program{Stderr: &stderr, StderrTerminal: tt.terminal}
			stop := p.Progress(func() string { return "waiting" })
			time.Sleep(tt.takes) // of the bubble
			stop()
			stop()
			if got := stderr.String(); got != tt.want {
				t.Errorf("terminal %v, %v: got %q, want %q", tt.terminal, tt.takes, got, tt.want)
			}
		})
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if IsTerminal(null) || IsTerminal(new(strings.Builder)) {
		t.Error("the null device or a buffer is taken for a terminal")
	}
}
