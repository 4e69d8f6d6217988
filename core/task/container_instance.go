package task

import (
	"encoding/hex"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// Limits of container instances; see "Amazon ECS service quotas" in the developer guide.
const (
	maxInstanceAttributes = 200 // of the agent
	maxCustomAttributes   = 10
	maxResources          = 20
	maxPorts              = 1000
)

var attributePattern = newPattern(`[a-zA-Z0-9_./\\-]`, 128)

// RegisterContainerInstance registers a machine whose agent is not cairn's, or renews its
// registration. The reply has the *ContainerInstance. Nothing runs there.
type RegisterContainerInstance struct {
	Cluster string
	// ID is that of an existing instance, or empty for a new one.
	ID          string
	Attributes  []Attribute
	Resources   []Resource
	VersionInfo *VersionInfo
	Tags        []Tag
}

// Decide implements command.Command.
func (c *RegisterContainerInstance) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if err := c.check(); err != nil {
		return command.Decision{}, err
	}
	cluster, changes, read, err := useCluster(v, m, c.Cluster)
	if err != nil {
		return command.Decision{}, err
	}
	i := &ContainerInstance{
		Account: m.Account, Cluster: cluster.Name, ID: hex.EncodeToString(m.Entropy[:16]), Registered: m.Now,
		Status: Active, AgentConnected: true, Tags: c.Tags,
	}
	exists := false
	if c.ID != "" {
		old, ok := s.Instance(m.Account, c.Cluster, c.ID)
		if !ok || old.Managed {
			return command.Decision{}, ErrInstanceNotFound()
		}
		exists, *i = true, *old
	} else if err := checkInstanceQuota(v, m, cluster); err != nil {
		return command.Decision{}, err
	}
	i.Attributes, i.Resources, i.VersionInfo = withTarget(c.Attributes), c.Resources, c.VersionInfo
	i.Version++
	return command.Decision{
		Changes: append(changes, instances.Put(i)),
		Reads:   []command.Read{read, instances.Read(i, exists)},
		Reply:   command.Reply{Value: i},
	}, nil
}

func (c *RegisterContainerInstance) check() error {
	if err := checkAttributes(c.Attributes, maxInstanceAttributes); err != nil {
		return err
	}
	if len(c.Resources) > maxResources {
		return command.Invalid("totalResources can have at most %d items.", maxResources)
	}
	for _, r := range c.Resources {
		if len(r.StringSetValue) > maxPorts || !attributePattern.MatchString(r.Name) {
			return command.Invalid("totalResources has %s with %d values: the name must match %s, and there can be %d values", quote(r.Name), len(r.StringSetValue), attributePattern, maxPorts)
		}
	}
	return checkTags(c.Tags)
}

func checkInstanceQuota(v command.View, m *command.Meta, c *Cluster) error {
	s, _ := stateOf(v)
	limit := v.Quota(m.Account, &quotaInstances)
	if limit == 0 {
		return nil
	}
	n := 0
	for range s.Instances(m.Account, c.Name, "") {
		if n++; n >= limit {
			return &command.LimitExceeded{What: quotaInstances.What, Limit: limit}
		}
	}
	return nil
}

// withTarget returns attributes as they are stored: without the resource that has them.
func withTarget(list []Attribute) []Attribute {
	var bare []Attribute
	for _, a := range list {
		bare = append(bare, Attribute{Name: a.Name, Value: a.Value})
	}
	return bare
}

func checkAttributes(list []Attribute, most int) error {
	if len(list) > most {
		return command.Invalid("attributes can have at most %d items.", most)
	}
	for _, a := range list {
		if !attributePattern.MatchString(a.Name) {
			return command.Invalid("The attribute name %s must match %s", quote(a.Name), attributePattern)
		}
		if len(a.Value) > 1024 || control(a.Value, "") {
			return command.Invalid("The attribute %s has the value %s: it can have at most 1024 characters, none of them a control character", a.Name, quote(a.Value))
		}
	}
	return nil
}

// DeregisterContainerInstance removes a container instance. With Force its tasks are
// stopped at once. The reply has the *ContainerInstance.
type DeregisterContainerInstance struct {
	Cluster, ID string
	Force       bool
}

// Decide implements command.Command.
func (c *DeregisterContainerInstance) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if _, err := s.ActiveCluster(m.Account, c.Cluster); err != nil {
		return command.Decision{}, err
	}
	old, ok := s.Instance(m.Account, c.Cluster, c.ID)
	if !ok {
		return command.Decision{}, ErrInstanceNotFound()
	}
	if old.Managed {
		return command.Decision{}, command.Invalid("The container instance is node %s of cairn, which registers it again. Drain it instead, or stop its runner.", quote(old.Node))
	}
	i := *old
	i.Status, i.AgentConnected = Inactive, false
	decision := command.Decision{
		Changes: []command.Change{instances.Delete(old)},
		Reads:   []command.Read{instances.Read(old, true)},
		Reply:   command.Reply{Value: &i},
	}
	for t := range s.TasksOfInstance(m.Account, c.Cluster, c.ID) {
		if t.LastStatus == StatusStopped {
			continue
		}
		if !c.Force {
			return command.Decision{}, command.Invalid("Found running tasks on the instance.")
		}
		decision.Changes = append(decision.Changes, tasks.Put(t.lost(m.Now)))
		decision.Reads = append(decision.Reads, tasks.Read(t, true))
	}
	return decision, nil
}

// lost returns a task that has ended because its container instance is gone.
func (x *Task) lost(now int64) *Task {
	t := *x
	t.LastStatus, t.DesiredStatus, t.StopCode = StatusStopped, StatusStopped, StopTerminationNotice
	t.StoppedReason = "Container instance was deregistered forcibly by user"
	t.Stopping, t.Stopped, t.ExecutionStopped = now, now, now
	t.Version++
	t.Containers = slices.Clone(t.Containers)
	for i := range t.Containers {
		t.Containers[i].LastStatus = StatusStopped
	}
	return &t
}

// UpdateInstanceState makes a container instance ACTIVE or DRAINING. The reply has the
// *ContainerInstance.
type UpdateInstanceState struct{ Cluster, ID, Status string }

// Decide implements command.Command.
func (c *UpdateInstanceState) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if c.Status != Active && c.Status != Draining {
		return command.Decision{}, command.Invalid("Container instance status should be one of [ACTIVE,DRAINING], not %s", quote(c.Status))
	}
	if _, err := s.ActiveCluster(m.Account, c.Cluster); err != nil {
		return command.Decision{}, err
	}
	old, ok := s.Instance(m.Account, c.Cluster, c.ID)
	if !ok {
		return command.Decision{}, ErrInstanceNotFound()
	}
	i := *old
	i.Status = c.Status
	i.Version++
	return command.Decision{
		Changes: []command.Change{instances.Put(&i)},
		Reads:   []command.Read{instances.Read(&i, true)},
		Reply:   command.Reply{Value: &i},
	}, nil
}
