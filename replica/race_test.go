package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// recordOfEachKind are keys and values of valid records, one for each kind.
var recordOfEachKind = []store.Write{
	{Key: "1n/000000000000/shop", Value: []byte("\x03\x02ns")},
	{Key: "2s/000000000000/ns/web", Value: []byte("\x03\x03srv")},
	{Key: "3t/000000000000/ns/srv", Value: []byte("\x02\x05")},
	{Key: "4i/000000000000/ns/srv/i"},
	{Key: "5o/000000000000/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-mwmdf2o0"},
	{Key: "6l/000000000000/ns/srv/i", Value: []byte("\x02\x05\x04\x0a")},
	{Key: "ia/000000000000"}, {Key: "ig/000000000000/g"}, {Key: "ik/AKIA"},
	{Key: "ip/000000000000/p"}, {Key: "ir/000000000000/r"}, {Key: "iu/000000000000/u"},
	{Key: "ta/000000000000/s/default"}, {Key: "tc/000000000000/c"}, {Key: "td/000000000000/f/0000000001"},
	{Key: "te/000000000000/c/s/0000000000000000001"}, {Key: "tf/000000000000/f"}, {Key: "ti/000000000000/c/i"},
	{Key: "tk/000000000000/p"}, {Key: "tn/n"}, {Key: "tp/000000000000/c/s/d"}, {Key: "ts/000000000000/c/s"},
	{Key: "tt/000000000000/c/t"}, {Key: "tv/000000000000/c/s/1"}, {Key: "member/n"}, {Key: "guard/names"}, {Key: "vote/n/srv/i"}, {Key: "series/srv/i"},
	{Key: "ma/000000000000/m"}, {Key: "mb/000000000000/m/virtualRouter/r"}, {Key: "mc/000000000000"}, {Key: "md/000000000000/m"},
	{Key: "z1/Z1", Value: []byte("\x03\x0c000000000000\x05\x03\x01x\x00")},
	{Key: "z2/Z1/x.w.\x00A\x00", Value: []byte("\x03\x05\x01w\x01x\x00\x04\x01\x08\x01\x0b\x09127.0.0.1")},
	{Key: "z3/check"}, {Key: "z4/Z1/vpc-1"}, {Key: "z5/Z2"}, {Key: "z6/hostedzone/Z1"}, {Key: "z7/C1"},
}

// change is a command that writes or deletes one record without saying that it reads
// it. decided counts its decisions.
type change struct {
	store.Write
	decided *int
}

func (c change) Decide(command.View, *command.Meta) (command.Decision, error) {
	*c.decided++
	value := c.Value
	if value == nil && !c.Delete {
		value = emptyValue(c.Key)
	}
	decoded, err := state.Decode(c.Key, value)
	return command.Decision{Changes: []command.Change{decoded}}, err
}

func emptyValue(key string) []byte {
	if strings.HasPrefix(key, "t") {
		return []byte("{}")
	}
	return []byte{}
}

// TestRaceOnEachKindOfRecord lets two nodes change the same record. The node whose
// commit comes second must decide again on what the first has written: whether the
// record was there or not, and whether the other node wrote or deleted it.
func TestRaceOnEachKindOfRecord(t *testing.T) {
	left := map[string]bool{}
	for _, prefix := range state.Prefixes() {
		left[prefix] = true
	}
	for _, record := range recordOfEachKind {
		prefix, _, _ := strings.Cut(record.Key, "/")
		delete(left, prefix+"/")
		for _, before := range []string{"absent", "present"} {
			for _, first := range []string{"written", "deleted"} {
				for _, second := range []string{"written", "deleted"} {
					if before == "absent" && first == "deleted" {
						continue // the first changes nothing
					}
					if prefix == "3t" && (before == "absent" || first == "deleted") {
						continue // it comes and goes with its service
					}
					t.Run(fmt.Sprintf("%s/%s/%s then %s", prefix, before, first, second), func(t *testing.T) {
						raceOn(t, record, before == "present", first == "deleted", second == "deleted")
					})
				}
			}
		}
	}
	for prefix := range left {
		t.Errorf("no record of kind %s is tested: add one to recordOfEachKind", prefix)
	}
}

func raceOn(t *testing.T, record store.Write, present, firstDeletes, secondDeletes bool) {
	data := memory.New()
	seed(t, data, record, present)
	a := start(t, data.Share())
	s := &spy{Store: data.Share()}
	b := start(t, s)
	b.waitFor(a.Current().Revision)

	var outcomes []error
	s.after = func(_ store.Revision, err error) { outcomes = append(outcomes, err) }
	ran, decisions := false, 0
	s.before = func(store.Txn) {
		if !ran {
			ran = true
			first := change{store.Write{Key: record.Key, Value: record.Value, Delete: firstDeletes}, new(int)}
			if _, err := a.Propose(t.Context(), account, first); err != nil {
				t.Error(err)
			}
		}
	}
	b.do(change{store.Write{Key: record.Key, Value: record.Value, Delete: secondDeletes}, &decisions})
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
func seed(t *testing.T, data *memory.Store, record store.Write, present bool) {
	t.Helper()
	s := data.Share()
	var txn store.Txn
	for _, w := range recordOfEachKind {
		if w.Key != record.Key || present {
			if w.Value == nil {
				w.Value = emptyValue(w.Key)
			}
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
