package state

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/guard"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	hostedrecords "github.com/cairn-discovery/cairn/core/hostedzone/records"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/registry/records"
	"github.com/cairn-discovery/cairn/core/task"
	taskrecords "github.com/cairn-discovery/cairn/core/task/records"
	"github.com/cairn-discovery/cairn/core/zone"
)

// table lists all slices, in the order in which All yields them. To
// add a slice: its package, its fields in State and Rules, and a line here.
var table = [...]slice{
	newSlice(registry.Slice{}, registry.NewDraft, func(s *State) *registry.State { return &s.Registry }, func(r *Rules) any { return &r.Registry }, feedRegistry),
	newSlice(identity.Slice(), identity.NewDraft, func(s *State) *identity.State { return &s.Identity }, func(r *Rules) any { return &r.Identity }, nil),
	newSlice(task.Slice(), task.NewDraft, func(s *State) *task.State { return &s.Task }, func(r *Rules) any { return &r.Task }, feedTasks),
	newSlice(member.Slice{}, member.NewDraft, func(s *State) *member.State { return &s.Member }, nil, nil),
	newSlice(hostedzone.Slice{}, hostedzone.NewDraft, func(s *State) *hostedzone.State { return &s.HostedZones }, func(r *Rules) any { return &r.HostedZones }, feedHostedZones),
	newSlice(guard.Slice(), guard.NewDraft, func(s *State) *guard.State { return &s.guards }, nil, nil),
	newSlice(probe.Slice(), probe.NewDraft, func(s *State) *probe.State { return &s.Probe }, nil, nil),
	newSlice(mesh.Slice(), mesh.NewDraft, func(s *State) *mesh.State { return &s.Mesh }, func(r *Rules) any { return &r.Mesh }, nil),
}

// feedRegistry makes a draft of the registry feed the zones.
func feedRegistry(d *registry.Draft, zones *zone.Draft) { d.Observe(records.NewFeeder(zones)) }

// feedTasks makes a draft of tasks feed the zones.
func feedTasks(d *task.Draft, zones *zone.Draft) { d.Observe(taskrecords.NewFeeder(d, zones)) }

// feedHostedZones makes a draft of hosted zones feed the zones.
func feedHostedZones(d *hostedzone.Draft, zones *zone.Draft) {
	d.Observe(hostedrecords.NewFeeder(d, zones))
}

// slice is one row of the table: a command.Slice without its type parameter.
type slice struct {
	name     string
	prefixes []string
	quotas   []*command.Quota
	decode   func(key string, value []byte) (command.Change, error)
	owns     func(command.Change) bool
	all      func(*State) iter.Seq[command.Stored]
	has      func(s *State, key string) bool
	state    func(*State) any
	rules    func(*Rules) any
	// newDraft returns a draft that starts from the slice's state in a State. It feeds
	// the zones if the slice does.
	newDraft func(s *State, zones *zone.Draft) command.Draft
	feeds    bool
	// store copies the state of a draft of newDraft into s.
	store func(draft command.Draft, s *State)
}

// stateDraft is what the draft of every slice has.
type stateDraft[S any] interface {
	command.Draft
	State() *S
}

// newSlice makes a row. The field function returns the slice's place in a State, rules
// its place in the Rules; it is nil for a slice without rules. The feed function makes a
// draft feed the zones of the DNS; it is nil for a slice that has no names.
func newSlice[S any, D stateDraft[S]](s command.Slice[S], newDraft func(*S) D, field func(*State) *S, rules func(*Rules) any, feed func(D, *zone.Draft)) slice {
	if rules == nil {
		rules = func(*Rules) any { return nil }
	}
	return slice{
		name: s.Name(), prefixes: s.Prefixes(), quotas: s.Quotas(), decode: s.Decode, owns: s.Owns, rules: rules, feeds: feed != nil,
		all:   func(all *State) iter.Seq[command.Stored] { return s.All(field(all)) },
		has:   func(all *State, key string) bool { return s.Has(field(all), key) },
		state: func(all *State) any { return field(all) },
		newDraft: func(all *State, zones *zone.Draft) command.Draft {
			d := newDraft(field(all))
			if feed != nil {
				feed(d, zones)
			}
			return d
		},
		store: func(d command.Draft, to *State) { *field(to) = *d.(D).State() },
	}
}

// hasKey reports whether a key of the store belongs to the slice.
func (s *slice) hasKey(key string) bool {
	for _, prefix := range s.prefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// Prefixes returns the prefixes of the keys of all records, which are the kinds of
// records that this version knows.
func Prefixes() []string {
	var all []string
	for i := range table {
		all = append(all, table[i].prefixes...)
	}
	return all
}
