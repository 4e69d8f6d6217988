package route53

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/core/zonefile"
)

// plan is what an import is going to do.
type plan struct {
	creates, updates, deletes []change
	unchanged                 int
	notes                     []string
}

// setKey identifies a simple record set.
type setKey struct{ name, rtype string }

// recordData is the data of a record, and which of the record sets has it.
type recordData struct {
	set  int
	data string
}

// maxOutside is how many records that are not in the zone are reported.
const maxOutside = 50

// wanted joins the records of a file to record sets, in the order of the file. Records of
// one name and type with different TTLs get the smallest (RFC 2181 section 5.2).
func wanted(records []zonefile.Record, apex string) (sets []recordSet, notes []string, errs []*zonefile.Error) {
	index, seen := map[setKey]int{}, map[recordData]bool{}
	for i := range records {
		r := &records[i]
		if !dnswire.IsSubdomain(r.Name, apex) {
			if len(errs) < maxOutside {
				errs = append(errs, &zonefile.Error{File: r.File, Line: r.Line, Text: rdata.Decimal.Name(r.Name) + " is not in the zone"})
			}
			continue
		}
		if r.Name == apex && (r.Type == dnswire.TypeSOA || r.Type == dnswire.TypeNS) {
			notes = append(notes, fmt.Sprintf("line %d: the %s record of the zone itself is left as it is", r.Line, rdata.TypeName(r.Type)))
			continue
		}
		key := setKey{rdata.Octal.Name(r.Name), rdata.TypeName(r.Type)}
		at, ok := index[key]
		if !ok {
			at = len(sets)
			index[key] = at
			sets = append(sets, recordSet{Name: key.name, Type: key.rtype, TTL: new(int64(r.TTL))})
		}
		set, value := &sets[at], recordData{at, r.Data}
		if !seen[value] {
			seen[value] = true
			set.Values = append(set.Values, rdata.Octal.Text(r.Type, r.Data))
		}
		*set.TTL = min(*set.TTL, int64(r.TTL))
	}
	return sets, notes, errs
}

// newPlan compares record sets with those that the zone has. With prune, what the file does
// not have is deleted.
func newPlan(want, have []recordSet, apex string, prune bool) *plan {
	p := &plan{}
	existing := map[setKey]*recordSet{}
	special := map[setKey]bool{}
	for i := range have {
		key := setKey{have[i].Name, have[i].Type}
		if have[i].SetIdentifier != "" || have[i].Alias != nil {
			special[key] = true
			continue
		}
		existing[key] = &have[i]
	}
	for _, set := range want {
		key := setKey{set.Name, set.Type}
		old := existing[key]
		delete(existing, key)
		switch {
		case special[key]:
			p.notes = append(p.notes, fmt.Sprintf("%s %s has a routing policy or is an alias in the zone: it is left as it is", set.Name, set.Type))
		case old == nil:
			p.creates = append(p.creates, change{"CREATE", set})
		case old.same(&set):
			p.unchanged++
		default:
			p.updates = append(p.updates, change{"UPSERT", set})
		}
	}
	if !prune {
		return p
	}
	for i := range have {
		set := &have[i]
		if existing[setKey{set.Name, set.Type}] != set || set.Name == apex && (set.Type == "SOA" || set.Type == "NS") {
			continue
		}
		p.deletes = append(p.deletes, change{"DELETE", *set})
	}
	return p
}

// same reports whether two record sets have the same records.
func (s *recordSet) same(other *recordSet) bool {
	return *s.TTL == *other.TTL && slices.Equal(s.canonical(), other.canonical())
}

func (s *recordSet) canonical() []string {
	t, _ := rdata.Type(s.Type)
	var all []string
	for _, v := range s.Values {
		if data, err := rdata.Octal.Parse(t, v); err == nil {
			v = rdata.Canonical(t, data)
		}
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}

// changes returns all changes: deletions first, so that a CNAME record can take a name.
func (p *plan) changes() []change { return slices.Concat(p.deletes, p.updates, p.creates) }

// maxShown is how many changes of each kind a plan shows.
const maxShown = 20

// print writes the plan.
func (p *plan) print(w io.Writer) {
	for _, note := range p.notes {
		fmt.Fprintln(w, "note:", note)
	}
	for _, kind := range []struct {
		sign    string
		changes []change
	}{{"-", p.deletes}, {"~", p.updates}, {"+", p.creates}} {
		for i, c := range kind.changes {
			if i == maxShown {
				fmt.Fprintf(w, "%s … and %d more\n", kind.sign, len(kind.changes)-maxShown)
				break
			}
			fmt.Fprintf(w, "%s %s %d %s %s\n", kind.sign, c.Set.Name, *c.Set.TTL, c.Set.Type, strings.Join(c.Set.Values, ", "))
		}
	}
	fmt.Fprintf(w, "%d record sets to create, %d to change, %d to delete, %d unchanged\n", len(p.creates), len(p.updates), len(p.deletes), p.unchanged)
}

// Limits of a batch of the API, in which an UPSERT counts twice.
const (
	maxRecords = 1000
	maxChars   = 32_000
)

// firstBatch returns the first changes that are within the limits: at least one.
func firstBatch(changes []change) []change {
	records, chars := 0, 0
	for i, c := range changes {
		times := 1
		if c.Action == "UPSERT" {
			times = 2
		}
		records += times * len(c.Set.Values)
		for _, v := range c.Set.Values {
			chars += times * utf8.RuneCountInString(v)
		}
		if i > 0 && (records > maxRecords || chars > maxChars) {
			return changes[:i]
		}
	}
	return changes
}
