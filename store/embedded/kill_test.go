package embedded

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cairn-discovery/cairn/store"
)

// killDirVar makes the test binary a writer that runs until it is killed.
const killDirVar = "EMBEDDED_KILL_TEST_DIR"

const killWriters = 4

// TestKill starts a process that commits from several goroutines and takes
// snapshots, kills it with SIGKILL and looks whether all it had acknowledged is
// there; several times over with the same folder.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	acked := make([]int, killWriters) // the last number of each writer
	var revision store.Revision
	for round := range rounds {
		killOnce(t, dir, acked, 200+50*round)
		s, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatalf("round %d: the lock outlived the process: %v", round, err)
		}
		state, at := load(t, s)
		if at < revision {
			t.Fatalf("round %d: revision fell from %d to %d", round, revision, at)
		}
		revision = at
		checkKilled(t, state, acked)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkKilled checks that each writer's two keys, which it wrote in the same
// transactions, agree and hold its last acknowledged number or the one after.
func checkKilled(t *testing.T, state map[string]string, acked []int) {
	t.Helper()
	for w := range acked {
		a, b := state[fmt.Sprint("a", w)], state[fmt.Sprint("b", w)]
		if a != b {
			t.Fatalf("half a transaction of writer %d: %q and %q", w, a, b)
		}
		n, err := strconv.Atoi(a)
		if acked[w] == 0 && a == "" {
			continue
		}
		if err != nil || n < acked[w] || n > acked[w]+1 {
			t.Fatalf("writer %d is at %q, acknowledged was %d", w, a, acked[w])
		}
		acked[w] = n
	}
}

// killOnce lets a child write until so many commits were acknowledged.
func killOnce(t *testing.T, dir string, acked []int, commits int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	child.Env = append(os.Environ(), killDirVar+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		noteAck(t, lines.Text(), acked)
		if n == commits {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
}

// noteAck notes a line of a child, "writer number". Others are the test framework's.
func noteAck(t *testing.T, line string, acked []int) {
	writer, number, ok := strings.Cut(line, " ")
	w, err := strconv.Atoi(writer)
	if !ok || err != nil || w < 0 || w >= len(acked) {
		t.Fatalf("the child says %q", line)
	}
	if acked[w], err = strconv.Atoi(number); err != nil {
		t.Fatalf("the child says %q", line)
	}
}

// TestKillChild is the child's side of TestKill.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killDirVar)
	if dir == "" {
		t.Skip("only with TestKill")
	}
	s, err := Open(Config{Dir: dir, SegmentSize: 32 << 10, SnapshotBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	state, _ := load(t, s)
	var wg sync.WaitGroup
	for w := range killWriters {
		n, _ := strconv.Atoi(state[fmt.Sprint("a", w)])
		wg.Go(func() { writeForEver(t, s, w, n) })
	}
	wg.Wait()
}

// writeForEver counts up, and says so on standard output after each commit.
func writeForEver(t *testing.T, s *Store, w, n int) {
	a, b := fmt.Sprint("a", w), fmt.Sprint("b", w)
	for {
		n++
		value := []byte(strconv.Itoa(n))
		_, err := s.Commit(t.Context(), store.Txn{Writes: []store.Write{{Key: a, Value: value}, {Key: "filler", Value: make([]byte, 300)}, {Key: b, Value: value}}})
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Printf("%d %d\n", w, n)
		if w == 0 && s.SnapshotDue() {
			snapshotNow(t, s)
		}
	}
}

// snapshotNow takes a snapshot at the revision of a load, while others commit.
func snapshotNow(t *testing.T, s *Store) {
	state := map[string]store.Record{}
	at, err := s.Load(t.Context(), func(changes []store.Change) error {
		for _, c := range changes {
			c.Value = slices.Clone(c.Value)
			state[c.Key] = c.Record
		}
		return nil
	})
	if err == nil {
		err = s.Snapshot(t.Context(), at, maps.Values(state))
	}
	if err != nil {
		t.Error(err)
	}
}
