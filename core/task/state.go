package task

import (
	"fmt"
	"iter"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// State is one immutable version of clusters, task definitions, services, tasks and
// nodes. The zero value is empty. Two States are equal if nothing has changed between
// them.
type State struct {
	settings    table.Map[*Setting]
	clusters    table.Map[*Cluster]
	definitions table.Map[*Definition]
	events      table.Map[*Event]
	families    table.Map[*Family]
	instances   table.Map[*ContainerInstance]
	providers   table.Map[*CapacityProvider]
	nodes       table.Map[*Node]
	deployments table.Map[*ServiceDeployment]
	services    table.Map[*Service]
	tasks       table.Map[*Task]
	revisions   table.Map[*ServiceRevision]

	// The indexes below are derived. Their keys end with the name of the entity.
	tasksByService  ptree.Map[string, *Task]       // ACCOUNT/CLUSTER/SERVICE/TASK
	tasksByInstance ptree.Map[string, *Task]       // ACCOUNT/CLUSTER/INSTANCE/TASK
	tasksByNode     ptree.Map[string, *Task]       // NODE/ACCOUNT/CLUSTER/TASK
	instancesByNode ptree.Map[string, string]      // NODE/ACCOUNT/CLUSTER/INSTANCE to the name of the instance
	byRegistry      ptree.Map[string, *Service]    // ACCOUNT/ID of the Cloud Map service/CLUSTER/SERVICE
	deleting        ptree.Map[string, *Definition] // in DELETE_IN_PROGRESS, by name
}

// record is what the codec needs of an entity.
type record interface{ others() *unknown }

// entity is a record of the store. It is immutable.
type entity interface {
	*Setting | *Cluster | *Definition | *Event | *Family | *ContainerInstance | *CapacityProvider | *Node | *ServiceDeployment | *Service | *Task | *ServiceRevision
	record
	// name is unique in its kind; the key of the store is the prefix and the name.
	name() string
}

func (x *Setting) name() string    { return nameOf(x.Account, x.Name, x.Principal) }
func (x *Cluster) name() string    { return nameOf(x.Account, x.Name) }
func (x *Definition) name() string { return definitionName(x.Account, x.Family, x.Revision) }
func (x *Family) name() string     { return nameOf(x.Account, x.Name) }
func (x *ContainerInstance) name() string {
	return nameOf(x.Account, x.Cluster, x.ID)
}
func (x *CapacityProvider) name() string  { return nameOf(x.Account, x.Name) }
func (x *Node) name() string              { return x.Name }
func (x *ServiceDeployment) name() string { return nameOf(x.Account, x.Cluster, x.Service, x.ID) }
func (x *Service) name() string           { return nameOf(x.Account, x.Cluster, x.Name) }
func (x *Task) name() string              { return nameOf(x.Account, x.Cluster, x.ID) }
func (x *ServiceRevision) name() string   { return nameOf(x.Account, x.Cluster, x.Service, x.Number) }

func nameOf(account command.AccountID, parts ...string) string {
	n := len(account)
	for _, p := range parts {
		n += 1 + len(p)
	}
	b := make([]byte, 0, n)
	b = append(b, account...)
	for _, p := range parts {
		b = append(append(b, '/'), p...)
	}
	return string(b)
}

// definitionName orders the revisions of a family by number.
func definitionName(account command.AccountID, family string, revision int) string {
	return nameOf(account, family, fmt.Sprintf("%010d", revision))
}

// index updates what is derived from an entity. Old or new may be nil.
func (d *Draft) index(old, new any) {
	switch old := old.(type) {
	case *Task:
		d.indexTask(old, new.(*Task))
		d.taskChanged(old, new.(*Task))
	case *Service:
		d.indexService(old, new.(*Service))
		d.serviceChanged(old, new.(*Service))
	case *ContainerInstance:
		d.indexInstance(old, new.(*ContainerInstance))
	case *Definition:
		move(&d.State().deleting, d.Owner(), old, new.(*Definition), (*Definition).deletingKey)
	}
}

// deletingKey is the name of a definition that waits for its deletion, and otherwise "".
func (x *Definition) deletingKey() string {
	if x.Status != deleteInProgress {
		return ""
	}
	return x.name()
}

func (d *Draft) indexTask(old, new *Task) {
	s := d.State()
	move(&s.tasksByService, d.Owner(), old, new, (*Task).serviceKey)
	move(&s.tasksByInstance, d.Owner(), old, new, (*Task).instanceKey)
	move(&s.tasksByNode, d.Owner(), old, new, (*Task).nodeKey)
}

// move updates an index. The empty key is in no index.
func move[T comparable](m *ptree.Map[string, T], token *ptree.Owner, old, new T, key func(T) string) {
	var none T
	before, after := "", ""
	if old != none {
		before = key(old)
	}
	if new != none {
		after = key(new)
	}
	if before != "" && before != after {
		*m = m.Delete(token, before)
	}
	if after != "" {
		*m = m.Put(token, after, new)
	}
}

func (x *Task) serviceKey() string {
	if x.Service == "" {
		return ""
	}
	return nameOf(x.Account, x.Cluster, x.Service, x.ID)
}

func (x *Task) instanceKey() string {
	if x.Instance == "" {
		return ""
	}
	return nameOf(x.Account, x.Cluster, x.Instance, x.ID)
}

func (x *Task) nodeKey() string {
	if x.Node == "" {
		return ""
	}
	return x.Node + "/" + x.name()
}

func (d *Draft) indexService(old, new *Service) {
	m := &d.State().byRegistry
	if old != nil {
		for _, id := range old.CloudMapServices {
			*m = m.Delete(d.Owner(), registryKey(old, id))
		}
	}
	if new != nil {
		for _, id := range new.CloudMapServices {
			*m = m.Put(d.Owner(), registryKey(new, id), new)
		}
	}
}

func registryKey(svc *Service, id string) string {
	return nameOf(svc.Account, id, svc.Cluster, svc.Name)
}

func (d *Draft) indexInstance(old, new *ContainerInstance) {
	m := &d.State().instancesByNode
	if old != nil && old.Node != "" {
		*m = m.Delete(d.Owner(), old.Node+"/"+old.name())
	}
	if new != nil && new.Node != "" {
		*m = m.Put(d.Owner(), new.Node+"/"+new.name(), new.name())
	}
}

// Cluster returns a cluster, deleted ones included.
func (s *State) Cluster(account command.AccountID, name string) (*Cluster, bool) {
	return s.clusters.Get(nameOf(account, name))
}

// Clusters yields the clusters of an account after the given name, in order of their
// names.
func (s *State) Clusters(account command.AccountID, after string) iter.Seq[*Cluster] {
	return table.Within(s.clusters, nameOf(account, ""), after)
}

// AllClusters yields the clusters of all accounts.
func (s *State) AllClusters() iter.Seq[*Cluster] { return table.Within(s.clusters, "", "") }

// Definition returns a revision of a task definition.
func (s *State) Definition(account command.AccountID, family string, revision int) (*Definition, bool) {
	return s.definitions.Get(definitionName(account, family, revision))
}

// Definitions yields the revisions of a family in ascending order.
func (s *State) Definitions(account command.AccountID, family string) iter.Seq[*Definition] {
	return table.Within(s.definitions, nameOf(account, family, ""), "")
}

// AllDefinitions yields the definitions of an account in order of family and revision.
func (s *State) AllDefinitions(account command.AccountID) iter.Seq[*Definition] {
	return table.Within(s.definitions, nameOf(account, ""), "")
}

// family returns the counter of a family of task definitions.
func (s *State) family(account command.AccountID, name string) (*Family, bool) {
	return s.families.Get(nameOf(account, name))
}

// Families yields the families of an account after the given name, in order.
func (s *State) Families(account command.AccountID, after string) iter.Seq[*Family] {
	return table.Within(s.families, nameOf(account, ""), after)
}

// Service returns a service, deleted ones included.
func (s *State) Service(account command.AccountID, cluster, name string) (*Service, bool) {
	return s.services.Get(nameOf(account, cluster, name))
}

// Services yields the services of a cluster after the given name, in order.
func (s *State) Services(account command.AccountID, cluster, after string) iter.Seq[*Service] {
	return table.Within(s.services, nameOf(account, cluster, ""), after)
}

// AllServices yields the services of an account, in order of cluster and name.
func (s *State) AllServices(account command.AccountID) iter.Seq[*Service] {
	return table.Within(s.services, nameOf(account, ""), "")
}

// Revision returns a service revision.
func (s *State) Revision(account command.AccountID, cluster, service, number string) (*ServiceRevision, bool) {
	return s.revisions.Get(nameOf(account, cluster, service, number))
}

// revisionsOf yields the revisions of a service.
func (s *State) revisionsOf(account command.AccountID, cluster, service string) iter.Seq[*ServiceRevision] {
	return table.Within(s.revisions, nameOf(account, cluster, service, ""), "")
}

// ServiceDeployment returns a service deployment.
func (s *State) ServiceDeployment(account command.AccountID, cluster, service, id string) (*ServiceDeployment, bool) {
	return s.deployments.Get(nameOf(account, cluster, service, id))
}

// ServiceDeployments yields the service deployments of a service, in no useful order.
func (s *State) ServiceDeployments(account command.AccountID, cluster, service string) iter.Seq[*ServiceDeployment] {
	return table.Within(s.deployments, nameOf(account, cluster, service, ""), "")
}

// Task returns a task, stopped ones included.
func (s *State) Task(account command.AccountID, cluster, id string) (*Task, bool) {
	return s.tasks.Get(nameOf(account, cluster, id))
}

// Tasks yields the tasks of a cluster after the given id, in order of their ids.
func (s *State) Tasks(account command.AccountID, cluster, after string) iter.Seq[*Task] {
	return table.Within(s.tasks, nameOf(account, cluster, ""), after)
}

// TasksOfService yields the tasks of a service, in order of their ids.
func (s *State) TasksOfService(account command.AccountID, cluster, service string) iter.Seq[*Task] {
	return table.Within(s.tasksByService, nameOf(account, cluster, service, ""), "")
}

// TasksOfInstance yields the tasks on a container instance.
func (s *State) TasksOfInstance(account command.AccountID, cluster, instance string) iter.Seq[*Task] {
	return table.Within(s.tasksByInstance, nameOf(account, cluster, instance, ""), "")
}

// TasksOfNode yields the tasks of all accounts on a node.
func (s *State) TasksOfNode(node string) iter.Seq[*Task] {
	return table.Within(s.tasksByNode, node+"/", "")
}

// Instance returns a container instance.
func (s *State) Instance(account command.AccountID, cluster, id string) (*ContainerInstance, bool) {
	return s.instances.Get(nameOf(account, cluster, id))
}

// Instances yields the container instances of a cluster after the given id, in order.
func (s *State) Instances(account command.AccountID, cluster, after string) iter.Seq[*ContainerInstance] {
	return table.Within(s.instances, nameOf(account, cluster, ""), after)
}

// instancesOfNode yields the container instances of a node, in all clusters.
func (s *State) instancesOfNode(node string) iter.Seq[*ContainerInstance] {
	return func(yield func(*ContainerInstance) bool) {
		for name := range table.Within(s.instancesByNode, node+"/", "") {
			if i, ok := s.instances.Get(name); ok && !yield(i) {
				return
			}
		}
	}
}

// Node returns a node.
func (s *State) Node(name string) (*Node, bool) { return s.nodes.Get(name) }

// allNodes yields all nodes, in order of their names.
func (s *State) allNodes() iter.Seq[*Node] { return table.Within(s.nodes, "", "") }

// Setting returns an account setting of a principal. The principal "default" is the
// account itself.
func (s *State) Setting(account command.AccountID, name, principal string) (*Setting, bool) {
	return s.settings.Get(nameOf(account, name, principal))
}

// CapacityProvider returns a capacity provider.
func (s *State) CapacityProvider(account command.AccountID, name string) (*CapacityProvider, bool) {
	return s.providers.Get(nameOf(account, name))
}

// Counts are the numbers of records by kind.
type Counts struct {
	Clusters, Definitions, Services, Tasks, Instances, Nodes int
}

// Counts returns the numbers of all accounts. Deleted services and stopped tasks count
// as long as they can be described.
func (s *State) Counts() Counts {
	return Counts{s.clusters.Len(), s.definitions.Len(), s.services.Len(), s.tasks.Len(), s.instances.Len(), s.nodes.Len()}
}
