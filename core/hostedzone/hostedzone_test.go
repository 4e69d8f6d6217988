package hostedzone_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/zone"
)

// fixture is a state that commands are done in: as decided, and as decoded from the records
// of a store.
type fixture struct {
	testing.TB
	state, stored *state.State
	rules         state.Rules
	account       command.AccountID
	count         uint64
}

func newFixture(t testing.TB) *fixture {
	return &fixture{TB: t, account: "111111111111", state: new(state.State), stored: new(state.State),
		rules: state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}, HostedZones: hostedzone.Rules{NameServers: []string{"ns1.test", "ns2.test"}}}}
}

func (w *fixture) try(c command.Command) (command.Reply, error) {
	w.count++
	d, err := state.Decide(w.state, &w.rules, command.Meta{
		Account: w.account, Now: 1_795_000_000_000 + int64(w.count), Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.count)),
	}, c)
	if err != nil {
		return d.Reply, err
	}
	draft := state.NewDraft(w.stored)
	for _, change := range d.Changes {
		value, put := change.Value([]byte{})
		if !put {
			value = nil
		}
		decoded, err := state.Decode(change.Key(), value)
		if err != nil {
			w.Fatal(err)
		}
		draft.Apply(w.state.Revision+1, decoded)
	}
	w.stored = draft.Finish()
	w.state = state.Apply(w.state, w.state.Revision+1, d.Changes...)
	return d.Reply, nil
}

func (w *fixture) do(c command.Command) command.Reply {
	w.Helper()
	reply, err := w.try(c)
	if err != nil {
		w.Fatalf("%+v: %v", c, err)
	}
	return reply
}

func (w *fixture) zone(name string, vpc *hostedzone.VPC) hostedzone.ID {
	w.Helper()
	return w.do(&hostedzone.Create{Name: name, CallerReference: name + string(rune('a'+w.count)), VPC: vpc}).Value.(*hostedzone.HostedZone).ID
}

// set reads "NAME TTL TYPE VALUE|VALUE".
func set(text string) *hostedzone.RecordSet {
	f := strings.SplitN(text, " ", 4)
	name, err := hostedzone.ParseName(f[0])
	if err != nil {
		panic(err)
	}
	ttl, _ := rdata.ParseTTL(f[1])
	rtype, _ := rdata.Type(f[2])
	return &hostedzone.RecordSet{Name: name, TTL: int64(ttl), Type: rtype, Values: strings.Split(f[3], "|")}
}

func weighted(id string, weight int64, s *hostedzone.RecordSet) *hostedzone.RecordSet {
	s.SetID, s.Weight = id, &weight
	return s
}

func alias(s *hostedzone.RecordSet, zone hostedzone.ID, target string, evaluate bool) *hostedzone.RecordSet {
	name, _ := hostedzone.ParseName(target)
	s.TTL, s.Values, s.Alias = 0, nil, &hostedzone.Alias{Zone: zone, Name: name, Evaluate: evaluate}
	return s
}

func changes(action hostedzone.Action, sets ...*hostedzone.RecordSet) []hostedzone.SetChange {
	var all []hostedzone.SetChange
	for _, s := range sets {
		all = append(all, hostedzone.SetChange{Action: action, Set: s})
	}
	return all
}

// list returns the record sets of a zone as text.
func (w *fixture) list(id hostedzone.ID) []string {
	var all []string
	for s := range w.stored.HostedZones.Sets(id).From("", "", "") {
		all = append(all, s.Text()+" "+s.TypeName()+" "+s.SetID+" "+strings.Join(s.Values, "|"))
	}
	return all
}

