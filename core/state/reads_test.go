package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/state"
)

// writeAll is a command that writes a number of users and reads only the first.
type writeAll int

func (n writeAll) Decide(v command.View, m *command.Meta) (all command.Decision, err error) {
	for i := range int(n) {
		d, err := (&identity.PutUser{User: identity.User{Account: string(account), Name: fmt.Sprint("u", i)}, New: true}).Decide(v, m)
		if err != nil {
			return d, err
		}
		all.Changes = append(all.Changes, d.Changes...)
		if i == 0 {
			all.Reads = d.Reads
		}
	}
	return all, nil
}

// TestReadsOfWrites: each key that a decision writes is among its reads once,
// and Exists is right.
func TestReadsOfWrites(t *testing.T) {
	for _, n := range []writeAll{1, 3, 200} {
		h := newHarness()
		if _, err := h.do(&identity.PutUser{User: identity.User{Account: string(account), Name: "other"}, New: true}); err != nil {
			t.Fatal(err)
		}
		before := h.state
		d, err := h.do(n)
		if err != nil {
			t.Fatal(err)
		}
		reads := map[string]bool{}
		for _, r := range before.Reads(d) {
			if _, twice := reads[r.Key]; twice || r.Exists {
				t.Errorf("read %+v, a new key, twice: %t", r, twice)
			}
			reads[r.Key] = r.Exists
		}
		for _, c := range d.Changes {
			if _, ok := reads[c.Key()]; !ok {
				t.Errorf("%q is written and not read", c.Key())
			}
		}
	}
}

// checkReads checks that a decision reads what it writes, and that Exists is right.
func checkReads(s *state.State, d command.Decision) error {
	exists, read := map[string]bool{}, map[string]bool{}
	for stored := range s.All() {
		key := stored.Change.Key()
		exists[key] = true
		if !s.HasRecord(key) {
			return fmt.Errorf("HasRecord denies %q", key)
		}
	}
	for _, r := range s.Reads(d) {
		read[r.Key] = true
		if exists[r.Key] != r.Exists {
			return fmt.Errorf("%q is read with exists=%t, which is wrong", r.Key, r.Exists)
		}
	}
	guarded, guards := "", 0
	for _, c := range d.Changes {
		switch g, ok := c.(command.Guarded); {
		case ok && g.Guarded():
			guarded = c.Key()
		case !read[c.Key()]:
			return fmt.Errorf("%q is written and not read", c.Key())
		default:
			guards++
		}
	}
	if guarded != "" && guards == 0 {
		return fmt.Errorf("%q is written without another record", guarded)
	}
	return nil
}

func TestHasDeniesOtherKeys(t *testing.T) {
	for _, key := range []string{"", "x", "9z/a/b", "1n", "4i/", "4i/a", "4i/a/b", strings.Repeat("/", 9)} {
		if new(state.State).HasRecord(key) {
			t.Errorf("the empty state has %q", key)
		}
	}
}
