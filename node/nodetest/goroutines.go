package nodetest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// marked tells the goroutines of one node from all others by a profiler label,
// which goroutines inherit from the one that starts them. So tests with nodes
// of their own can run side by side.
type marked struct{ label string }

const labelKey = "nodetest"

// run runs f under the label.
func (m marked) run(ctx context.Context, f func(context.Context)) {
	pprof.Do(ctx, pprof.Labels(labelKey, m.label), f)
}

// checkGone waits until no goroutine with the label is left. Those of closed
// connections end a moment after the listener that they belong to.
func (m marked) checkGone(t testing.TB) {
	t.Helper()
	left := m.left()
	for deadline := time.Now().Add(5 * time.Second); left != "" && time.Now().Before(deadline); left = m.left() {
		time.Sleep(5 * time.Millisecond)
	}
	if left != "" {
		t.Errorf("goroutines left behind by the node:\n%s", left)
	}
}

// left returns the stacks of the label's goroutines, empty if there are none.
func (m marked) left() string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err.Error()
	}
	var found strings.Builder
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", labelKey, m.label)) {
			found.WriteString(stack + "\n\n")
		}
	}
	return found.String()
}
