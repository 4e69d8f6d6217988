package task

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Attributes of the instances of tasks. The health of an instance is set by
// AWS_INIT_HEALTH_STATUS and later as custom health.
const (
	attrZone     = "AVAILABILITY_ZONE"
	attrRegion   = "REGION"
	attrCluster  = "ECS_CLUSTER_NAME"
	attrService  = "ECS_SERVICE_NAME"
	attrFamily   = "ECS_TASK_DEFINITION_FAMILY"
	attrEC2      = "EC2_INSTANCE_ID"
	actionSignUp = "servicediscovery:RegisterInstance"
)

// target is a Cloud Map service in which a task registers.
type target struct {
	service *registry.Service
	// container and port say what AWS_INSTANCE_PORT is. Without a container, port is the
	// value. Both empty: no port, or that of the only mapping.
	container string
	port      int
	// problem is why the task cannot register; service is nil then. name is for messages.
	problem error
	name    string
}

// runContext is what a task runs.
type runContext struct {
	definition *Definition // with the container of the proxy
	service    *Service    // nil for a standalone task
	workload   *Workload
	connect    []ServiceConnectResource
	proxied    bool // the task has a proxy of Service Connect
}

// contextOf returns what a task runs. The definition is nil if it is gone.
func contextOf(s *State, x *Task) runContext {
	var c runContext
	c.definition, _ = s.Definition(x.Account, x.Family, x.Revision)
	if x.Service != "" {
		c.setWorkload(s, x)
	}
	if x.Proxy != "" && c.workload != nil {
		c.proxied = true
		c.definition = c.definition.withProxy(x, c.workload.ServiceConnect)
	}
	return c
}

// setWorkload finds the service and the workload of a task.
func (c *runContext) setWorkload(s *State, x *Task) {
	if c.service, _ = s.Service(x.Account, x.Cluster, x.Service); c.service != nil {
		if d := c.service.deployment(x.Deployment); d != nil {
			c.workload, c.connect = &d.Workload, d.ServiceConnectServices
			return
		}
	}
	if r, ok := s.Revision(x.Account, x.Cluster, x.Service, x.Deployment); ok {
		c.workload, c.connect = &r.Workload, r.ServiceConnectServices
	}
}

// deployment returns the deployment with a number, or nil.
func (svc *Service) deployment(number string) *Deployment {
	for i := range svc.Deployments {
		if svc.Deployments[i].Number == number {
			return &svc.Deployments[i]
		}
	}
	return nil
}

// registers reports whether a task registers anywhere.
func (c *runContext) registers() bool {
	return c.workload != nil && (len(c.workload.ServiceRegistries) > 0 || len(c.connect) > 0) || len(c.definition.blocks()) > 0
}

// targets returns the Cloud Map services of a task. The serviceRegistries of its service
// come first; a block that names one of them is ignored.
func (t *transaction) targets(account command.AccountID, c *runContext) []target {
	var all []target
	known := map[registry.ServiceID]bool{}
	add := func(x target) {
		if x.service == nil || !known[x.service.ID] {
			all = append(all, x)
		}
		if x.service != nil {
			known[x.service.ID] = true
		}
	}
	if c.workload != nil {
		for i := range c.workload.ServiceRegistries {
			add(t.registryTarget(account, &c.workload.ServiceRegistries[i]))
		}
	}
	blocks := c.definition.blocks()
	for i := range blocks {
		b := &blocks[i]
		svc, err := t.ensureBlock(account, c.definition, b)
		add(target{service: svc, container: b.ContainerName, port: b.ContainerPort, problem: err, name: b.NamespaceID + "/" + b.ServiceName})
	}
	for _, x := range c.connect {
		container, port := c.connectPort(x.DiscoveryName)
		svc, err := t.registry().FindService(t.cloudMap, account, x.ARN)
		add(target{service: svc, container: container, port: port, problem: err, name: x.ARN})
	}
	return all
}

func (t *transaction) registryTarget(account command.AccountID, r *ServiceRegistry) target {
	svc, err := t.registry().FindService(t.cloudMap, account, r.RegistryARN)
	x := target{service: svc, problem: err, name: r.RegistryARN}
	switch {
	case r.ContainerName != "" && r.ContainerPort != nil:
		x.container, x.port = r.ContainerName, int(*r.ContainerPort)
	case r.Port != nil:
		x.port = int(*r.Port)
	}
	return x
}

