package task

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// change is one step from a State to the next.
type change interface {
	command.Change
	apply(d *Draft)
}

// Draft builds the State that follows another one. It is for one goroutine; the State
// that it starts from is not changed.
type Draft struct {
	state    State
	token    *ptree.Owner
	observer Observer // may be nil
}

// NewDraft returns a Draft that starts from s.
func NewDraft(s *State) *Draft { return &Draft{state: *s, token: new(ptree.Owner)} }

// Apply implements command.Draft.
func (d *Draft) Apply(_ uint64, c command.Change) bool {
	own, ok := c.(change)
	if ok {
		own.apply(d)
	}
	return ok
}

// State returns the state with the changes applied so far. It is valid until the
// next Apply.
func (d *Draft) State() *State { return &d.state }

// Finish returns the State and ends the draft.
func (d *Draft) Finish() *State {
	s := d.state
	d.token = nil
	return &s
}

// Prefixes of the keys of the store; see DESIGN.md.
const (
	settingPrefix    = "ta/"
	clusterPrefix    = "tc/"
	definitionPrefix = "td/"
	eventsPrefix     = "te/"
	familyPrefix     = "tf/"
	instancePrefix   = "ti/"
	providerPrefix   = "tk/"
	nodePrefix       = "tn/"
	deploymentPrefix = "tp/"
	servicePrefix    = "ts/"
	taskPrefix       = "tt/"
	revisionPrefix   = "tv/"
)

// kind is one kind of record: its prefix and its table.
type kind[T entity] struct {
	prefix string
	table  func(*State) *table[T]
}

var (
	settings    = kind[*Setting]{settingPrefix, func(s *State) *table[*Setting] { return &s.settings }}
	clusters    = kind[*Cluster]{clusterPrefix, func(s *State) *table[*Cluster] { return &s.clusters }}
	definitions = kind[*Definition]{definitionPrefix, func(s *State) *table[*Definition] { return &s.definitions }}
	eventLists  = kind[*Event]{eventsPrefix, func(s *State) *table[*Event] { return &s.events }}
	families    = kind[*Family]{familyPrefix, func(s *State) *table[*Family] { return &s.families }}
	instances   = kind[*ContainerInstance]{instancePrefix, func(s *State) *table[*ContainerInstance] { return &s.instances }}
	providers   = kind[*CapacityProvider]{providerPrefix, func(s *State) *table[*CapacityProvider] { return &s.providers }}
	nodes       = kind[*Node]{nodePrefix, func(s *State) *table[*Node] { return &s.nodes }}
	deployments = kind[*ServiceDeployment]{deploymentPrefix, func(s *State) *table[*ServiceDeployment] { return &s.deployments }}
	services    = kind[*Service]{servicePrefix, func(s *State) *table[*Service] { return &s.services }}
	tasks       = kind[*Task]{taskPrefix, func(s *State) *table[*Task] { return &s.tasks }}
	revisions   = kind[*ServiceRevision]{revisionPrefix, func(s *State) *table[*ServiceRevision] { return &s.revisions }}
)

// put returns the change that stores an entity.
func (k kind[T]) put(e T) command.Change { return put[T]{e, k} }

// remove returns the change that deletes an entity.
func (k kind[T]) remove(e T) command.Change { return remove[T]{e.name(), k} }

// read returns the key of an entity as one that a decision rests on.
func (k kind[T]) read(e T, exists bool) command.Read {
	return command.Read{Key: k.prefix + e.name(), Exists: exists}
}

type put[T entity] struct {
	entity T
	kind   kind[T]
}

func (c put[T]) Key() string                   { return c.kind.prefix + c.entity.name() }
func (c put[T]) Value(b []byte) ([]byte, bool) { return encode(b, c.entity), true }
func (c put[T]) apply(d *Draft) {
	t, name := c.kind.table(&d.state), c.entity.name()
	old, _ := t.Get(name)
	*t = t.Put(d.token, name, c.entity)
	d.index(old, c.entity)
}

type remove[T entity] struct {
	name string
	kind kind[T]
}