func TestOrder(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet,
		set("a.example.com 60 A 192.0.2.1"), set("a-b.example.com 60 A 192.0.2.1"), set("*.example.com 60 A 192.0.2.1"), set("z.a.example.com 60 A 192.0.2.1"),
		set("9.example.com 60 TXT \"x\""), weighted("b", 1, set("w.example.com 60 A 192.0.2.1")), weighted("a", 1, set("w.example.com 60 A 192.0.2.1")))})
	want := []string{
		"example.com. NS  ns1.test.|ns2.test.", "example.com. SOA  ns1.test. hostmaster.test. 1 7200 900 1209600 86400",
		"9.example.com. TXT  \"x\"", "\\052.example.com. A  192.0.2.1", "a-b.example.com. A  192.0.2.1", "a.example.com. A  192.0.2.1", "z.a.example.com. A  192.0.2.1",
		"w.example.com. A a 192.0.2.1", "w.example.com. A b 192.0.2.1",
	}
	got := w.list(id)
	// The escape of an octet begins with a backslash, which is after digits and before letters.
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	z, _ := w.stored.HostedZones.Zone(id)
	if z.Records != len(want) {
		t.Errorf("%d record sets", z.Records)
	}
}

func TestBatches(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet,
		set("w.example.com 60 A 192.0.2.1|192.0.2.2"), set("c.example.com 60 CNAME other.example"), weighted("one", 1, set("g.example.com 60 A 192.0.2.1")))})
	before := w.list(id)
	two := append(changes(hostedzone.DeleteSet, set("none.example.com 60 A 192.0.2.1")), changes(hostedzone.CreateSet, set("new.example.com 60 A 192.0.2.1"), set("x.example.org 60 A 192.0.2.1"))...)
	for _, test := range []struct {
		changes []hostedzone.SetChange
		want    string
	}{
		{changes(hostedzone.CreateSet, set("w.example.com 60 A 192.0.2.9")), "[Tried to create resource record set [name='w.example.com.', type='A'] but it already exists]"},
		{changes(hostedzone.DeleteSet, set("w.example.com 60 A 192.0.2.1")), "[Tried to delete resource record set [name='w.example.com.', type='A'] but the values provided do not match the current values]"},
		{two, "[Tried to delete resource record set [name='none.example.com.', type='A'] but it was not found, RRSet with DNS name x.example.org. is not permitted in zone example.com.]"},
		{changes(hostedzone.CreateSet, set("evilexample.com 60 A 192.0.2.1")), "[RRSet with DNS name evilexample.com. is not permitted in zone example.com.]"},
		{changes(hostedzone.CreateSet, set("c.example.com 60 A 192.0.2.1")), "[RRSet of type A with DNS name c.example.com. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com.]"},
		{changes(hostedzone.CreateSet, set("example.com 60 CNAME a.example")), "[RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.]"},
		{changes(hostedzone.UpsertSet, set("g.example.com 60 A 192.0.2.1")), "[RRSet with DNS name g.example.com., type A cannot be created as other RRSets exist with the same name and type.]"},
		{changes(hostedzone.CreateSet, weighted("two", 1, set("g.example.com 61 A 192.0.2.1"))), "[RRSet with DNS name g.example.com. and type A, SetIdentifier two cannot be created as weighted sets must contain the same TTL.]"},
		{changes(hostedzone.CreateSet, weighted("two", 1, set("w.example.com 60 A 192.0.2.1"))), "[RRSet with DNS name w.example.com., type A, SetIdentifier two cannot be created as a non-weighted set exists with the same name and type.]"},
		{changes(hostedzone.CreateSet, set("a.example.com 60 A 192.0.2.1|192.0.2.1")), "[Duplicate Resource Record: '192.0.2.1']"},
		{changes(hostedzone.CreateSet, set("a.example.com 60 A x")), "[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'x'']"},
		{changes(hostedzone.CreateSet, set("a.example.com 60 DS 1 13 2 AB")), "[Invalid Resource Record: 'FATAL problem: DSRRDATAInvalid (The digest of type 2 has 1 octets and must have 32) encountered with '1 13 2 AB'']"},
		{changes(hostedzone.CreateSet, set("a.example.com 60 TXT x")), "[Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'x'']"},
		{changes(hostedzone.UpsertSet, set("a.example.com 60 A 192.0.2.1"), set("A.example.com 60 A 192.0.2.2")), "[The request contains an invalid set of changes for a resource record set 'A a.example.com.']"},
		{changes(hostedzone.DeleteSet, set("example.com 172800 NS ns1.test|ns2.test")), "[A HostedZone must contain at least one NS record for the zone itself.]"},
		{changes(hostedzone.DeleteSet, set("example.com 900 SOA ns1.test hostmaster.test 1 7200 900 1209600 86400")), "[A HostedZone must contain exactly one SOA record.]"},
		{changes(hostedzone.CreateSet, alias(set("a.example.com 0 A x"), id, "t.example.com", false)), "[Tried to create an alias that targets t.example.com., type A in zone " + string(id) + ", but that target was not found]"},
		{changes(hostedzone.CreateSet, alias(set("a.example.com 0 A x"), id, "t.example.net", false)), "[Tried to create an alias that targets t.example.net., type A in zone " + string(id) +
			", but the alias target name does not lie within the target zone, Tried to create an alias that targets t.example.net., type A in zone " + string(id) + ", but that target was not found]"},
	} {
		_, err := w.try(&hostedzone.ChangeSets{Zone: id, Changes: test.changes})
		if e, ok := errors.AsType[*hostedzone.Error](err); !ok || e.Code != hostedzone.InvalidChangeBatch || e.Message != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
	if !slices.Equal(w.list(id), before) {
		t.Error("a batch that was refused has changed something")
	}
	// In any order and case: the values of a DELETE need only be the same.
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: append(changes(hostedzone.DeleteSet, set("W.example.com. 60 A 192.0.2.2|192.0.2.1"), set("c.example.com 60 CNAME Other.Example.")),
		changes(hostedzone.CreateSet, set("c.example.com 60 A 192.0.2.1"), set("w.example.com 60 CNAME c.example.com"))...)})
}

