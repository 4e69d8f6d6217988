package task

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// PutNode registers a node or renews its lease. Its container instances are made in the
// same transaction. Reply.Value is the *Node.
type PutNode struct {
	Node Node
}

// Decide implements command.Command.
func (c *PutNode) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	if c.Node.Name == "" || len(c.Node.Name) > 255 || strings.ContainsAny(c.Node.Name, "/ \t\r\n") {
		return command.Decision{}, command.Invalid("The name of node %q is not valid: it has 1 to 255 characters, no slash and no white space.", c.Node.Name)
	}
	t := begin(v, m)
	n := c.Node
	n.Registered = m.Now
	old, exists := t.state().Node(n.Name)
	if exists {
		n.Registered, n.unknown = old.Registered, old.unknown
	}
	t.read(nodes.Read(&n, exists))
	if !exists || !reflect.DeepEqual(*old, n) {
		t.add(nodes.Put(&n))
	}
	t.joinClusters(&n)
	return t.reply(&n)
}

// joins reports whether nodes register in a cluster.
func (r *Rules) joins(c *Cluster) bool {
	if c.Status != Active {
		return false
	}
	for _, name := range r.Clusters {
		if name == c.Name || name == string(c.Account)+"/"+c.Name {
			return true
		}
	}
	return r.Clusters == nil
}

// joinClusters registers a node as a container instance in every cluster, or brings its
// instances up to date.
func (t *transaction) joinClusters(n *Node) {
	for c := range t.state().AllClusters() {
		if t.rules.joins(c) {
			t.join(n, c)
		}
	}
}

// joinCluster registers all nodes in a new cluster.
func (t *transaction) joinCluster(c *Cluster) {
	if !t.rules.joins(c) {
		return
	}
	for n := range t.state().allNodes() {
		t.join(n, c)
	}
}

// join registers a node in a cluster.
func (t *transaction) join(n *Node, c *Cluster) {
	i := n.instance(c)
	old, exists := t.state().Instance(c.Account, c.Name, i.ID)
	if exists {
		i.Status, i.StatusReason, i.Registered, i.Tags, i.unknown = old.Status, old.StatusReason, old.Registered, old.Tags, old.unknown
		i.Version, i.CapacityProvider = old.Version, old.CapacityProvider
		i.Attributes = mergeAttributes(i.Attributes, old.Attributes)
		if reflect.DeepEqual(old, i) {
			return
		}
		i.Version++
	} else {
		i.Registered = t.meta.Now
	}
	t.read(instances.Read(i, exists))
	t.add(instances.Put(i))
}

// mergeAttributes returns the attributes of a node and the others that an instance has.
func mergeAttributes(own, old []Attribute) []Attribute {
	known := map[string]bool{}
	for _, a := range own {
		known[a.Name] = true
	}
	for _, a := range old {
		if !known[a.Name] {
			own = append(own, a)
		}
	}
	return own
}

// instance returns the container instance of a node in a cluster. Its id depends on the
// names alone.
func (n *Node) instance(c *Cluster) *ContainerInstance {
	sum := sha256.Sum256([]byte(n.Name + "/" + c.name()))
	host := sha256.Sum256([]byte(n.Name))
	return &ContainerInstance{
		Account: c.Account, Cluster: c.Name, ID: hex.EncodeToString(sum[:16]), Node: n.Name, Managed: true,
		EC2InstanceID: "i-" + hexID(host[:]), Status: Active, AgentConnected: true, Zone: n.Zone, Version: 1,
		VersionInfo: n.VersionInfo, Resources: n.resources(), Attributes: n.attributes(),
	}
}

func (n *Node) resources() []Resource {
	integer := func(name string, v int64) Resource {
		return Resource{Name: name, Type: "INTEGER", IntegerValue: &v}
	}
	ports := func(name string, list []int) Resource {
		r := Resource{Name: name, Type: "STRINGSET"}
		used := room{ports: map[HostPort]bool{}}
		for _, p := range list {
			used.ports[HostPort{p, ""}] = true
		}
		r.StringSetValue = used.usedPorts("")
		return r
	}
	return []Resource{
		integer("CPU", n.CPU), integer("MEMORY", n.Memory), ports("PORTS", n.ReservedPorts), ports("PORTS_UDP", n.ReservedUDPPorts),
	}
}

func (n *Node) attributes() []Attribute {
	all := []Attribute{{Name: "ecs.availability-zone", Value: n.Zone}}
	return append(all, n.Attributes...)
}
