package task

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/guard"
	"github.com/cairn-discovery/cairn/core/registry"
)

// checkWorkload checks the workload of a service and fills in defaults.
func (t *transaction) checkWorkload(cluster *Cluster, svc *Service, d *Definition, w *Workload) error {
	launch, platform, strategy, err := checkLaunch(cluster, d, w.LaunchType, w.PlatformVersion, w.CapacityProviderStrategy)
	if err != nil {
		return err
	}
	w.LaunchType, w.PlatformVersion, w.CapacityProviderStrategy = launch, platform, strategy
	if svc.SchedulingStrategy == Daemon && (launch == launchFargate || len(strategy) > 0) {
		return command.Invalid("The daemon scheduling strategy is not supported with the FARGATE launch type or a capacity provider strategy.")
	}
	if err := checkNetwork(d, w.NetworkConfiguration); err != nil {
		return err
	}
	if err := checkPlacement(launch, svc.PlacementConstraints, svc.PlacementStrategy); err != nil {
		return err
	}
	if err := t.checkRegistries(svc.Account, d, w.ServiceRegistries); err != nil {
		return err
	}
	return t.checkConnect(cluster, svc, d, w)
}

// maxRegistries is the highest number of registries of a service. AWS allows one.
const (
	maxRegistries       = 5
	maxRegistriesStrict = 1
)

// checkRegistries applies the rules of "Using service discovery" in the ECS developer
// guide.
func (t *transaction) checkRegistries(account command.AccountID, d *Definition, all []ServiceRegistry) error {
	limit := maxRegistries
	if t.rules.Strict {
		limit = maxRegistriesStrict
	}
	if len(all) > limit {
		return command.Invalid("service registries can have at most %d items.", limit)
	}
	seen := map[registry.ServiceID]bool{}
	for i := range all {
		svc, err := t.checkRegistry(account, d, &all[i])
		if err != nil {
			return err
		}
		if seen[svc.ID] {
			return command.Invalid("serviceRegistries has the same registry twice. Registry: %s", all[i].RegistryARN)
		}
		seen[svc.ID] = true
	}
	return nil
}

func (t *transaction) checkRegistry(account command.AccountID, d *Definition, r *ServiceRegistry) (*registry.Service, error) {
	if r.Port != nil && (r.ContainerName != "" || r.ContainerPort != nil) {
		return nil, command.Invalid("Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. Remove one and retry.")
	}
	svc, err := t.registry().FindService(t.cloudMap, account, r.RegistryARN)
	if err != nil {
		return nil, NewError(ClientError, `The service registry could not be validated. Route 53 error: "ServiceNotFound."`)
	}
	return svc, checkRegistryMembers(d, svc, r)
}

// checkRegistryMembers checks a registry against its Cloud Map service and the network
// mode of the tasks.
func checkRegistryMembers(d *Definition, svc *registry.Service, r *ServiceRegistry) error {
	pair := r.ContainerName != "" || r.ContainerPort != nil
	complete := r.ContainerName != "" && r.ContainerPort != nil
	mode := d.networkMode()
	srv := svc.DNS.Has(registry.RecordSRV)
	switch {
	case mode == "none":
		return command.Invalid("Service registries are not supported when networkMode=none. Registry: %s", r.RegistryARN)
	case svc.DNS.Has(registry.RecordCNAME):
		return command.Invalid("Service registries with CNAME records are not supported. Registry: %s", r.RegistryARN)
	case svc.DNS != nil && !srv && mode != "awsvpc":
		return command.Invalid("When specifying '%s' for networkMode, the service registry must have SRV records. Registry: %s", mode, r.RegistryARN)
	case svc.DNS != nil && !srv && (pair || r.Port != nil):
		member := "containerPort"
		if r.Port != nil {
			member = "port"
		}
		return command.Invalid("The values specified for serviceRegistries do not require a value for '%s'. Remove the value and retry. Registry: %s", member, r.RegistryARN)
	case mode != "awsvpc" && !complete && (srv || pair || r.Port != nil):
		return command.Invalid("When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be specified from the task definition. Registry: %s", r.RegistryARN)
	case srv && !complete && r.Port == nil:
		return command.Invalid("When the service registry has SRV records, a value for 'port', or values for 'containerName' and 'containerPort', must be specified. Registry: %s", r.RegistryARN)
	case pair && !complete:
		return command.Invalid("Values for both 'containerName' and 'containerPort' must be specified. Registry: %s", r.RegistryARN)
	case r.Port != nil && (*r.Port < 1 || *r.Port > maxUint16):
		return command.Invalid("The value %d of 'port' is not a port from 1 to %d. Registry: %s", *r.Port, maxUint16, r.RegistryARN)
	case complete:
		return checkPair(d, r)
	}
	return nil
}

func checkPair(d *Definition, r *ServiceRegistry) error {
	c := d.container(r.ContainerName)
	if c == nil {
		return command.Invalid("The container %s of serviceRegistries does not exist in the task definition. Registry: %s", r.ContainerName, r.RegistryARN)
	}
	if !c.hasPort(int(*r.ContainerPort)) {
		return command.Invalid("The container %s of serviceRegistries does not have a port mapping for the container port %d. Registry: %s", r.ContainerName, *r.ContainerPort, r.RegistryARN)
	}
	return nil
}