func TestInvalidChecks(t *testing.T) {
	w := newFixture(t)
	for _, test := range []struct {
		cfg  hostedzone.CheckConfig
		want string
	}{
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, Domain: "a..example"}, "FullyQualifiedDomainName"},
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, Domain: "a b"}, "FullyQualifiedDomainName"},
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, IP: "127.0.0.1", Domain: "a.example\r\nX: y"}, "FullyQualifiedDomainName"},
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, Domain: "bücher.example"}, "FullyQualifiedDomainName"},
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, Domain: strings.Repeat("a", 64) + ".example"}, "FullyQualifiedDomainName"},
		{hostedzone.CheckConfig{Type: hostedzone.CheckCalculated, Regions: []string{"us-east-1", "eu-west-1", "sa-east-1"}}, "CALCULATED"},
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, Domain: "_a-1.example."}, ""},
		{hostedzone.CheckConfig{Type: hostedzone.CheckHTTP, Domain: "127.0.0.1"}, ""},
	} {
		_, err := w.try(&hostedzone.CreateCheck{CallerReference: test.cfg.Domain, Config: test.cfg})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: got %v, want %s", test.cfg, err, test.want)
		}
	}
}

// The TTL of a weighted group can be changed by a batch that changes all of it.
func TestTTLOfWeightedGroup(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	one := func(ttl string) *hostedzone.RecordSet {
		return weighted("one", 1, set("g.example.com "+ttl+" A 192.0.2.1"))
	}
	two := func(ttl string) *hostedzone.RecordSet {
		return weighted("two", 1, set("g.example.com "+ttl+" A 192.0.2.2"))
	}
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet, one("60"), two("60"))})
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.UpsertSet, one("5"), two("5"))})
	const refusal = "RRSet with DNS name g.example.com. and type A, SetIdentifier %s cannot be created as weighted sets must contain the same TTL."
	for _, test := range []struct {
		sets []*hostedzone.RecordSet
		want string
	}{
		{[]*hostedzone.RecordSet{one("6")}, "[" + fmt.Sprintf(refusal, "one") + "]"},
		{[]*hostedzone.RecordSet{one("6"), two("7")}, "[" + fmt.Sprintf(refusal, "one") + ", " + fmt.Sprintf(refusal, "two") + "]"},
	} {
		if _, err := w.try(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.UpsertSet, test.sets...)}); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestLimitsOfBatches(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	var all []*hostedzone.RecordSet
	for i := range 501 {
		all = append(all, set("n"+string(rune('a'+i/26))+string(rune('a'+i%26))+".example.com 60 A 192.0.2.1"))
	}
	if _, err := w.try(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.UpsertSet, all...)}); err == nil || err.Error() != "[Number of records limit of 1000 exceeded.]" {
		t.Error(err)
	}
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet, all...)})
}