func (c remove[T]) Key() string                   { return c.kind.prefix + c.name }
func (c remove[T]) Value(b []byte) ([]byte, bool) { return b, false }
func (c remove[T]) apply(d *Draft) {
	t := c.kind.table(&d.state)
	if old, ok := t.Get(c.name); ok {
		*t = t.Delete(d.token, c.name)
		var none T
		d.index(old, none)
	}
}

// Decode implements command.Slice.
func (Slice) Decode(key string, value []byte) (command.Change, error) {
	prefix, name, _ := strings.Cut(key, "/")
	parts := strings.Split(name, "/")
	account := command.AccountID(parts[0])
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch prefix + "/" {
	case settingPrefix:
		_, rest, _ := strings.Cut(name, "/")
		setting, principal, _ := strings.Cut(rest, "/")
		return decodeAs(settings, key, value, &Setting{Account: account, Name: setting, Principal: principal})
	case clusterPrefix:
		return decodeAs(clusters, key, value, &Cluster{Account: account, Name: at(1)})
	case definitionPrefix:
		revision, _ := strconv.Atoi(at(2))
		return decodeAs(definitions, key, value, &Definition{Account: account, Family: at(1), Revision: revision})
	case familyPrefix:
		return decodeAs(families, key, value, &Family{Account: account, Name: at(1)})
	case eventsPrefix:
		return decodeAs(eventLists, key, value, &Event{Account: account, Cluster: at(1), Service: at(2), Number: parseEventNumber(at(3))})
	case servicePrefix:
		return decodeAs(services, key, value, &Service{Account: account, Cluster: at(1), Name: at(2)})
	case revisionPrefix:
		return decodeAs(revisions, key, value, &ServiceRevision{Account: account, Cluster: at(1), Service: at(2), Number: at(3)})
	case deploymentPrefix:
		return decodeAs(deployments, key, value, &ServiceDeployment{Account: account, Cluster: at(1), Service: at(2), ID: at(3)})
	case taskPrefix:
		return decodeAs(tasks, key, value, &Task{Account: account, Cluster: at(1), ID: at(2)})
	case instancePrefix:
		return decodeAs(instances, key, value, &ContainerInstance{Account: account, Cluster: at(1), ID: at(2)})
	case nodePrefix:
		return decodeAs(nodes, key, value, &Node{Name: name})
	case providerPrefix:
		return decodeAs(providers, key, value, &CapacityProvider{Account: account, Name: at(1)})
	}
	return nil, fmt.Errorf("key %q is not one of ECS", key)
}

func decodeAs[T entity](k kind[T], key string, value []byte, e T) (command.Change, error) {
	if k.prefix+e.name() != key {
		return nil, fmt.Errorf("key %q is not one of ECS", key)
	}
	if value == nil {
		return k.remove(e), nil
	}
	if err := decode(value, e); err != nil {
		return nil, fmt.Errorf("record %q: %w", key, err)
	}
	return k.put(e), nil
}

// Has implements command.Slice.
func (Slice) Has(s *State, key string) bool {
	return settings.has(s, key) || clusters.has(s, key) || definitions.has(s, key) || eventLists.has(s, key) ||
		families.has(s, key) || instances.has(s, key) || providers.has(s, key) || nodes.has(s, key) ||
		deployments.has(s, key) || services.has(s, key) || tasks.has(s, key) || revisions.has(s, key)
}

func (k kind[T]) has(s *State, key string) bool {
	name, ok := strings.CutPrefix(key, k.prefix)
	return ok && k.table(s).Has(name)
}

// All implements command.Slice.
func (Slice) All(s *State) iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		_ = settings.all(s, yield) && clusters.all(s, yield) && definitions.all(s, yield) && eventLists.all(s, yield) &&
			families.all(s, yield) && instances.all(s, yield) && providers.all(s, yield) && nodes.all(s, yield) &&
			deployments.all(s, yield) && services.all(s, yield) && tasks.all(s, yield) && revisions.all(s, yield)
	}
}

func (k kind[T]) all(s *State, yield func(command.Stored) bool) bool {
	for _, e := range k.table(s).All() {
		if !yield(command.Stored{Change: k.put(e)}) {
			return false
		}
	}
	return true
}
