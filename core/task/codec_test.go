package task

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
)

const testAccount = command.AccountID("123456789012")

// samples has one record of each kind.
var samples = []command.Change{
	clusters.Put(&Cluster{Account: testAccount, Name: "c", Status: Active}),
	families.Put(&Family{Account: testAccount, Name: "f", Last: 3}),
	definitions.Put(&Definition{Account: testAccount, Family: "f", Revision: 3, Status: Active}),
	services.Put(&Service{Account: testAccount, Cluster: "c", Name: "s", CloudMapServices: []string{"srv-1"}, Deployments: []Deployment{{Number: "1", Workload: Workload{Family: "f"}}}}),
	eventLists.Put(&Event{Account: testAccount, Cluster: "c", Service: "s", Number: 7, Message: "m"}),
	revisions.Put(&ServiceRevision{Account: testAccount, Cluster: "c", Service: "s", Number: "1"}),
	deployments.Put(&ServiceDeployment{Account: testAccount, Cluster: "c", Service: "s", ID: "d"}),
	tasks.Put(&Task{Account: testAccount, Cluster: "c", ID: "t", Service: "s", Instance: "i", Node: "n"}),
	instances.Put(&ContainerInstance{Account: testAccount, Cluster: "c", ID: "i", Node: "n"}),
	nodes.Put(&Node{Name: "n"}),
	settings.Put(&Setting{Account: testAccount, Name: "tagResourceAuthorization", Principal: "arn:aws:iam::123456789012:user/a/b", Value: "on"}),
	providers.Put(&CapacityProvider{Account: testAccount, Name: "p"}),
}

// Every record can be read again, and keeps the members of a newer version.
func TestCodec(t *testing.T) {
	for _, c := range samples {
		value, _ := c.Value(nil)
		newer := append([]byte(`{"later":{"a":[1]},`), value[1:]...)
		decoded, err := Slice().Decode(c.Key(), newer)
		if err != nil {
			t.Fatalf("%s: %v", c.Key(), err)
		}
		again, _ := decoded.Value(nil)
		if want := string(value[:len(value)-1]) + `,"later":{"a":[1]}}`; string(again) != want || decoded.Key() != c.Key() {
			t.Errorf("%s became %s %s, want %s", c.Key(), decoded.Key(), again, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, row := range [][2]string{
		{"tt/123456789012/c", "{}"}, {"tt/123456789012/c/t/x", "{}"}, {"td/123456789012/f/1", "{}"}, {"td/123456789012/f/x", "{}"},
		{"tc/123456789012/c", ""}, {"tc/123456789012/c", "null"}, {"tc/123456789012/c", `{"status":1}`}, {"tx/1", "{}"}, {"tc", "{}"},
	} {
		if c, err := Slice().Decode(row[0], []byte(row[1])); err == nil {
			t.Errorf("%q was decoded to %T", row, c)
		}
	}
}

// The indexes follow their entities.
func TestIndexes(t *testing.T) {
	d := NewDraft(new(State))
	for _, c := range samples {
		d.Apply(1, c)
	}
	count := func(s *State) (n [5]int) {
		for range s.TasksOfService(testAccount, "c", "s") {
			n[0]++
		}
		for range s.TasksOfInstance(testAccount, "c", "i") {
			n[1]++
		}
		for range s.TasksOfNode("n") {
			n[2]++
		}
		for range s.instancesOfNode("n") {
			n[3]++
		}
		for range s.servicesOf(testAccount, "srv-1") {
			n[4]++
		}
		return n
	}
	if got := count(d.State()); got != [5]int{1, 1, 1, 1, 1} {
		t.Errorf("after all records: %v", got)
	}
	for _, c := range samples {
		gone, err := Slice().Decode(c.Key(), nil)
		if err != nil {
			t.Fatal(err)
		}
		d.Apply(2, gone)
	}
	s := d.State()
	if got := count(s); got != [5]int{} || s.Counts() != (Counts{}) {
		t.Errorf("after all deletions: %v, %+v", got, s.Counts())
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range samples {
		value, _ := c.Value(nil)
		f.Add(c.Key(), value)
	}
	f.Add("tc/1/c", []byte(`{"STATUS":"x","status":"y","\u0000":null}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		c, err := Slice().Decode(key, value)
		if err != nil {
			return
		}
		first, _ := c.Value(nil)
		again, err := Slice().Decode(c.Key(), first)
		if err != nil || c.Key() != key {
			t.Fatalf("%q became %q, and its record %s: %v", key, c.Key(), first, err)
		}
		if second, _ := again.Value(nil); !bytes.Equal(first, second) && !strings.Contains(string(first), "\\ufffd") {
			t.Errorf("%s became %s", first, second)
		}
		NewDraft(new(State)).Apply(1, c)
	})
}
