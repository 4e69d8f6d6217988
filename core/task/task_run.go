package task

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// RunTask implements RunTask and StartTask. Reply.Value is a *RunResult.
type RunTask struct {
	Cluster  string
	Family   string
	Revision int // 0: the latest active one
	Count    int // 1 to 10; not used with Instances
	// Instances are the ids of the container instances of StartTask. Nil: RunTask.
	Instances []string

	LaunchType               string
	CapacityProviderStrategy []CapacityProviderStrategyItem
	PlatformVersion          string
	NetworkConfiguration     *NetworkConfiguration
	Overrides                *TaskOverride
	Volumes                  []ServiceVolumeConfiguration
	PlacementConstraints     []PlacementConstraint
	PlacementStrategy        []PlacementStrategy
	EnableExecuteCommand     bool
	EnableECSManagedTags     bool
	PropagateTags            string // TASK_DEFINITION, or ""
	Tags                     []Tag
	Group                    string // "": family:FAMILY
	StartedBy                string
	ClientToken              string

	mark string // identifies the request, for its client token
}

// RunResult is the result of RunTask.
type RunResult struct {
	Tasks    []*Task
	Failures []Failure
}

// Decide implements command.Command.
func (c *RunTask) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	own := *c // defaults are filled in below
	c = &own
	c.mark = c.fingerprint()
	t := begin(v, m)
	cluster, err := t.activeCluster(m.Account, c.Cluster)
	if err != nil {
		return command.Decision{}, err
	}
	if earlier, err := c.earlier(t); earlier != nil || err != nil {
		return command.Decision{Reply: command.Reply{Value: earlier}}, err
	}
	d, err := t.state().runnable(m.Account, c.Family, c.Revision)
	if err != nil {
		return command.Decision{}, err
	}
	if err := c.check(cluster, d); err != nil {
		return command.Decision{}, err
	}
	t.read(definitions.Read(d, true))
	result := &RunResult{}
	if c.Instances != nil {
		c.startOn(t, d, result)
		return t.reply(result)
	}
	return c.run(t, d, result)
}

func (c *RunTask) check(cluster *Cluster, d *Definition) error {
	if c.Instances == nil && (c.Count < 1 || c.Count > 10) {
		return command.Invalid("The value of count is %d; it must be 1 to 10.", c.Count)
	}
	if err := checkNetwork(d, c.NetworkConfiguration); err != nil {
		return err
	}
	if err := c.checkOverrides(d); err != nil {
		return err
	}
	if err := checkTags(c.Tags); err != nil {
		return err
	}
	launch, version, strategy, err := checkLaunch(cluster, d, c.LaunchType, c.PlatformVersion, c.CapacityProviderStrategy)
	if err != nil {
		return err
	}
	c.LaunchType, c.PlatformVersion, c.CapacityProviderStrategy = launch, version, strategy
	return checkPlacement(launch, c.PlacementConstraints, c.PlacementStrategy)
}

// maxOverrides is the longest JSON form of overrides.
const maxOverrides = 8192

func (c *RunTask) checkOverrides(d *Definition) error {
	if c.Overrides == nil {
		return nil
	}
	over := *c.Overrides
	over.CPU, over.Memory = normalizeSize(over.CPU, cpuUnits...), normalizeSize(over.Memory, memoryUnits...)
	c.Overrides = &over
	if err := checkTaskSize(over.CPU, over.Memory); err != nil {
		return command.Invalid("%s", err)
	}
	for i := range over.ContainerOverrides {
		if err := over.ContainerOverrides[i].check(d); err != nil {
			return err
		}
	}
	text, err := json.Marshal(c.Overrides)
	if err != nil || len(text) > maxOverrides {
		return command.Invalid("Container Overrides length must be at most %d", maxOverrides)
	}
	return nil
}

// check checks an override of a container.
func (o *ContainerOverride) check(d *Definition) error {
	if d.container(o.Name) == nil {
		return command.Invalid("Override for container named %s is not a container in the TaskDefinition.", o.Name)
	}
	like := ContainerDefinition{Name: o.Name, Command: o.Command, Environment: o.Environment}
	err := firstError(
		func() error { return checkContainerCPU(o.Name, o.CPU) },
		func() error { return checkContainerMemory(o.Name, o.Memory, o.MemoryReservation) },
		like.checkProcess, like.checkEnvironment,
	)
	if err != nil {
		return command.Invalid("%s", err)
	}
	return nil
}