// look returns the data of the answer to a question, as the server chooses it.
func (w *fixture) look(name string, rtype uint16) (zone.Result, []string) {
	wire, _ := hostedzone.ParseName(name)
	r := w.stored.Zones.Lookup(&zone.Query{Name: []byte(wire), Hash: zone.Hash([]byte(wire)), View: zone.View{AllVPCs: true}})
	if r.State != zone.Hit || r.Node.Set() == nil || r.Node.Set().RRset(rtype) == nil {
		return r, nil
	}
	var data []string
	for _, s := range w.stored.Zones.Choose(r.Node.Set().RRset(rtype).Group(), &zone.Picker{Rand: zone.NewRand(1, 2), Regions: []string{"near", "far"}, Location: zone.Location{Continent: "EU", Country: "DE"}}, nil) {
		for _, d := range s.Data {
			data = append(data, rdata.Octal.Text(rtype, d))
		}
		if s.Alias != nil {
			data = append(data, "alias "+rdata.Octal.Name(s.Alias.Name))
		}
	}
	return r, data
}

// Wildcards and delegations are as in RFC 4592 section 2.2.1.
func TestWildcards(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet,
		set("*.example.com 60 TXT \"wild\""), set("*.example.com 60 MX 10 host1.example.com"), set("sub.*.example.com 60 TXT \"not a wildcard\""),
		set("host1.example.com 60 A 192.0.2.1"), set("_ssh._tcp.host1.example.com 60 SRV 1 1 22 host1.example.com"), set("subdel.example.com 60 NS ns.example.com|ns.example.net"))})
	for _, test := range []struct {
		name  string
		state zone.State
		wild  bool
	}{
		{"host3.example.com", zone.Hit, true}, {"foo.bar.example.com", zone.Hit, true}, {"host1.example.com", zone.Hit, false},
		{"sub.*.example.com", zone.Hit, false}, {"_telnet._tcp.host1.example.com", zone.NXDOMAIN, false}, {"host.subdel.example.com", zone.Referral, false},
		{"ghost.*.example.com", zone.NXDOMAIN, false}, {"*.example.com", zone.Hit, false}, {"_tcp.host1.example.com", zone.Hit, false},
		{"subdel.example.com", zone.Referral, false}, {"example.com", zone.Hit, false},
	} {
		r, _ := w.look(test.name, dnswire.TypeTXT)
		if r.State != test.state || r.Wildcard != test.wild {
			t.Errorf("%s: %v %v", test.name, r.State, r.Wildcard)
		}
	}
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.DeleteSet, set("*.example.com 60 TXT \"wild\""), set("*.example.com 60 MX 10 host1.example.com"),
		set("sub.*.example.com 60 TXT \"not a wildcard\""), set("subdel.example.com 60 NS ns.example.com|ns.example.net"))})
	for _, name := range []string{"host3.example.com", "subdel.example.com", "*.example.com"} {
		if r, _ := w.look(name, dnswire.TypeTXT); r.State != zone.NXDOMAIN {
			t.Errorf("%s: %v", name, r.State)
		}
	}
}

func (w *fixture) check(reference string, cfg hostedzone.CheckConfig) string {
	w.Helper()
	if cfg.Type == "" {
		cfg.Type, cfg.IP, cfg.Port = hostedzone.CheckTCP, "192.0.2.1", 80
	}
	return w.do(&hostedzone.CreateCheck{CallerReference: reference, Config: cfg}).Value.(*hostedzone.HealthCheck).ID
}