// authorize asks whether the role of a task may register it in its Cloud Map services.
func (t *transaction) authorize(x *Task, c *runContext) error {
	if t.rules.Authorize == nil || t.rules.Strict {
		return nil
	}
	role := x.actingRole(c.definition)
	if role == "" {
		return nil
	}
	for _, target := range t.targets(x.Account, c) {
		if target.service == nil {
			continue
		}
		svc := target.service
		keys := map[string][]string{
			"servicediscovery:ServiceArn": {t.cloudMap.ServiceARN(svc.Account, svc.ID)}, "servicediscovery:ServiceCreatedByAccount": {string(svc.CreatedBy)},
		}
		if ns, ok := t.registry().Namespace(svc.Account, svc.Namespace); ok {
			keys["servicediscovery:NamespaceArn"] = []string{t.cloudMap.NamespaceARN(ns.Account, ns.ID)}
			keys["servicediscovery:NamespaceName"] = []string{ns.Name}
			keys["servicediscovery:ServiceName"] = []string{svc.Name}
		}
		err := t.rules.Authorize(t.view, &Authorization{
			Account: x.Account, Role: role, Session: x.ID, Action: actionSignUp,
			Resource: t.cloudMap.ServiceARN(svc.Account, svc.ID), Tags: maps.Collect(svc.Tags.All()), Keys: keys,
		})
		if err != nil {
			return errors.New("ResourceInitializationError: unable to register service discovery instance: AccessDeniedException: " + err.Error())
		}
	}
	return nil
}

// actingRole returns the ARN of the role that registers a task. Empty: the role of the
// system, which may do it always.
func (x *Task) actingRole(d *Definition) string {
	role := x.roleRef(d)
	if role == "" || arn.Is(role) {
		return role
	}
	return arn.Format("iam", "", x.Account, "role/"+role)
}

// roleRef returns the role as it was given: an ARN or a name.
func (x *Task) roleRef(d *Definition) string {
	if o := x.Overrides; o != nil && o.ExecutionRoleARN != "" {
		return o.ExecutionRoleARN
	}
	if d.ExecutionRoleARN != "" {
		return d.ExecutionRoleARN
	}
	if o := x.Overrides; o != nil && o.TaskRoleARN != "" {
		return o.TaskRoleARN
	}
	return d.TaskRoleARN
}

// register registers a task where it is not registered yet. It reports whether it is
// registered everywhere; otherwise Problem of a registration says why not.
func (t *transaction) register(x *Task, c *runContext) (complete bool) {
	complete = true
	var all []Registration
	for _, target := range t.targets(x.Account, c) {
		r := x.registration(target)
		if r.Registered == 0 && !r.Held {
			t.registerIn(x, c, target, &r)
		}
		complete = complete && (r.Registered != 0 || r.Held)
		all = append(all, r)
	}
	x.Registrations = all
	return complete
}

// registration returns what a task knows of its registration in a target.
func (x *Task) registration(target target) Registration {
	if target.service == nil {
		r := Registration{Name: target.name, Problem: target.problem.Error()}
		if i := slices.IndexFunc(x.Registrations, func(old Registration) bool { return old.Service == "" && old.Name == target.name }); i >= 0 {
			r.Tried = x.Registrations[i].Tried
		}
		return r
	}
	for _, r := range x.Registrations {
		if r.Service == string(target.service.ID) && r.Owner == target.service.Account {
			return r
		}
	}
	return Registration{Service: string(target.service.ID), Owner: target.service.Account}
}

func (t *transaction) registerIn(x *Task, c *runContext, target target, r *Registration) {
	r.Tried = t.meta.Now
	if target.service == nil {
		return
	}
	attributes, port := t.attributes(x, c, target)
	registryARN := t.cloudMap.ServiceARN(target.service.Account, target.service.ID)
	r.Attempts++
	_, err := t.call(x.Account, &registry.RegisterInstance{ServiceRef: registryARN, ID: registry.InstanceID(x.ID), Attributes: attributes})
	if err != nil {
		r.Problem = err.Error()
		return
	}
	svc, _ := t.registry().Service(target.service.Account, target.service.ID)
	inst, ok := svc.Instance(registry.InstanceID(x.ID))
	if !ok {
		r.Problem = "the operation of Cloud Map failed"
		return
	}
	r.Registered, r.Port, r.Problem, r.Tried, r.Attempts = inst.Registered, port, "", 0, 0
	if attributes[registry.AttrInitHealthStatus] != registry.Unhealthy.String() {
		x.Answered = true
	}
	if c.service != nil {
		t.event(c.service, "registered 1 instances in (service-registry %s)", registryARN)
	}
}

