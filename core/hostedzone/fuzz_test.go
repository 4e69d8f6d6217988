package hostedzone_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/state"
)

// fuzzWorld is a zone with a few record sets of each kind.
func fuzzWorld(t testing.TB) (*fixture, hostedzone.ID) {
	w := newFixture(t)
	id := w.zone("example.com", nil)
	w.do(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.CreateSet,
		set("a.example.com 60 A 192.0.2.1|192.0.2.2"), set("c.example.com 60 CNAME a.example.com"), set("m.example.com 60 MX 10 a.example.com"),
		set("*.example.com 60 TXT \"x\""), set("s.example.com 60 SRV 1 1 1 a.example.com"), set("v.example.com 60 SVCB 1 . port=1"),
		weighted("one", 1, set("g.example.com 60 A 192.0.2.1")), alias(set("l.example.com 0 A x"), id, "a.example.com", true))})
	return w, id
}

// whole checks what every change must leave in order.
func (w *fixture) whole(id hostedzone.ID) {
	w.Helper()
	z, _ := w.stored.HostedZones.Zone(id)
	count, types := 0, map[string][]uint16{}
	for s := range w.stored.HostedZones.Sets(id).From("", "", "") {
		count++
		if !slices.Contains(types[s.Name], s.Type) {
			types[s.Name] = append(types[s.Name], s.Type)
		}
		if s.Alias == nil && len(s.Data()) == 0 {
			w.Fatalf("%s %s has no values", s.Text(), s.TypeName())
		}
		for i, data := range s.Data() {
			if again, err := rdata.Octal.Parse(s.Type, s.Values[i]); err != nil || again != data {
				w.Fatalf("%s %s: %q is %q: %v", s.Text(), s.TypeName(), s.Values[i], data, err)
			}
		}
	}
	for name, all := range types {
		if len(all) > 1 && slices.Contains(all, dnswire.TypeCNAME) {
			w.Fatalf("%q has a CNAME record and others: %v", name, all)
		}
	}
	if apex := types[z.Apex]; !slices.Contains(apex, dnswire.TypeSOA) || !slices.Contains(apex, dnswire.TypeNS) || z.Records != count {
		w.Fatalf("apex %v, %d record sets of %d", apex, z.Records, count)
	}
}

// fuzzBytes gives out the octets of an input.
type fuzzBytes []byte

func (b *fuzzBytes) next() byte {
	if len(*b) == 0 {
		return 0
	}
	c := (*b)[0]
	*b = (*b)[1:]
	return c
}

func (b *fuzzBytes) take(n int) string {
	n = min(n, len(*b))
	s := string((*b)[:n])
	*b = (*b)[n:]
	return s
}

var fuzzNames = []string{"example.com", "a.example.com", "c.example.com", "m.example.com", "*.example.com", "g.example.com", "l.example.com", "new.a.example.com", "s.example.com", "v.example.com", "example.org"}

var fuzzTypes = []uint16{
	dnswire.TypeA, dnswire.TypeAAAA, dnswire.TypeCAA, dnswire.TypeCNAME, dnswire.TypeDS, dnswire.TypeHTTPS, dnswire.TypeMX, dnswire.TypeNAPTR, dnswire.TypeNS,
	dnswire.TypePTR, dnswire.TypeSOA, dnswire.TypeSPF, dnswire.TypeSRV, dnswire.TypeSSHFP, dnswire.TypeSVCB, dnswire.TypeTLSA, dnswire.TypeTXT, dnswire.TypeANY, 99, 65280,
}

func (b *fuzzBytes) record() hostedzone.UpdateRecord {
	name, _ := hostedzone.ParseName(fuzzNames[int(b.next())%len(fuzzNames)])
	r := hostedzone.UpdateRecord{
		Name: name, Type: fuzzTypes[int(b.next())%len(fuzzTypes)], Class: []uint16{dnswire.ClassIN, dnswire.ClassANY, dnswire.ClassNONE, 3}[b.next()%4],
	}
	if c := b.next(); c >= 128 {
		r.TTL = uint32(c)
	}
	r.Data = b.take(int(b.next()) % 40)
	if text := rdata.Octal.Text(r.Type, r.Data); r.Data != "" && rdata.Supported(r.Type) {
		if again, err := rdata.Octal.Parse(r.Type, text); err != nil || again != r.Data {
			r.Data = "" // the server passes on no other data, but may pass on none
		}
	}
	return r
}

