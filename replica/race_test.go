package replica

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// relatedRecords are valid records of kinds that depend on each other. Other kinds have a
// record in recordsFile.
var relatedRecords = []store.Write{
	{Key: "1n/000000000000/shop", Value: []byte("\x03\x02ns")},
	{Key: "2s/000000000000/ns/web", Value: []byte("\x03\x03srv")},
	{Key: "3t/000000000000/ns/srv", Value: []byte("\x02\x05")},
	{Key: "4i/000000000000/ns/srv/i", Value: []byte{}},
	{Key: "5o/000000000000/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-mwmdf2o0", Value: []byte{}},
	{Key: "5o/000000000000/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-mwmdf2o0", Value: []byte("\x17\x18\x19\x14abcdefghijklmnopqrst\x04\x01")}, // with a part
	{Key: "6l/000000000000/ns/srv/i", Value: []byte("\x02\x05\x04\x0a")},
	{Key: "z1/Z1", Value: []byte("\x03\x0c000000000000\x05\x03\x01x\x00")},
	{Key: "z2/Z1/x.w.\x00A\x00", Value: []byte("\x03\x05\x01w\x01x\x00\x04\x01\x08\x01\x0b\x09127.0.0.1")},
	{Key: "z3/check", Value: []byte{}}, {Key: "z4/Z1/vpc-1", Value: []byte{}}, {Key: "z5/Z2", Value: []byte{}},
	{Key: "z6/hostedzone/Z1", Value: []byte{}}, {Key: "z7/C1", Value: []byte{}},
}

// recordsFile has records of each kind, see TestStoredRecords of core/state.
const recordsFile = "../core/state/testdata/records.txt"

// recordOfEachKind returns valid records, one for each kind.
func recordOfEachKind(t *testing.T) []store.Write {
	t.Helper()
	file, err := os.ReadFile(recordsFile)
	if err != nil {
		t.Fatal(err)
	}
	records := slices.Clone(relatedRecords)
	for line := range strings.Lines(string(file)) {
		var w store.Write
		var text string
		if n, _ := fmt.Sscanf(line, "%q %s", &w.Key, &text); n < 2 || slices.ContainsFunc(records, func(r store.Write) bool { return kindOf(r.Key) == kindOf(w.Key) }) {
			continue
		}
		if w.Value, err = hex.DecodeString(strings.Trim(text, "-")); err != nil {
			t.Fatalf("%s: %v", w.Key, err)
		}
		records = append(records, w)
	}
	return records
}

// kindOf returns the prefix of a key.
func kindOf(key string) string {
	prefix, _, _ := strings.Cut(key, "/")
	return prefix + "/"
}

// change is a command that writes or deletes one record without saying that it reads
// it. decided counts its decisions. guards are records that commands write with it.
type change struct {
	store.Write
	decided *int
	guards  []store.Write
}

func (c change) Decide(command.View, *command.Meta) (command.Decision, error) {
	*c.decided++
	value := c.Value
	if c.Delete {
		value = nil
	}
	decoded, err := state.Decode(c.Key, value)
	d := command.Decision{Changes: []command.Change{decoded}}
	for _, w := range c.guards {
		guard, guardErr := state.Decode(w.Key, w.Value)
		d.Changes, err = append(d.Changes, guard), errors.Join(err, guardErr)
	}
	return d, err
}

// guardsOf returns the records that commands write with a record of a kind, if it has no
// precondition of its own; see command.Guarded.
func guardsOf(records []store.Write, prefix string) (guards []store.Write) {
	guard := map[string]string{"z2/": "z1/"}[prefix] // a record set and its hosted zone
	for _, w := range records {
		if kindOf(w.Key) == guard {
			guards = append(guards, w)
		}
	}
	return guards
}

// TestRaceOnEachKindOfRecord lets two nodes change the same record. The node whose
// commit comes second must decide again on what the first has written: whether the
// record was there or not, and whether the other node wrote or deleted it.
func TestRaceOnEachKindOfRecord(t *testing.T) {
	left := map[string]bool{}
	for _, prefix := range state.Prefixes() {
		left[prefix] = true
	}
	records := recordOfEachKind(t)
	for _, record := range records {
		prefix := kindOf(record.Key)
		delete(left, prefix)
		for _, before := range []string{"absent", "present"} {
			for _, first := range []string{"written", "deleted"} {
				for _, second := range []string{"written", "deleted"} {
					if before == "absent" && first == "deleted" {
						continue // the first changes nothing
					}
					if prefix == "3t/" && (before == "absent" || first == "deleted") {
						continue // it comes and goes with its service
					}
					t.Run(fmt.Sprintf("%s%s/%s then %s", prefix, before, first, second), func(t *testing.T) {
						raceOn(t, records, record, before == "present", first == "deleted", second == "deleted")
					})
				}
			}
		}
	}
	for prefix := range left {
		t.Errorf("no record of kind %s is in %s: add one", prefix, recordsFile)
	}
}

func raceOn(t *testing.T, records []store.Write, record store.Write, present, firstDeletes, secondDeletes bool) {
	data := memory.New()
	seed(t, data, records, record, present)
	a := start(t, data.Share())
	s := &spy{Store: data.Share()}
	b := start(t, s)
	b.waitFor(a.Current().Revision)

	guards := guardsOf(records, kindOf(record.Key))
	var outcomes []error
	s.after = func(_ store.Revision, err error) { outcomes = append(outcomes, err) }
	ran, decisions := false, 0
	s.before = func(store.Txn) {
		if !ran {
			ran = true
			first := change{store.Write{Key: record.Key, Value: record.Value, Delete: firstDeletes}, new(int), guards}
			if _, err := a.Propose(t.Context(), account, first); err != nil {
				t.Error(err)
			}
		}
	}
	b.do(change{store.Write{Key: record.Key, Value: record.Value, Delete: secondDeletes}, &decisions, guards})
	if len(outcomes) != 2 || !errors.Is(outcomes[0], store.ErrConflict) || outcomes[1] != nil {
		t.Errorf("the commits of the second node ended with %v, want a conflict and a success", outcomes)
	}
	if decisions != 2 {
		t.Errorf("the second node decided %d times, want 2", decisions)
	}
	if x, y := contents(a.waitFor(b.Current().Revision)), contents(b.Current()); x != y {
		t.Errorf("the nodes differ:\n%s\n%s", x, y)
	}
}

// seed stores the records that a record needs, and the record itself if it is present.
func seed(t *testing.T, data *memory.Store, records []store.Write, record store.Write, present bool) {
	t.Helper()
	s := data.Share()
	var txn store.Txn
	for _, w := range records {
		if w.Key != record.Key || present {
			txn.Writes = append(txn.Writes, w)
		}
	}
	if _, err := s.Load(context.Background(), func([]store.Change) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(context.Background(), txn); err != nil {
		t.Fatal(err)
	}
}