// attributes returns the attributes of the instance of a task, and its port.
func (t *transaction) attributes(x *Task, c *runContext, target target) (map[string]string, int) {
	a := map[string]string{attrRegion: t.rules.Region, attrCluster: x.Cluster, attrFamily: x.Family}
	if x.Zone != "" {
		a[attrZone] = x.Zone
	}
	if x.Service != "" {
		a[attrService] = x.Service
	}
	if n := x.Network; n != nil {
		if n.IPv4 != "" {
			a[registry.AttrIPv4] = n.IPv4
		}
		if n.IPv6 != "" {
			a[registry.AttrIPv6] = n.IPv6
		}
	}
	if !c.definition.awsvpc() {
		t.addNode(x, a)
	}
	port := x.portOf(c.definition, target, t.rules.Strict)
	if port > 0 {
		a[registry.AttrPort] = strconv.Itoa(port)
	}
	if target.service.CustomHealth {
		a[registry.AttrInitHealthStatus] = registry.Healthy.String()
		if c.definition.hasChecks() && checkedHealth(c.definition, x) != HealthHealthy {
			a[registry.AttrInitHealthStatus] = registry.Unhealthy.String()
		}
	}
	return a, port
}

// addNode adds the addresses of the node, if the runner has reported none, and the id
// of the container instance.
func (t *transaction) addNode(x *Task, a map[string]string) {
	i, ok := t.state().Instance(x.Account, x.Cluster, x.Instance)
	if !ok {
		return
	}
	if i.EC2InstanceID != "" {
		a[attrEC2] = i.EC2InstanceID
	}
	n, ok := t.state().Node(i.Node)
	if !ok || a[registry.AttrIPv4] != "" || a[registry.AttrIPv6] != "" {
		return
	}
	if n.IPv4 != "" {
		a[registry.AttrIPv4] = n.IPv4
	}
	if n.IPv6 != "" {
		a[registry.AttrIPv6] = n.IPv6
	}
}

// portOf returns AWS_INSTANCE_PORT, or 0 without one.
func (x *Task) portOf(d *Definition, target target, strict bool) int {
	container, port := target.container, target.port
	addresses := target.service.DNS != nil && !target.service.DNS.Has(registry.RecordSRV)
	if container == "" && port == 0 && !strict {
		container, port = d.onlyPort()
	}
	if strict && addresses {
		return 0
	}
	if container == "" || d.networkMode() != "bridge" {
		return port
	}
	if state := x.container(container); state != nil {
		for _, b := range state.Bindings {
			if b.ContainerPort == port {
				return b.HostPort
			}
		}
	}
	return 0
}

// deregister removes a task from Cloud Map.
func (t *transaction) deregister(x *Task) {
	if len(x.Registrations) == 0 {
		return
	}
	all := make([]Registration, len(x.Registrations))
	for i, r := range x.Registrations {
		if r.Registered != 0 {
			// An instance or service that is gone is no problem.
			_, _ = t.call(x.Account, &registry.DeregisterInstance{
				ServiceRef: t.cloudMap.ServiceARN(r.Owner, registry.ServiceID(r.Service)), ID: registry.InstanceID(x.ID),
			})
		}
		r.Registered = 0
		all[i] = r
	}
	x.Registrations = all
}

// setHealth sets the custom health of a task's instances to that of the task.
func (t *transaction) setHealth(x *Task, c *runContext) {
	if !c.definition.hasChecks() {
		return
	}
	health := registry.Unhealthy
	if checkedHealth(c.definition, x) == HealthHealthy {
		health = registry.Healthy
	}
	for _, r := range x.Registrations {
		svc, ok := t.registry().Service(r.Owner, registry.ServiceID(r.Service))
		if !ok || r.Registered == 0 || !svc.CustomHealth {
			continue
		}
		_, err := t.call(x.Account, &registry.SetCustomHealth{
			ServiceRef: t.cloudMap.ServiceARN(r.Owner, svc.ID), ID: registry.InstanceID(x.ID), Health: health,
		})
		if err == nil && health == registry.Healthy {
			x.Answered = true
		}
	}
}