func (w *fixture) verdict(id string, v health.Verdict) {
	h, _ := w.state.HostedZones.Check(id)
	w.do(&hostedzone.SetVerdicts{Verdicts: []hostedzone.Verdict{{Check: id, Version: h.Version, To: v}}})
}

// TestRouting follows "How Amazon Route 53 chooses records when health checking is
// configured" of the developer guide.
func TestRouting(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	one, two := w.check("one", hostedzone.CheckConfig{}), w.check("two", hostedzone.CheckConfig{})
	fail := func(id, role, check string, s *hostedzone.RecordSet) *hostedzone.RecordSet {
		s.SetID, s.Failover, s.Check = id, role, check
		return s
	}
	geo := func(id string, g hostedzone.Geo, check string, s *hostedzone.RecordSet) *hostedzone.RecordSet {
		s.SetID, s.Geo, s.Check = id, &g, check
		return s
	}
	region := func(id, check string, s *hostedzone.RecordSet) *hostedzone.RecordSet {
		s.SetID, s.Region, s.Check = id, id, check
		return s
	}
	checked := func(check string, s *hostedzone.RecordSet) *hostedzone.RecordSet {
		s.Check = check
		return s
	}
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet,
		fail("p", hostedzone.Primary, one, set("f.example.com 60 A 192.0.2.1")), fail("s", hostedzone.Secondary, "", set("f.example.com 60 A 192.0.2.2")),
		checked(one, weighted("w1", 1, set("w.example.com 60 A 192.0.2.1"))), weighted("w0", 0, set("w.example.com 60 A 192.0.2.2")),
		region("near", one, set("l.example.com 60 A 192.0.2.1")), region("far", two, set("l.example.com 60 A 192.0.2.2")),
		geo("de", hostedzone.Geo{Country: "DE"}, one, set("g.example.com 60 A 192.0.2.1")), geo("eu", hostedzone.Geo{Continent: "EU"}, two, set("g.example.com 60 A 192.0.2.2")),
		geo("any", hostedzone.Geo{Country: "*"}, "", set("g.example.com 60 A 192.0.2.3")), geo("us", hostedzone.Geo{Country: "US"}, "", set("n.example.com 60 A 192.0.2.1")),
		fail("p", hostedzone.Primary, "", alias(set("t.example.com 0 A x"), id, "l.example.com", true)), fail("s", hostedzone.Secondary, "", set("t.example.com 60 A 192.0.2.9")))})
	expect := func(when string, want map[string]string) {
		t.Helper()
		for name, data := range want {
			if _, got := w.look(name+".example.com", dnswire.TypeA); strings.Join(got, " ") != data {
				t.Errorf("%s: %s: %q", when, name, got)
			}
		}
	}
	expect("all healthy", map[string]string{"f": "192.0.2.1", "w": "192.0.2.1", "l": "192.0.2.1", "g": "192.0.2.1", "n": "", "t": "alias l.example.com."})
	w.verdict(one, health.Unhealthy)
	expect("one unhealthy", map[string]string{"f": "192.0.2.2", "w": "192.0.2.2", "l": "192.0.2.2", "g": "192.0.2.2", "t": "alias l.example.com."})
	w.verdict(two, health.Unhealthy)
	expect("both unhealthy", map[string]string{"f": "192.0.2.2", "l": "192.0.2.1", "g": "192.0.2.3", "t": "192.0.2.9"})
	w.do(&hostedzone.UpdateCheck{ID: one, Change: func(c *hostedzone.CheckConfig) { c.Inverted = true }})
	expect("one inverted", map[string]string{"f": "192.0.2.1", "l": "192.0.2.1"})
	w.do(&hostedzone.DeleteCheck{ID: two})
	expect("two deleted", map[string]string{"l": "192.0.2.1", "g": "192.0.2.1"})
}

