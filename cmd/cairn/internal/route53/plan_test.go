package route53

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/zonefile"
)

const apex = "\x07example\x03com\x00"

func setsOf(t *testing.T, file string) []recordSet {
	t.Helper()
	records, errs := zonefile.Parse("$TTL 60\n"+file, apex, nil)
	sets, _, outside := wanted(records, apex)
	if len(errs)+len(outside) > 0 {
		t.Fatal(errs, outside)
	}
	return sets
}

func TestPlan(t *testing.T) {
	have := setsOf(t, "www A 192.0.2.1\n A 192.0.2.2\nold A 192.0.2.3\nttl A 192.0.2.4\nmail MX 10 A.example.com.\n")
	weighted := recordSet{Name: "w.example.com.", Type: "A", SetIdentifier: "one", TTL: new(int64(60)), Values: []string{"192.0.2.9"}}
	want := setsOf(t, "www A 192.0.2.2\n A 192.0.2.1\nttl 30 A 192.0.2.4\nmail MX 10 a.example.com.\nnew TXT x\nw A 192.0.2.1\n@ NS ns.example.net.\n")
	p := newPlan(want, append(have, weighted), "example.com.", true)
	var out strings.Builder
	p.print(&out)
	const text = `note: w.example.com. A has a routing policy or is an alias in the zone: it is left as it is
- old.example.com. 60 A 192.0.2.3
~ ttl.example.com. 30 A 192.0.2.4
+ new.example.com. 60 TXT "x"
1 record sets to create, 1 to change, 1 to delete, 2 unchanged
`
	if out.String() != text {
		t.Errorf("got\n%s", out.String())
	}
}

// Each value is a record of its own.
func TestRequest(t *testing.T) {
	body, err := xml.Marshal(batchRequest("", []change{{"CREATE", setsOf(t, "www A 192.0.2.1\n A 192.0.2.2\n")[0]}}))
	const want = "<ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord><ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords>"
	if err != nil || !strings.Contains(string(body), want) {
		t.Errorf("%v\n%s", err, body)
	}
}

func TestBatches(t *testing.T) {
	var changes []change
	for range 2500 {
		changes = append(changes, change{"CREATE", recordSet{Values: []string{"192.0.2.1"}}})
	}
	if n := len(firstBatch(changes)); n != 1000 {
		t.Errorf("a batch of %d", n)
	}
	for i := range changes {
		changes[i].Action = "UPSERT"
	}
	if n := len(firstBatch(changes)); n != 500 {
		t.Errorf("a batch of %d of UPSERT", n)
	}
	if n := len(firstBatch(changes[:3])); n != 3 {
		t.Errorf("a batch of %d of 3", n)
	}
	changes[0].Set.Values = []string{strings.Repeat("x", maxChars)}
	if n := len(firstBatch(changes)); n != 1 {
		t.Errorf("a batch of %d with a very large first change", n)
	}
}

// Names of included files are relative to the folder of the zone file, and errors name the
// file and the line.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.zone": "$TTL 60\n$INCLUDE hosts\n$INCLUDE " + filepath.Join(dir, "hosts") + " sub\n",
		"hosts":     "www A 192.0.2.1\n$GENERATE 1-3 n$ A 192.0.2.$\n",
		"bad.zone":  "$TTL 60\n$INCLUDE none\n$INCLUDE bad\nwww.example.net. A 192.0.2.1\n",
		"bad":       "www A 192.0.2.1.1\nwww.example.net. A 192.0.2.1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sets, _, err := readFile(filepath.Join(dir, "main.zone"), apex)
	if err != nil || len(sets) != 8 || sets[7].Name != "n3.sub.example.com." {
		t.Errorf("%v %+v", err, sets)
	}
	_, _, err = readFile(filepath.Join(dir, "bad.zone"), apex)
	for _, want := range []string{"bad.zone: line 2: $INCLUDE: open ", "bad.zone: bad: line 1: A record", "bad.zone: bad: line 2: www.example.net. is not in", "bad.zone: line 4: www.example.net. is not in"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
