package hostedzone

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
)

// UpdateRecord is a record in a prerequisite or an update of RFC 2136. Name is in wire
// form and lower case, Data in wire form without compression.
type UpdateRecord struct {
	Name        string
	Type, Class uint16
	TTL         uint32
	Data        string
}

// Classes with a meaning of their own: RFC 2136 section 1.3.
const (
	classAny  = dnswire.ClassANY
	classNone = dnswire.ClassNONE
)

// UpdateError is the response code of an update that was refused: RFC 2136 section 2.2.
type UpdateError struct {
	Rcode   uint16
	Message string
}

func (e *UpdateError) Error() string { return e.Message }

func updateError(rcode uint16, message string) error { return &UpdateError{rcode, message} }

// DynamicUpdate changes the records of a zone as RFC 2136 says: if all prerequisites hold,
// all updates are made. Record sets with a routing policy and aliases are not changed by
// it: an update of one of them is refused. A refusal is an *UpdateError.
type DynamicUpdate struct {
	Zone          ID
	Prerequisites []UpdateRecord
	Updates       []UpdateRecord
}

// Decide implements command.Command.
func (c *DynamicUpdate) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	z, _, err := s.mine(m, c.Zone)
	if err != nil {
		return none, updateError(dnswire.RcodeNotAuth, err.Error())
	}
	u := update{zone: z, sets: s.Sets(z.ID), changed: map[setName]*RecordSet{}}
	if err := u.prerequisites(c.Prerequisites); err != nil {
		return none, err
	}
	for i := range c.Updates {
		if err := u.check(&c.Updates[i]); err != nil {
			return none, err
		}
	}
	for i := range c.Updates {
		if err := u.apply(&c.Updates[i]); err != nil {
			return none, err
		}
	}
	changes := u.changes()
	if len(changes) == 0 {
		return command.Decision{Reply: command.Reply{Unchanged: true}}, nil
	}
	d, err := (&ChangeSets{Zone: z.ID, Comment: "dynamic update", Changes: changes, Unlimited: true}).Decide(v, m)
	if err != nil {
		return none, updateError(dnswire.RcodeRefused, err.Error())
	}
	return d, nil
}

// setName is a name and a type.
type setName struct {
	name  string
	rtype uint16
}

// update is the working copy of the simple record sets that an update changes.
type update struct {
	zone    *HostedZone
	sets    Sets
	changed map[setName]*RecordSet // nil or without data: deleted
	order   []setName
}

// get returns the simple record set of a name and type, or nil. It is an error if there
// are others.
func (u *update) get(name string, rtype uint16) (*RecordSet, error) {
	key := setName{name, rtype}
	if s, ok := u.changed[key]; ok {
		return s, nil
	}
	for s := range u.sets.Group(name, rtype) {
		if s.SetID != "" || s.Alias != nil {
			return nil, updateError(dnswire.RcodeRefused, "record set "+s.brackets()+" has a routing policy or is an alias")
		}
		return s, nil
	}
	return nil, nil
}

func (u *update) put(name string, rtype uint16, s *RecordSet) {
	key := setName{name, rtype}
	if _, ok := u.changed[key]; !ok {
		u.order = append(u.order, key)
	}
	u.changed[key] = s
}

// types returns the types that a name has.
func (u *update) types(name string) []uint16 {
	var types []uint16
	for s := range u.sets.at(name) {
		if _, ok := u.changed[setName{name, s.Type}]; !ok && !slices.Contains(types, s.Type) {
			types = append(types, s.Type)
		}
	}
	for key, s := range u.changed {
		if key.name == name && s != nil && len(s.data) > 0 {
			types = append(types, key.rtype)
		}
	}
	return types
}

// prerequisites checks those of an update: RFC 2136 section 3.2.
func (u *update) prerequisites(all []UpdateRecord) error {
	wanted := map[setName][]string{}
	for i := range all {
		p := &all[i]
		if !in(p.Name, u.zone.Apex) {
			return updateError(dnswire.RcodeNotZone, "a prerequisite is not in the zone")
		}
		if p.TTL != 0 || p.Class != dnswire.ClassIN && p.Data != "" {
			return updateError(dnswire.RcodeFormErr, "a prerequisite has a TTL or data")
		}
		types := u.types(p.Name)
		exists := slices.Contains(types, p.Type)
		if p.Type == dnswire.TypeANY {
			exists = len(types) > 0
		}
		switch {
		case p.Class == classAny && !exists && p.Type == dnswire.TypeANY:
			return updateError(dnswire.RcodeNXDomain, "a name that must exist does not")
		case p.Class == classAny && !exists:
			return updateError(dnswire.RcodeNXRRSet, "an RRset that must exist does not")
		case p.Class == classNone && exists && p.Type == dnswire.TypeANY:
			return updateError(dnswire.RcodeYXDomain, "a name that must not exist does")
		case p.Class == classNone && exists:
			return updateError(dnswire.RcodeYXRRSet, "an RRset that must not exist does")
		case p.Class == dnswire.ClassIN:
			key := setName{p.Name, p.Type}
			wanted[key] = append(wanted[key], rdata.Canonical(p.Type, p.Data))
		case p.Class != classAny && p.Class != classNone:
			return updateError(dnswire.RcodeFormErr, "a prerequisite has another class")
		}
	}
	for key, data := range wanted {
		s, err := u.get(key.name, key.rtype)
		if err != nil {
			return err
		}
		slices.Sort(data)
		if s == nil || !slices.Equal(slices.Compact(data), canonical(s.Type, s.data)) {
			return updateError(dnswire.RcodeNXRRSet, "an RRset that must exist is another one")
		}
	}
	return nil
}

