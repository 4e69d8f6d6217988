package task

import (
	"reflect"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// UpdateService implements UpdateService. Members that are nil or empty stay as they are.
// Reply.Value is the *Service.
type UpdateService struct {
	Cluster, Name string
	ServiceSettings
	// The members below make a new deployment if they change something.
	Family                   string
	Revision                 int // 0: the latest active one of Family
	NetworkConfiguration     *NetworkConfiguration
	PlatformVersion          *string
	ServiceRegistries        *[]ServiceRegistry // an empty list removes them
	ServiceConnect           *ServiceConnectConfiguration
	Volumes                  *[]ServiceVolumeConfiguration
	CapacityProviderStrategy *[]CapacityProviderStrategyItem
	ForceNewDeployment       bool
}

// Decide implements command.Command.
func (c *UpdateService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	cluster, err := t.state().ActiveCluster(m.Account, c.Cluster)
	if err != nil {
		return command.Decision{}, err
	}
	old, ok := t.state().Service(m.Account, c.Cluster, c.Name)
	switch {
	case !ok:
		return command.Decision{}, ErrServiceNotFound()
	case old.Status != Active:
		return command.Decision{}, NewError(ServiceNotActive, "Service was not ACTIVE.")
	case old.SchedulingStrategy == Daemon && c.DesiredCount != nil:
		return command.Decision{}, command.Invalid("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again")
	}
	svc := *old
	svc.Deployments = slices.Clone(old.Deployments)
	if err := c.ServiceSettings.apply(&svc); err != nil {
		return command.Decision{}, err
	}
	if c.DesiredCount != nil {
		if err := t.checkTaskQuota(&svc); err != nil {
			return command.Decision{}, err
		}
	}
	d, w, deploy, err := c.workload(t, &svc)
	if err != nil {
		return command.Decision{}, err
	}
	if deploy || c.places() {
		if err := t.checkWorkload(cluster, &svc, d, w); err != nil {
			return command.Decision{}, err
		}
	}
	t.read(clusters.Read(cluster, true), services.Read(old, true))
	c.applyWithout(t, &svc, w)
	t.add(services.Put(&svc))
	next := &svc
	if deploy {
		t.read(definitions.Read(d, true))
		if next, err = t.deploy(&svc, w, d); err != nil {
			return command.Decision{}, err
		}
	}
	t.releaseHolds(next)
	return t.reply(next)
}

// places reports whether the update changes where tasks are placed. Other changes
// without a new deployment are possible although the Cloud Map service of a registry,
// or the task definition, is gone.
func (c *UpdateService) places() bool {
	return c.CapacityProviderStrategy != nil || c.PlacementConstraints != nil || c.PlacementStrategy != nil
}

// workload returns the workload after the update, and whether it needs a new deployment.
func (c *UpdateService) workload(t *transaction, svc *Service) (*Definition, *Workload, bool, error) {
	current := svc.Primary()
	w := current.Workload
	d, ok := t.state().Definition(svc.Account, w.Family, w.Revision)
	if c.Family != "" {
		named, err := t.state().runnable(svc.Account, c.Family, c.Revision)
		if err != nil {
			return nil, nil, false, err
		}
		d, ok, w.Family, w.Revision = named, true, named.Family, named.Revision
	}
	if !ok {
		return nil, nil, false, ErrDefinitionNotFound()
	}
	w.NetworkConfiguration = first(c.NetworkConfiguration, w.NetworkConfiguration)
	if !d.awsvpc() && c.NetworkConfiguration == nil {
		w.NetworkConfiguration = nil
	}
	w.ServiceConnect = first(c.ServiceConnect, w.ServiceConnect)
	set(&w.PlatformVersion, c.PlatformVersion)
	set(&w.ServiceRegistries, c.ServiceRegistries)
	set(&w.Volumes, c.Volumes)
	changed := !reflect.DeepEqual(normal(w), normal(current.Workload))
	if c.CapacityProviderStrategy != nil {
		w.CapacityProviderStrategy, w.LaunchType = *c.CapacityProviderStrategy, ""
	}
	return d, &w, changed || c.ForceNewDeployment, nil
}

// normal returns a workload in which empty lists are nil.
func normal(w Workload) Workload {
	if len(w.ServiceRegistries) == 0 {
		w.ServiceRegistries = nil
	}
	if len(w.Volumes) == 0 {
		w.Volumes = nil
	}
	return w
}

// applyWithout sets what changes without a new deployment. After any update, failed
// starts do not delay new ones.
func (c *UpdateService) applyWithout(t *transaction, svc *Service, w *Workload) {
	d := svc.Primary()
	if c.CapacityProviderStrategy != nil {
		d.CapacityProviderStrategy, d.LaunchType = w.CapacityProviderStrategy, w.LaunchType
	}
	d.Updated = t.meta.Now
	d.startNow()
	if d.RolloutState != RolloutFailed {
		d.FailedTasks = 0
	}
	svc.Blocked, svc.BlockedReason = 0, ""
}

// releaseHolds lets tasks register again whose instances somebody else has deregistered.
func (t *transaction) releaseHolds(svc *Service) {
	for _, old := range slices.Collect(t.state().TasksOfService(svc.Account, svc.Cluster, svc.Name)) {
		if slices.ContainsFunc(old.Registrations, func(r Registration) bool { return r.Held }) {
			x := *old
			x.Registrations = released(old.Registrations)
			t.putTask(&x)
		}
	}
}

// DeleteService implements DeleteService. Reply.Value is the *Service.
type DeleteService struct {
	Cluster, Name string
	Force         bool
}

// Decide implements command.Command.
func (c *DeleteService) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	t := begin(v, m)
	if _, err := t.state().ActiveCluster(m.Account, c.Cluster); err != nil {
		return command.Decision{}, err
	}
	svc, ok := t.state().Service(m.Account, c.Cluster, c.Name)
	switch {
	case !ok || svc.Status == Inactive:
		return command.Decision{}, ErrServiceNotFound()
	case svc.Status == Draining:
		return command.Decision{Reply: command.Reply{Value: svc}}, nil
	case svc.DesiredCount > 0 && svc.SchedulingStrategy == Replica && !c.Force:
		return command.Decision{}, command.Invalid("The service cannot be stopped while it is scaled above 0.")
	}
	t.supersede(svc)
	svc = t.changeService(svc, func(svc *Service) { svc.Status, svc.DesiredCount = Draining, 0 })
	return t.reply(svc)
}

// deleteHistory deletes the records of a deleted service, but not its own.
func (t *transaction) deleteHistory(svc *Service) {
	t.deleteEvents(svc)
	for _, r := range slices.Collect(t.state().revisionsOf(svc.Account, svc.Cluster, svc.Name)) {
		t.add(revisions.Delete(r))
	}
	for _, d := range slices.Collect(t.state().ServiceDeployments(svc.Account, svc.Cluster, svc.Name)) {
		t.add(deployments.Delete(d))
	}
}