// fingerprint identifies the request, for its client token.
func (c *RunTask) fingerprint() string {
	text, _ := json.Marshal(c) // it has a JSON form: it came from JSON
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// earlier returns the result of an earlier request with the client token, or nil.
func (c *RunTask) earlier(t *transaction) (*RunResult, error) {
	if c.ClientToken == "" {
		return nil, nil
	}
	var found *RunResult
	same := true
	conflict := &Conflict{Message: "The client token was used for another request."}
	for x := range t.state().Tasks(t.meta.Account, c.Cluster, "") {
		if x.ClientToken != c.ClientToken || x.Service != "" {
			continue
		}
		if found == nil {
			found = &RunResult{}
		}
		same = same && x.Fingerprint == c.mark
		found.Tasks = append(found.Tasks, x)
		conflict.Resources = append(conflict.Resources, t.rules.TaskARN(x.Account, x.Cluster, x.ID))
	}
	if !same {
		return nil, conflict
	}
	return found, nil
}

// waits reports whether tasks wait for an instance with room, as those of FARGATE and
// capacity providers do, instead of being refused.
func (c *RunTask) waits() bool { return c.LaunchType != launchEC2 && c.LaunchType != launchExternal }

func (c *RunTask) run(t *transaction, d *Definition, result *RunResult) (command.Decision, error) {
	p := newPlacer(t.state(), t.meta.Account, c.Cluster)
	if len(p.rooms) == 0 && !c.waits() {
		return command.Decision{}, command.Invalid("No Container Instances were found in your cluster.")
	}
	providers := map[string]int{}
	for range c.Count {
		x := c.task(t, d)
		x.useProvider(c.CapacityProviderStrategy, providers)
		place, failures := p.place(t.rules, wishOf(x, d))
		switch {
		case place != nil:
			t.placeOn(x, place.instance, d)
			place.put(x)
		case !c.waits():
			result.Failures = append(result.Failures, failures...)
			continue
		}
		t.admit(x, d)
		result.Tasks = append(result.Tasks, x)
	}
	return t.reply(result)
}

// startOn implements StartTask: the caller chooses the instances.
func (c *RunTask) startOn(t *transaction, d *Definition, result *RunResult) {
	for _, id := range c.Instances {
		arn := t.rules.InstanceARN(t.meta.Account, c.Cluster, id)
		i, ok := t.state().Instance(t.meta.Account, c.Cluster, id)
		x := c.task(t, d)
		reason := "MISSING"
		switch {
		case !ok:
		case !i.AgentConnected:
			reason = "AGENT"
		case i.Status != Active:
			reason = "INACTIVE"
		default:
			reason = wishOf(x, d).refusal(&placer{state: t.state()}, newRoom(t.state(), i))
		}
		if reason != "" {
			result.Failures = append(result.Failures, Failure{ARN: arn, Reason: reason})
			continue
		}
		t.placeOn(x, i, d)
		t.admit(x, d)
		result.Tasks = append(result.Tasks, x)
	}
}

func (c *RunTask) task(t *transaction, d *Definition) *Task {
	x := t.newTask(t.meta.Account, c.Cluster, d, c.Overrides)
	x.LaunchType, x.PlatformVersion = c.LaunchType, c.PlatformVersion
	x.NetworkConfiguration, x.Volumes = c.NetworkConfiguration, c.Volumes
	x.PlacementConstraints, x.PlacementStrategy = c.PlacementConstraints, c.PlacementStrategy
	x.EnableExecuteCommand = c.EnableExecuteCommand
	x.Group, x.StartedBy = or(c.Group, "family:"+d.Family), c.StartedBy
	if c.ClientToken != "" {
		x.ClientToken, x.Fingerprint = c.ClientToken, c.mark
	}
	var inherited []Tag
	if c.PropagateTags == "TASK_DEFINITION" {
		inherited = d.Tags
	}
	x.Tags = withTags(c.Tags, inherited)
	if c.EnableECSManagedTags {
		x.Tags = withTags(x.Tags, []Tag{{"aws:ecs:clusterName", c.Cluster}})
	}
	return x
}

// withTags returns the tags of first, and those of second with other keys.
func withTags(first, second []Tag) []Tag {
	all := append([]Tag(nil), first...)
	for _, tag := range second {
		if !slices.ContainsFunc(first, func(t Tag) bool { return t.Key == tag.Key }) {
			all = append(all, tag)
		}
	}
	return all
}