func TestCalculatedChecks(t *testing.T) {
	w := newFixture(t)
	one, two := w.check("one", hostedzone.CheckConfig{}), w.check("two", hostedzone.CheckConfig{})
	sum := w.check("sum", hostedzone.CheckConfig{Type: hostedzone.CheckCalculated, Children: []string{one, two}, HealthThreshold: 2})
	is := func(healthy bool) {
		t.Helper()
		if w.stored.HostedZones.Healthy(sum) != healthy || w.stored.Zones.Down(sum) == healthy {
			t.Errorf("healthy: %v, down: %v", w.stored.HostedZones.Healthy(sum), w.stored.Zones.Down(sum))
		}
	}
	is(true)
	w.verdict(one, health.Unhealthy)
	is(false)
	w.do(&hostedzone.UpdateCheck{ID: one, Change: func(c *hostedzone.CheckConfig) { c.Disabled = true }})
	is(true)
	if _, err := w.try(&hostedzone.CreateCheck{CallerReference: "x", Config: hostedzone.CheckConfig{Type: hostedzone.CheckCalculated, Children: []string{sum}}}); err == nil {
		t.Error("a calculated check is a child")
	}
	if _, err := w.try(&hostedzone.UpdateCheck{ID: one, Version: 9, Change: func(*hostedzone.CheckConfig) {}}); err == nil {
		t.Error("a wrong version was accepted")
	}
}

