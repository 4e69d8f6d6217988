package task

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// ServiceSettings are the parts of a service that can be changed without a new
// deployment.
type ServiceSettings struct {
	DesiredCount                  *int // nil: DAEMON, or no change
	DeploymentConfiguration       *DeploymentConfiguration
	PlacementConstraints          *[]PlacementConstraint
	PlacementStrategy             *[]PlacementStrategy
	HealthCheckGracePeriodSeconds *int64
	PropagateTags                 *string
	EnableECSManagedTags          *bool
	EnableExecuteCommand          *bool
	AvailabilityZoneRebalancing   *string
}

// CreateService implements CreateService. Reply.Value is the *Service.
type CreateService struct {
	Cluster, Name string
	Workload      // Revision 0 is the latest active one
	ServiceSettings
	SchedulingStrategy   string // "": REPLICA
	DeploymentController string // "" or ECS
	RoleARN              string
	Tags                 []Tag
	ClientToken          string
	CreatedBy            string
}

// Decide implements command.Command.
func (c *CreateService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	cluster, err := t.activeCluster(m.Account, c.Cluster)
	if err != nil {
		return command.Decision{}, err
	}
	mark := c.fingerprint()
	old, exists := t.state().Service(m.Account, c.Cluster, c.Name)
	if exists && old.Status != Inactive {
		return c.again(old, mark)
	}
	svc := &Service{
		Account: m.Account, Cluster: c.Cluster, Name: c.Name, Status: Active, SchedulingStrategy: or(c.SchedulingStrategy, Replica),
		DeploymentController: c.DeploymentController, RoleARN: c.RoleARN, Tags: c.Tags, Created: m.Now, CreatedBy: c.CreatedBy,
		ClientToken: c.ClientToken, Fingerprint: mark, PropagateTags: "NONE", AvailabilityZoneRebalancing: "ENABLED",
	}
	w := c.Workload
	d, err := c.check(t, cluster, svc, &w)
	if err != nil {
		return command.Decision{}, err
	}
	if err := t.checkServiceQuota(svc); err != nil {
		return command.Decision{}, err
	}
	if err := t.checkTaskQuota(svc); err != nil {
		return command.Decision{}, err
	}
	t.read(services.Read(svc, exists), definitions.Read(d, true))
	if exists {
		t.deleteHistory(old)
	}
	t.add(services.Put(svc))
	if svc, err = t.deploy(svc, &w, d); err != nil {
		return command.Decision{}, err
	}
	return t.reply(svc)
}

// again returns the result for a name that is in use.
func (c *CreateService) again(old *Service, mark string) (command.Decision, error) {
	switch {
	case old.Status == Draining:
		return command.Decision{}, command.Invalid("Unable to Start a service that is still Draining.")
	case old.Fingerprint != mark:
		return command.Decision{}, command.Invalid("Creation of service was not idempotent.")
	}
	return command.Decision{Reads: []command.Read{services.Read(old, true)}, Reply: command.Reply{Value: old}}, nil
}

