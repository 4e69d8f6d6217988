package task

import (
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// newTask returns a task of a definition that is not placed yet. The caller sets what
// depends on the request.
func (t *transaction) newTask(account command.AccountID, cluster string, d *Definition, o *TaskOverride) *Task {
	x := &Task{
		Account: account, Cluster: cluster, ID: t.newID(), Family: d.Family, Revision: d.Revision,
		LastStatus: StatusProvisioning, DesiredStatus: StatusRunning, Health: HealthUnknown,
		Created: t.meta.Now, Overrides: o, Needs: needsOf(d, o),
	}
	for i := range d.ContainerDefinitions {
		x.Containers = append(x.Containers, ContainerState{
			Name: d.ContainerDefinitions[i].Name, ID: t.newUUID(), LastStatus: StatusPending, Health: HealthUnknown,
		})
	}
	if d.awsvpc() {
		e := t.entropy()
		x.Network = &Network{AttachmentID: t.newUUID(), InterfaceID: "eni-" + hexID(e[:])}
	}
	return x
}

func hexID(b []byte) string {
	const digits = "0123456789abcdef"
	id := make([]byte, 17)
	for i := range id {
		id[i] = digits[b[i]&15]
	}
	return string(id)
}

// placeOn puts a task on an instance.
func (t *transaction) placeOn(x *Task, i *ContainerInstance, d *Definition) {
	x.Instance, x.Node, x.Zone = i.ID, i.Node, i.Zone
	t.giveProxy(x, d)
	if !d.awsvpc() {
		x.LastStatus = StatusPending
		return
	}
	n := *x.Network
	node, ok := t.state().Node(i.Node)
	for _, id := range x.NetworkConfiguration.AwsvpcConfiguration.Subnets {
		if n.Subnet == "" && (!ok || node.Subnets == nil || slices.Contains(node.Subnets, id)) {
			n.Subnet = id
		}
	}
	x.Network = &n
}

// admit stores a new task. If its role may not register it, it is stopped before it
// starts.
func (t *transaction) admit(x *Task, d *Definition) {
	c := contextOf(t.state(), x)
	c.definition = d
	if err := t.authorize(x, &c); err != nil {
		x.Instance, x.Node = "", ""
		t.fail(x, err.Error())
	}
	t.putTask(x)
}

// runnable returns the definition that a request names: revision 0 is the latest active
// one.
func (s *State) runnable(account command.AccountID, family string, revision int) (*Definition, error) {
	d, ok := s.FindDefinition(account, family, revision)
	switch {
	case !ok:
		return nil, ErrDefinitionNotFound()
	case d.Status != Active:
		return nil, NewError(ClientError, "TaskDefinition is inactive")
	}
	if what := d.unsupported(); what != "" {
		return nil, NewError(ClientError, "%s of task definition %s is not supported by cairn", what, d.Name())
	}
	return d, nil
}

// activeCluster returns a cluster that can be used, and creates the default cluster.
func (t *transaction) activeCluster(account command.AccountID, name string) (*Cluster, error) {
	m := command.Meta{Account: account, Now: t.meta.Now, Entropy: t.entropy(), Writer: t.meta.Writer}
	c, changes, read, err := useCluster(t, &m, name)
	if err != nil {
		return nil, err
	}
	t.read(read)
	t.add(changes...)
	if len(changes) > 0 {
		t.joinCluster(c)
	}
	return c, nil
}

// checkNetwork checks the network configuration of a task or service.
func checkNetwork(d *Definition, n *NetworkConfiguration) error {
	given := n != nil && n.AwsvpcConfiguration != nil
	switch {
	case d.awsvpc() && !given:
		return command.Invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case !d.awsvpc() && given:
		return command.Invalid("Network Configuration is not valid for the given networkMode of this task definition.")
	case !given:
		return nil
	case len(n.AwsvpcConfiguration.Subnets) == 0:
		return command.Invalid("subnets can not be empty.")
	case len(n.AwsvpcConfiguration.Subnets) > 16:
		return command.Invalid("subnets can have at most 16 items.")
	case len(n.AwsvpcConfiguration.SecurityGroups) > 5:
		return command.Invalid("securityGroups can have at most 5 items.")
	case !slices.Contains([]string{"", "ENABLED", "DISABLED"}, n.AwsvpcConfiguration.AssignPublicIp):
		return command.Invalid("assignPublicIp %q is not valid: it is ENABLED or DISABLED.", n.AwsvpcConfiguration.AssignPublicIp)
	}
	return nil
}

// Launch types.
const (
	launchEC2      = "EC2"
	launchFargate  = "FARGATE"
	launchExternal = "EXTERNAL"
)

// checkLaunch checks where a task is to run. It returns the launch type, "" with a
// strategy, and the platform version.
func checkLaunch(c *Cluster, d *Definition, launchType, platform string, strategy []CapacityProviderStrategyItem) (launch, version string, used []CapacityProviderStrategyItem, err error) {
	if launchType != "" && len(strategy) > 0 {
		return "", "", nil, command.Invalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	if launchType == "" && len(strategy) == 0 {
		strategy = c.DefaultCapacityProviderStrategy
	}
	if launchType == "" && len(strategy) == 0 {
		launchType = launchEC2
	}
	fargate := launchType == launchFargate || len(strategy) > 0 && isFargate(strategy[0].CapacityProvider)
	switch {
	case launchType != "" && launchType != launchEC2 && launchType != launchFargate && launchType != launchExternal:
		return "", "", nil, command.Invalid("Launch type %q is not valid: it is EC2, FARGATE or EXTERNAL.", launchType)
	case !fargate && platform != "":
		return "", "", nil, command.Invalid("The platform version must be null when specifying an EC2 launch type.")
	case fargate && !slices.Contains(d.Compatibilities, launchFargate) && len(d.Compatibilities) > 0:
		return "", "", nil, command.Invalid("Task definition does not support launch_type FARGATE.")
	case launchType == launchExternal && d.awsvpc():
		return "", "", nil, command.Invalid("Task definition does not support launch_type EXTERNAL.")
	}
	providers := map[string]bool{}
	for _, p := range c.CapacityProviders {
		providers[p] = true
	}
	if err := checkStrategy(strategy, providers); err != nil {
		return "", "", nil, err
	}
	if fargate && platform == "" {
		platform = "LATEST"
	}
	if fargate && !slices.Contains([]string{"LATEST", "1.4.0", "1.3.0"}, platform) {
		return "", "", nil, NewError(PlatformUnknown, "The specified platform does not exist.")
	}
	return launchType, platform, strategy, nil
}

func isFargate(provider string) bool {
	return provider == ProviderFargate || provider == ProviderFargateSpot
}

// checkPlacement checks placement constraints and strategies.
func checkPlacement(launch string, constraints []PlacementConstraint, strategy []PlacementStrategy) error {
	if launch == launchFargate && len(constraints) > 0 {
		return command.Invalid("Placement constraints are not supported with FARGATE launch type.")
	}
	if launch == launchFargate && len(strategy) > 0 {
		return command.Invalid("Placement strategies are not supported with FARGATE launch type.")
	}
	if len(constraints) > 10 {
		return command.Invalid("placementConstraints can have at most 10 items.")
	}
	if len(strategy) > 5 {
		return command.Invalid("placementStrategy can have at most 5 items.")
	}
	for _, c := range constraints {
		switch c.Type {
		case "distinctInstance":
		case "memberOf":
			if _, err := ParseExpression(c.Expression); err != nil {
				return err
			}
		default:
			return command.Invalid("Placement constraint type %q is not valid: it is distinctInstance or memberOf.", c.Type)
		}
	}
	for _, s := range strategy {
		if err := checkPlacementStrategy(s); err != nil {
			return err
		}
	}
	return nil
}

func checkPlacementStrategy(s PlacementStrategy) error {
	switch s.Type {
	case "random":
		return nil
	case "binpack":
		if s.Field != "cpu" && s.Field != "memory" {
			return command.Invalid("Placement strategy binpack needs the field cpu or memory, not %q.", s.Field)
		}
		return nil
	case "spread":
		if s.Field != "instanceId" && s.Field != "host" && subjectOf(s.Field) == nil {
			return command.Invalid("Placement strategy spread has the unknown field %q.", s.Field)
		}
		return nil
	}
	return command.Invalid("Placement strategy type %q is not valid: it is random, spread or binpack.", s.Type)
}