func TestVPCs(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", &hostedzone.VPC{ID: "vpc-1", Region: "eu-west-1"})
	two := hostedzone.VPC{ID: "vpc-2", Region: "eu-west-1"}
	sees := func(vpc string) bool {
		z, _ := w.stored.Zones.Zone(zone.ID(id))
		return z.Visible(&zone.View{VPCs: []string{vpc}})
	}
	code := func(c command.Command, want string) {
		t.Helper()
		if _, err := w.try(c); want != "" {
			if e, ok := errors.AsType[*hostedzone.Error](err); !ok || e.Code != want {
				t.Errorf("%T: %v", c, err)
			}
		} else if err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
	code(&hostedzone.Create{Name: "example.com", CallerReference: "x", VPC: &hostedzone.VPC{ID: "vpc-1"}}, hostedzone.ConflictingDomainExists)
	code(&hostedzone.Disassociate{Zone: id, VPC: hostedzone.VPC{ID: "vpc-1"}}, hostedzone.LastVPCAssociation)
	w.account = "222222222222"
	code(&hostedzone.Associate{Zone: id, VPC: two}, hostedzone.NotAuthorized)
	w.account = "111111111111"
	code(&hostedzone.Authorize{Zone: id, VPC: two}, "")
	w.account = "222222222222"
	code(&hostedzone.Associate{Zone: id, VPC: two}, "")
	if !sees("vpc-1") || !sees("vpc-2") || sees("vpc-3") {
		t.Error("the views are wrong")
	}
	w.account = "111111111111"
	code(&hostedzone.Unauthorize{Zone: id, VPC: two}, "")
	code(&hostedzone.Disassociate{Zone: id, VPC: two}, "")
	code(&hostedzone.Disassociate{Zone: id, VPC: two}, hostedzone.VPCAssociationNotFound)
	if sees("vpc-2") {
		t.Error("the VPC still sees the zone")
	}
	// The zone of a namespace gets a second VPC.
	w.do(&registry.CreateNamespace{Name: "ns.test", Type: registry.DNSPrivate, VPC: "vpc-1"})
	var ns *registry.Namespace
	for _, ns = range w.state.Registry.Namespaces(w.account, "") {
	}
	code(&hostedzone.Associate{Zone: hostedzone.ID(ns.HostedZoneID), VPC: two}, "")
	z, _ := w.stored.Zones.Zone(zone.ID(ns.ID))
	if !z.Visible(&zone.View{VPCs: []string{"vpc-2"}}) {
		t.Error("the second VPC does not see the namespace")
	}
	code(&hostedzone.Create{Name: "ns.test", CallerReference: "y", VPC: &two}, hostedzone.ConflictingDomainExists)
	w.do(&registry.DeleteNamespace{Ref: string(ns.ID)})
	if len(w.stored.HostedZones.Added(hostedzone.ID(ns.HostedZoneID))) != 0 {
		t.Error("the VPC is still there")
	}
}

func TestUpdates(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	rr := func(class uint16, text string) hostedzone.UpdateRecord {
		if f := strings.Fields(text); len(f) < 4 { // no data
			name, _ := hostedzone.ParseName(f[0])
			rtype, ok := rdata.Type(f[2])
			if !ok {
				rtype = dnswire.TypeANY
			}
			return hostedzone.UpdateRecord{Name: name, Type: rtype, Class: class}
		}
		s := set(text)
		data, err := rdata.Octal.Parse(s.Type, s.Values[0])
		if err != nil {
			t.Fatal(err)
		}
		r := hostedzone.UpdateRecord{Name: s.Name, Type: s.Type, Class: class, TTL: uint32(s.TTL), Data: data}
		if class != dnswire.ClassIN {
			r.TTL = 0
		}
		return r
	}
	const in, none, anyClass = dnswire.ClassIN, dnswire.ClassNONE, dnswire.ClassANY
	for _, test := range []struct {
		name          string
		prerequisites []hostedzone.UpdateRecord
		updates       []hostedzone.UpdateRecord
		rcode         uint16
		want          string // record sets beside SOA and NS
	}{
		{"add", nil, []hostedzone.UpdateRecord{rr(in, "a.example.com 60 A 192.0.2.1"), rr(in, "a.example.com 30 A 192.0.2.2")}, 0, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"not in the zone", nil, []hostedzone.UpdateRecord{rr(in, "a.example.org 60 A 192.0.2.1")}, dnswire.RcodeNotZone, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"name must exist", []hostedzone.UpdateRecord{rr(anyClass, "b.example.com 0 ANY")}, nil, dnswire.RcodeNXDomain, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"name must not exist", []hostedzone.UpdateRecord{rr(none, "a.example.com 0 ANY")}, nil, dnswire.RcodeYXDomain, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"RRset must not exist", []hostedzone.UpdateRecord{rr(none, "a.example.com 0 A")}, nil, dnswire.RcodeYXRRSet, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"RRset must exist", []hostedzone.UpdateRecord{rr(anyClass, "a.example.com 0 TXT")}, nil, dnswire.RcodeNXRRSet, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"values must exist", []hostedzone.UpdateRecord{rr(in, "a.example.com 0 A 192.0.2.1")}, nil, dnswire.RcodeNXRRSet, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"CNAME beside others", nil, []hostedzone.UpdateRecord{rr(in, "a.example.com 60 CNAME b.example")}, 0, "a.example.com. A  192.0.2.1|192.0.2.2"},
		{"delete one", nil, []hostedzone.UpdateRecord{rr(none, "a.example.com 0 A 192.0.2.1")}, 0, "a.example.com. A  192.0.2.2"},
		{"replace by a CNAME", nil, []hostedzone.UpdateRecord{rr(anyClass, "a.example.com 0 A"), rr(in, "a.example.com 60 CNAME b.example")}, 0, "a.example.com. CNAME  b.example."},
		{"delete a name", nil, []hostedzone.UpdateRecord{rr(anyClass, "a.example.com 0 ANY"), rr(anyClass, "example.com 0 ANY"), rr(anyClass, "example.com 0 NS")}, 0, ""},
	} {
		_, err := w.try(&hostedzone.DynamicUpdate{Zone: id, Prerequisites: test.prerequisites, Updates: test.updates})
		rcode := uint16(0)
		if e, ok := errors.AsType[*hostedzone.UpdateError](err); ok {
			rcode = e.Rcode
		} else if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.list(id)[2:], " "); rcode != test.rcode || got != test.want {
			t.Errorf("%s: %d %q", test.name, rcode, got)
		}
	}
}