// An update changes the zone as a whole, or not at all. Every refusal has a response code.
func FuzzUpdate(f *testing.F) {
	w, id := fuzzWorld(f)
	start := *w
	f.Add([]byte{1, 3, 6, 2, 0, 0})
	f.Add([]byte{2, 1, 0, 1, 0, 0, 1, 0, 0, 200, 4, 192, 0, 2, 7})
	f.Add([]byte{1, 0, 10, 0, 200, 25, 1, 'a', 0, 1, 'b', 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		w := start
		w.TB = t
		b := fuzzBytes(in)
		c := &hostedzone.DynamicUpdate{Zone: id}
		for range b.next() % 4 {
			c.Updates = append(c.Updates, b.record())
		}
		for range b.next() % 3 {
			c.Prerequisites = append(c.Prerequisites, b.record())
		}
		before := w.stored
		if _, err := w.try(c); err != nil {
			if _, ok := errors.AsType[*hostedzone.UpdateError](err); !ok || w.stored != before {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		w.whole(id)
	})
}

// A batch that is accepted leaves a valid zone, and its record sets are the same when they
// are read from the store.
func FuzzBatch(f *testing.F) {
	w, id := fuzzWorld(f)
	start := *w
	f.Add("UPSERT", uint8(1), uint8(16), `"x" "y"`, "", int64(60), uint8(0))
	f.Add("DELETE", uint8(2), uint8(3), "A.example.com.", "", int64(60), uint8(0))
	f.Add("CREATE", uint8(5), uint8(0), "192.0.2.2\n192.0.2.3", "two", int64(60), uint8(1))
	f.Fuzz(func(t *testing.T, action string, name, rtype uint8, values, setID string, ttl int64, policy uint8) {
		w := start
		w.TB = t
		wire, _ := hostedzone.ParseName(fuzzNames[int(name)%len(fuzzNames)])
		s := &hostedzone.RecordSet{Name: wire, Type: fuzzTypes[int(rtype)%17], TTL: ttl, SetID: setID}
		if strings.ContainsRune(setID, 0) {
			return // XML has no such character
		}
		switch policy % 5 {
		case 1:
			s.Weight = new(int64(policy))
		case 2:
			s.MultiValue = new(policy >= 128)
		case 3:
			s.Failover = hostedzone.Primary
		case 4:
			s.Alias = &hostedzone.Alias{Zone: id, Name: wire}
			values = ""
		}
		if values != "" {
			s.Values = strings.Split(values, "\n")
		} else if s.Alias == nil {
			return // the API refuses it before
		}
		if a := hostedzone.Action(action); a != hostedzone.CreateSet && a != hostedzone.DeleteSet && a != hostedzone.UpsertSet {
			return
		}
		if _, err := w.try(&hostedzone.ChangeSets{Zone: id, Changes: changes(hostedzone.Action(action), s)}); err != nil {
			if _, ok := errors.AsType[*hostedzone.Error](err); !ok {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		w.whole(id)
	})
}

// Whatever a store holds, it is applied or refused.
func FuzzDecode(f *testing.F) {
	w, _ := fuzzWorld(f)
	for stored := range w.state.All() {
		value, _ := stored.Change.Value(nil)
		f.Add(stored.Change.Key(), value)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		c, err := state.Decode(key, value)
		if err != nil {
			return
		}
		if c.Key() != key {
			t.Errorf("key %q became %q", key, c.Key())
		}
		next := state.Apply(w.state, w.state.Revision+1, c)
		for range next.All() {
		}
	})
}