// check is the prescan: RFC 2136 section 3.4.1.
func (u *update) check(r *UpdateRecord) error {
	if !in(r.Name, u.zone.Apex) {
		return updateError(dnswire.RcodeNotZone, "an update is not in the zone")
	}
	meta := r.Type >= dnswire.TypeTKEY && r.Type <= dnswire.TypeANY || r.Type == dnswire.TypeOPT
	ok := false
	switch r.Class {
	case dnswire.ClassIN:
		ok = !meta
	case classAny:
		ok = r.TTL == 0 && r.Data == "" && (!meta || r.Type == dnswire.TypeANY)
	case classNone:
		ok = r.TTL == 0 && !meta && (r.Data != "" || !rdata.Supported(r.Type)) // every supported type has data
	}
	if !ok {
		return updateError(dnswire.RcodeFormErr, "an update has a class, type or TTL that is not valid")
	}
	if r.Class == dnswire.ClassIN && !rdata.Supported(r.Type) {
		return updateError(dnswire.RcodeRefused, "records of type "+rdata.TypeName(r.Type)+" are not supported")
	}
	return nil
}

// apply makes one update: RFC 2136 section 3.4.2.
func (u *update) apply(r *UpdateRecord) error {
	switch r.Class {
	case dnswire.ClassIN:
		return u.add(r)
	case classAny:
		return u.deleteSets(r)
	}
	return u.deleteRecord(r)
}

func (u *update) add(r *UpdateRecord) error {
	for _, t := range u.types(r.Name) {
		// A CNAME record is alone at its name: the update is ignored.
		if t != r.Type && (t == dnswire.TypeCNAME || r.Type == dnswire.TypeCNAME) {
			return nil
		}
	}
	old, err := u.get(r.Name, r.Type)
	if err != nil {
		return err
	}
	next := &RecordSet{Name: r.Name, Type: r.Type, TTL: int64(r.TTL)}
	switch {
	case r.Type == dnswire.TypeSOA:
		// The serial is that of the server, so it cannot be compared: the record is ignored
		// elsewhere than at the apex, and is replaced there.
		if r.Name != u.zone.Apex {
			return nil
		}
	case old != nil && r.Type != dnswire.TypeCNAME:
		for i, data := range old.data {
			if rdata.Canonical(r.Type, data) != rdata.Canonical(r.Type, r.Data) {
				next.data, next.Values = append(next.data, data), append(next.Values, old.Values[i])
			}
		}
	}
	next.data, next.Values = append(next.data, r.Data), append(next.Values, rdata.Octal.Text(r.Type, r.Data))
	u.put(r.Name, r.Type, next)
	return nil
}

// kept reports whether updates must not delete an RRset: RFC 2136 section 3.4.2.3.
func (u *update) kept(name string, rtype uint16) bool {
	return name == u.zone.Apex && (rtype == dnswire.TypeSOA || rtype == dnswire.TypeNS)
}

func (u *update) deleteSets(r *UpdateRecord) error {
	types := []uint16{r.Type}
	if r.Type == dnswire.TypeANY {
		types = u.types(r.Name)
	}
	for _, t := range types {
		if u.kept(r.Name, t) {
			continue
		}
		s, err := u.get(r.Name, t)
		if err != nil {
			return err
		}
		if s != nil {
			u.put(r.Name, t, nil)
		}
	}
	return nil
}

func (u *update) deleteRecord(r *UpdateRecord) error {
	old, err := u.get(r.Name, r.Type)
	if err != nil || old == nil {
		return err
	}
	next := &RecordSet{Name: r.Name, Type: r.Type, TTL: old.TTL}
	for i, data := range old.data {
		if rdata.Canonical(r.Type, data) != rdata.Canonical(r.Type, r.Data) {
			next.data, next.Values = append(next.data, data), append(next.Values, old.Values[i])
		}
	}
	if u.kept(r.Name, r.Type) && len(next.data) == 0 {
		return nil
	}
	u.put(r.Name, r.Type, next)
	return nil
}

// changes returns what has changed in the form of a batch, deletions first.
func (u *update) changes() []SetChange {
	var deleted, stored []SetChange
	for _, key := range u.order {
		s := u.changed[key]
		old, exists := u.sets.Get(key.name, key.rtype, "")
		switch {
		case s == nil || len(s.data) == 0:
			if exists {
				deleted = append(deleted, SetChange{DeleteSet, old})
			}
		case !exists || !old.same(s):
			stored = append(stored, SetChange{UpsertSet, s})
		}
	}
	return append(deleted, stored...)
}