// A state that is loaded from its records is the same, and so are its zones.
func TestReload(t *testing.T) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	check := w.check("one", hostedzone.CheckConfig{})
	s := weighted("w1", 1, set("w.example.com 60 A 192.0.2.1"))
	s.Check = check
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet, s, weighted("w2", 1, set("w.example.com 60 A 192.0.2.2")), set("*.example.com 60 TXT \"x\""))})
	w.verdict(check, health.Unhealthy)
	w.do(&hostedzone.ChangeTags{Kind: hostedzone.KindZone, ID: string(id), Add: []hostedzone.Tag{{Key: "a", Value: "b"}}})
	d := state.NewDraft(new(state.State))
	for stored := range w.state.All() {
		value, _ := stored.Change.Value([]byte{})
		c, err := state.Decode(stored.Change.Key(), value)
		if err != nil {
			t.Fatal(err)
		}
		d.Apply(stored.Revision, c)
	}
	want := w.list(id)
	w.stored = d.Finish()
	if got := w.list(id); !slices.Equal(got, want) || !w.stored.Zones.Down(check) || len(w.stored.HostedZones.Tags(hostedzone.KindZone, string(id))) != 1 {
		t.Errorf("%q", got)
	}
	if r, data := w.look("w.example.com", dnswire.TypeA); r.State != zone.Hit || len(data) != 1 || data[0] != "192.0.2.2" {
		t.Errorf("%v %q", r.State, data)
	}
}

// largeBatch returns changes of 1,000 record sets, of which each from has others.
func largeBatch(action hostedzone.Action, from int) []hostedzone.SetChange {
	var all []*hostedzone.RecordSet
	for i := range 1000 {
		all = append(all, set(fmt.Sprintf("n%d-%d.example.com 60 A 192.0.2.1", i%7, from+i)))
	}
	return changes(action, all...)
}

// largeZone is a fixture with 1,000 zones, of which one has 100,000 record sets.
func largeZone(b *testing.B) (*fixture, hostedzone.ID) {
	w := newFixture(b)
	draft := state.NewDraft(w.state)
	do := func(c command.Command) command.Reply {
		w.count++
		d, err := state.Decide(draft.State(), &w.rules, command.Meta{
			Account: w.account, Now: int64(w.count), Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.count)),
		}, c)
		if err != nil {
			b.Fatal(err)
		}
		draft.Apply(w.count, d.Changes...)
		return d.Reply
	}
	id := do(&hostedzone.Create{Name: "example.com", CallerReference: "large"}).Value.(*hostedzone.HostedZone).ID
	for i := range 999 {
		do(&hostedzone.Create{Name: fmt.Sprintf("z%d.example", i), CallerReference: fmt.Sprint(i)})
	}
	for i := range 100 {
		do(&hostedzone.ChangeSets{Zone: id, Changes: largeBatch(hostedzone.CreateSet, i*1000)})
	}
	w.state = draft.Finish()
	return w, id
}

func BenchmarkChangeBatch(b *testing.B) {
	w, id := largeZone(b)
	for b.Loop() {
		d, err := state.Decide(w.state, &w.rules, command.Meta{Account: w.account, Now: 1_000_000, Entropy: sha256.Sum256([]byte("x"))},
			&hostedzone.ChangeSets{Zone: id, Changes: largeBatch(hostedzone.CreateSet, 200_000)})
		if err != nil {
			b.Fatal(err)
		}
		state.Apply(w.state, w.count+1, d.Changes...)
	}
}

// BenchmarkPage reads 100 record sets from the beginning, the middle and the end of a zone.
func BenchmarkPage(b *testing.B) {
	w, id := largeZone(b)
	for _, start := range []string{"n0-0", "n3-50001", "n6-99"} {
		name, err := hostedzone.ParseName(start + ".example.com")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(start, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for range w.state.HostedZones.Sets(id).From(name, "", "") {
					if n++; n == 100 {
						break
					}
				}
				if n < 100 {
					b.Fatal(n)
				}
			}
		})
	}
}