// maxAliasName is the highest number of characters of the dnsName of a client alias; see
// ServiceConnectClientAlias in the ECS API.
const maxAliasName = 127

// checkConnect checks the configuration of Service Connect. The rule of discoveryName, which
// is by default the name of a port, is that of names of ports.
func (t *transaction) checkConnect(cluster *Cluster, svc *Service, d *Definition, w *Workload) error {
	c := w.ServiceConnect
	if !c.enabled() {
		return nil
	}
	ns, err := t.connectNamespaceOf(cluster, svc.Account, c)
	if err != nil {
		return err
	}
	if len(c.Services) > 0 && !d.awsvpc() && d.networkMode() != "bridge" {
		return command.Invalid("Service Connect is only supported with the network modes awsvpc and bridge.")
	}
	seen := map[string]bool{}
	for i := range c.Services {
		s := &c.Services[i]
		if _, _, ok := d.namedPort(s.PortName); !ok {
			return command.Invalid("portName(%s) does not refer to any named PortMapping in the container definitions", s.PortName)
		}
		if n := len(s.ClientAliases); n > 1 {
			return command.Invalid("%d clientAliases exceeds the max limit of 1", n)
		}
		for _, alias := range s.ClientAliases {
			if p := deref(alias.Port); p < 1 || p > maxUint16 {
				return command.Invalid("The port %d of clientAliases is not from 1 to %d.", p, maxUint16)
			}
			if n := len(alias.DNSName); n > maxAliasName {
				return command.Invalid("The dnsName of clientAliases has %d characters; at most %d are allowed.", n, maxAliasName)
			}
			if alias.DNSName != "" && !validDNSName(alias.DNSName) {
				return command.Invalid("The DNS name that you provided is invalid. The name must be a valid DNS name but doesn't need to be fully-qualified. Name: %s", quote(alias.DNSName))
			}
		}
		if p := deref(s.IngressPortOverride); p < 0 || p > maxUint16 {
			return command.Invalid("The ingressPortOverride %d is not from 1 to %d.", p, maxUint16)
		}
		if o := s.Timeout; o != nil && (deref(o.IdleTimeoutSeconds) < 0 || deref(o.PerRequestTimeoutSeconds) < 0) {
			return command.Invalid("The timeouts of the Service Connect service %s must not be negative.", quote(s.PortName))
		}
		name := s.discoveryName()
		if !portNamePattern.MatchString(name) {
			return command.Invalid("The discoveryName %s must have 1 to 64 lower-case letters, digits, underscores and hyphens, and not begin with a hyphen.", quote(name))
		}
		if seen[name] {
			return command.Invalid("The discoveryName %s is used twice", quote(name))
		}
		seen[name] = true
		if other, ok := ns.Service(name); ok && other.Description != t.managedBy(svc) {
			return command.Invalid("SC service is already used by %s", t.cloudMap.NamespaceARN(ns.Account, ns.ID))
		}
	}
	return t.checkAliases(ns, svc, c)
}

// checkAliases refuses a client alias that is taken: each name and port must be unique within
// the namespace; see ServiceConnectService in the ECS API. Services that are being deleted
// keep theirs until their tasks have stopped, as they keep their discovery names.
func (t *transaction) checkAliases(ns *registry.Namespace, svc *Service, c *ServiceConnectConfiguration) error {
	taken := map[connectAlias]*Service{}
	for i := range c.Services {
		s := &c.Services[i]
		for _, alias := range s.ClientAliases {
			a := aliasOf(&alias, s.discoveryName(), ns)
			if taken[a] != nil {
				return command.Invalid("The client alias %s is used twice. Each name and port must be unique within the namespace.", a)
			}
			taken[a] = svc
		}
	}
	if len(taken) == 0 {
		return nil
	}
	t.add(guard.Touch("connect/" + string(ns.ID))) // two nodes must not both take an alias
	for other := range t.state().connectServices() {
		if other.Account == svc.Account && other.Cluster == svc.Cluster && other.Name == svc.Name {
			continue
		}
		for i := range other.Deployments {
			for _, e := range t.state().endpointsOf(t.registry(), ns, other, &other.Deployments[i]) {
				if a := (connectAlias{e.Name, e.Port}); taken[a] != nil {
					return command.Invalid("The client alias %s is already used by %s in the namespace %s. Each name and port must be unique within the namespace.",
						a, t.holderOf(svc, other), t.cloudMap.NamespaceARN(ns.Account, ns.ID))
				}
			}
		}
	}
	return nil
}

// holderOf names the service that has a client alias. Names of another account are not shown.
func (t *transaction) holderOf(svc, other *Service) string {
	if other.Account != svc.Account {
		return "a service of another account"
	}
	return t.rules.ServiceARN(other.Account, other.Cluster, other.Name)
}

// validDNSName reports whether a name is one of a host, with labels of letters, digits
// and hyphens (RFC 1123 section 2.1).
func validDNSName(name string) bool {
	label := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '.' && label > 0:
			label = -1
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		case c == '-' && label > 0:
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && len(name) <= 253
}
