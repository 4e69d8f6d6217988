package task

import (
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

// Draft builds the State that follows another one. It is for one goroutine.
type Draft struct {
	*table.Draft[State]
	observer Observer // may be nil
}

// NewDraft returns a Draft that starts from s, which is not changed.
func NewDraft(s *State) *Draft {
	d := &Draft{Draft: table.NewDraft(s)}
	d.OnChange(d.index)
	return d
}

// The kinds of records; DESIGN.md has their keys.
var (
	settings = newKind("ta/", func(s *State) *table.Map[*Setting] { return &s.settings }, (*Setting).name, func(p parts) *Setting {
		return &Setting{Account: p.account(), Name: p.at(1), Principal: p.from(2)}
	})
	clusters = newKind("tc/", func(s *State) *table.Map[*Cluster] { return &s.clusters }, (*Cluster).name, func(p parts) *Cluster {
		return &Cluster{Account: p.account(), Name: p.at(1)}
	})
	definitions = newKind("td/", func(s *State) *table.Map[*Definition] { return &s.definitions }, (*Definition).name, func(p parts) *Definition {
		return &Definition{Account: p.account(), Family: p.at(1), Revision: int(p.number(2))}
	})
	eventLists = newKind("te/", func(s *State) *table.Map[*Event] { return &s.events }, (*Event).name, func(p parts) *Event {
		return &Event{Account: p.account(), Cluster: p.at(1), Service: p.at(2), Number: p.number(3)}
	})
	families = newKind("tf/", func(s *State) *table.Map[*Family] { return &s.families }, (*Family).name, func(p parts) *Family {
		return &Family{Account: p.account(), Name: p.at(1)}
	})
	instances = newKind("ti/", func(s *State) *table.Map[*ContainerInstance] { return &s.instances }, (*ContainerInstance).name, func(p parts) *ContainerInstance {
		return &ContainerInstance{Account: p.account(), Cluster: p.at(1), ID: p.at(2)}
	})
	providers = newKind("tk/", func(s *State) *table.Map[*CapacityProvider] { return &s.providers }, (*CapacityProvider).name, func(p parts) *CapacityProvider {
		return &CapacityProvider{Account: p.account(), Name: p.at(1)}
	})
	nodes = newKind("tn/", func(s *State) *table.Map[*Node] { return &s.nodes }, (*Node).name, func(p parts) *Node {
		return &Node{Name: p.from(0)}
	})
	deployments = newKind("tp/", func(s *State) *table.Map[*ServiceDeployment] { return &s.deployments }, (*ServiceDeployment).name, func(p parts) *ServiceDeployment {
		return &ServiceDeployment{Account: p.account(), Cluster: p.at(1), Service: p.at(2), ID: p.at(3)}
	})
	services = newKind("ts/", func(s *State) *table.Map[*Service] { return &s.services }, (*Service).name, func(p parts) *Service {
		return &Service{Account: p.account(), Cluster: p.at(1), Name: p.at(2)}
	})
	tasks = newKind("tt/", func(s *State) *table.Map[*Task] { return &s.tasks }, (*Task).name, func(p parts) *Task {
		return &Task{Account: p.account(), Cluster: p.at(1), ID: p.at(2)}
	})
	revisions = newKind("tv/", func(s *State) *table.Map[*ServiceRevision] { return &s.revisions }, (*ServiceRevision).name, func(p parts) *ServiceRevision {
		return &ServiceRevision{Account: p.account(), Cluster: p.at(1), Service: p.at(2), Number: p.at(3)}
	})
)

// kind is one kind of record.
type kind[T entity] = table.Kind[State, T]

func newKind[T entity](prefix string, in func(*State) *table.Map[T], name func(T) string, newRecord func(parts) T) *kind[T] {
	return &kind[T]{
		Prefix: prefix, In: in, Name: name,
		New:    func(name string) T { return newRecord(strings.Split(name, "/")) },
		Encode: func(e T, b []byte) []byte { return encode(b, e) },
		Decode: func(e T, value []byte) error { return decode(value, e) },
	}
}

// parts are the parts of the name of a record in a store.
type parts []string

// from returns the parts from the i-th on as one text.
func (p parts) from(i int) string { return strings.Join(p[min(i, len(p)):], "/") }

// at returns a part, or "" if there are fewer.
func (p parts) at(i int) string {
	if i < len(p) {
		return p[i]
	}
	return ""
}

func (p parts) account() command.AccountID { return command.AccountID(p.at(0)) }

// number returns a part that is a number, or 0.
func (p parts) number(i int) int64 {
	n, _ := strconv.ParseInt(p.at(i), 10, 64)
	return n
}