func (c *CreateService) fingerprint() string {
	plain := *c
	plain.ClientToken, plain.CreatedBy = "", ""
	text, _ := json.Marshal(&plain) // it has a JSON form: it came from JSON
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// check checks the request, fills in the workload and sets what svc needs.
func (c *CreateService) check(t *transaction, cluster *Cluster, svc *Service, w *Workload) (*Definition, error) {
	if !clusterPattern.MatchString(c.Name) {
		return nil, command.Invalid("Invalid service name %s: it must match %s", quote(c.Name), clusterPattern)
	}
	if svc.SchedulingStrategy != Replica && svc.SchedulingStrategy != Daemon {
		return nil, command.Invalid("The scheduling strategy %s is not valid: it is REPLICA or DAEMON.", quote(svc.SchedulingStrategy))
	}
	if svc.DeploymentController != "" && svc.DeploymentController != "ECS" {
		return nil, NewError(Unsupported, "The deployment controller %s is not supported here: use ECS.", svc.DeploymentController)
	}
	if err := c.checkCount(svc); err != nil {
		return nil, err
	}
	d, err := t.state().runnable(svc.Account, w.Family, w.Revision)
	if err != nil {
		return nil, err
	}
	w.Revision = d.Revision
	if err := c.ServiceSettings.apply(svc); err != nil {
		return nil, err
	}
	if err := checkTags(c.Tags); err != nil {
		return nil, err
	}
	return d, t.checkWorkload(cluster, svc, d, w)
}

func (c *CreateService) checkCount(svc *Service) error {
	if svc.SchedulingStrategy == Daemon {
		switch {
		case c.DesiredCount != nil:
			return command.Invalid("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again")
		case c.PlacementStrategy != nil && len(*c.PlacementStrategy) > 0:
			return command.Invalid("The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again")
		}
		return nil
	}
	if c.DesiredCount == nil {
		return command.Invalid("Desired count must be provided for services with the REPLICA scheduling strategy.")
	}
	return nil
}

func (t *transaction) checkServiceQuota(svc *Service) error {
	limit := t.Quota(svc.Account, &quotaServices)
	if limit == 0 {
		return nil
	}
	n := 0
	for other := range t.state().Services(svc.Account, svc.Cluster, "") {
		if other.Status != Inactive {
			n++
		}
	}
	if n >= limit {
		return &command.LimitExceeded{What: quotaServices.What, Limit: limit}
	}
	return nil
}

// checkTaskQuota checks the number of tasks that a service wants.
func (t *transaction) checkTaskQuota(svc *Service) error {
	if limit := t.Quota(svc.Account, &quotaTasks); limit > 0 && svc.DesiredCount > limit {
		return &command.LimitExceeded{What: quotaTasks.What, Limit: limit}
	}
	return nil
}

// apply checks settings and sets them.
func (in *ServiceSettings) apply(svc *Service) error {
	if in.DesiredCount != nil {
		if *in.DesiredCount < 0 {
			return command.Invalid("The desired count is %d; it must be 0 or more.", *in.DesiredCount)
		}
		svc.DesiredCount = *in.DesiredCount
	}
	configuration, err := newDeploymentConfiguration(svc, in.DeploymentConfiguration)
	if err != nil {
		return err
	}
	svc.DeploymentConfiguration = configuration
	if g := in.HealthCheckGracePeriodSeconds; g != nil {
		if *g < 0 || *g > 1<<31-1 {
			return command.Invalid("healthCheckGracePeriodSeconds is %d; it must be 0 to 2147483647.", *g)
		}
		svc.HealthCheckGracePeriodSeconds = g
	}
	set(&svc.PlacementConstraints, in.PlacementConstraints)
	set(&svc.PlacementStrategy, in.PlacementStrategy)
	set(&svc.PropagateTags, in.PropagateTags)
	set(&svc.EnableECSManagedTags, in.EnableECSManagedTags)
	set(&svc.EnableExecuteCommand, in.EnableExecuteCommand)
	set(&svc.AvailabilityZoneRebalancing, in.AvailabilityZoneRebalancing)
	for _, row := range []struct {
		name, value string
		allowed     []string
	}{
		{"propagateTags", svc.PropagateTags, []string{"NONE", "SERVICE", "TASK_DEFINITION"}},
		{"availabilityZoneRebalancing", svc.AvailabilityZoneRebalancing, []string{"ENABLED", "DISABLED"}},
	} {
		if !slices.Contains(row.allowed, row.value) {
			return command.Invalid("%s is %s; it must be one of %v.", row.name, quote(row.value), row.allowed)
		}
	}
	return nil
}

// set sets a member that was given.
func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// newDeploymentConfiguration returns the configuration of a service with the given
// members replaced.
func newDeploymentConfiguration(svc *Service, in *DeploymentConfiguration) (*DeploymentConfiguration, error) {
	maximum, minimum, off := int64(200), int64(100), false
	if svc.SchedulingStrategy == Daemon {
		maximum, minimum = 100, 0
	}
	bake := int64(0)
	out := &DeploymentConfiguration{
		MaximumPercent: &maximum, MinimumHealthyPercent: &minimum, Strategy: "ROLLING", BakeTimeInMinutes: &bake,
		DeploymentCircuitBreaker: &DeploymentCircuitBreaker{Enable: &off, Rollback: &off},
	}
	for _, given := range []*DeploymentConfiguration{svc.DeploymentConfiguration, in} {
		if given == nil {
			continue
		}
		out.MaximumPercent = first(given.MaximumPercent, out.MaximumPercent)
		out.MinimumHealthyPercent = first(given.MinimumHealthyPercent, out.MinimumHealthyPercent)
		out.DeploymentCircuitBreaker = first(given.DeploymentCircuitBreaker, out.DeploymentCircuitBreaker)
		out.BakeTimeInMinutes = first(given.BakeTimeInMinutes, out.BakeTimeInMinutes)
		out.Alarms = first(given.Alarms, out.Alarms)
		out.Strategy = or(given.Strategy, out.Strategy)
	}
	low, high := *out.MinimumHealthyPercent, *out.MaximumPercent
	switch {
	case low < 0:
		return nil, command.Invalid("minimumHealthyPercent must be at least 0")
	case low > 100:
		return nil, command.Invalid("minimumHealthyPercent must be at most 100")
	case high < 100:
		return nil, command.Invalid("maximumPercent must be at least 100")
	case low == 100 && high == 100:
		return nil, command.Invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	case svc.SchedulingStrategy == Daemon && low == 100 && high < 200:
		return nil, command.Invalid("maximumPercent must be 200 for a daemon service with minimumHealthyPercent 100")
	case out.Strategy != "ROLLING":
		return nil, NewError(Unsupported, "The deployment strategy %s is not supported here: use ROLLING.", out.Strategy)
	}
	return out, nil
}

func first[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}
