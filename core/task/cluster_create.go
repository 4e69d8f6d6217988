package task

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// DefaultCluster is the cluster of requests that name none.
const DefaultCluster = "default"

// Capacity providers that every account has; they are not stored.
const (
	ProviderFargate     = "FARGATE"
	ProviderFargateSpot = "FARGATE_SPOT"
)

var clusterPattern = newPattern(`[a-zA-Z0-9\-_]`, 255)

// ClusterInput is what a request says of a cluster.
type ClusterInput struct {
	Settings          []ClusterSetting
	Configuration     *ClusterConfiguration
	CapacityProviders []string
	Strategy          []CapacityProviderStrategyItem
	// ServiceConnect is the name or the ARN of a namespace of Cloud Map. Nil: it was
	// left out. "" removes the default.
	ServiceConnect *string
	Tags           []Tag
}

// CreateCluster creates a cluster, in which nodes with a runner register in the same
// transaction. The reply has the *Cluster. A cluster that exists already is returned as
// it is.
type CreateCluster struct {
	Name string
	ClusterInput
}

// Decide implements command.Command.
func (c *CreateCluster) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if err := CheckClusterName(c.Name); err != nil {
		return command.Decision{}, err
	}
	old, exists := s.Cluster(m.Account, c.Name)
	if exists && old.Status == Active {
		return command.Decision{Reads: []command.Read{clusters.Read(old, true)}, Reply: command.Reply{Value: old}}, nil
	}
	if err := checkTags(c.Tags); err != nil {
		return command.Decision{}, err
	}
	cluster, err := newCluster(v, m, c.Name)
	if err != nil {
		return command.Decision{}, err
	}
	cluster.Tags = c.Tags
	decision := command.Decision{Reads: []command.Read{clusters.Read(cluster, exists)}, Reply: command.Reply{Value: cluster}}
	if err := c.ClusterInput.apply(v, m, cluster, &decision); err != nil {
		return command.Decision{}, err
	}
	t := begin(v, m)
	t.read(decision.Reads...)
	t.add(append(decision.Changes, clusters.Put(cluster))...)
	t.joinCluster(cluster) // so that tasks can run there at once
	return t.reply(cluster)
}

// newCluster returns a cluster with defaults, or the error of the quota.
func newCluster(v command.View, m *command.Meta, name string) (*Cluster, error) {
	s, _ := stateOf(v)
	if limit := v.Quota(m.Account, &quotaClusters); limit > 0 {
		n := 0
		for range s.Clusters(m.Account, "") {
			if n++; n >= limit {
				return nil, &command.LimitExceeded{What: quotaClusters.What, Limit: limit}
			}
		}
	}
	value := s.SettingValue(m.Account, settingInsights, "")
	return &Cluster{
		Account: m.Account, Name: name, Status: Active, Created: m.Now,
		Settings: []ClusterSetting{{Name: settingInsights, Value: value}},
	}, nil
}

// useCluster returns an active cluster for a command that puts something into it. The
// default cluster is created if it does not exist; then the change is returned too.
func useCluster(v command.View, m *command.Meta, name string) (*Cluster, []command.Change, command.Read, error) {
	s, _ := stateOf(v)
	c, ok := s.Cluster(m.Account, name)
	switch {
	case ok && c.Status == Active:
		return c, nil, clusters.Read(c, true), nil
	case name == DefaultCluster:
		c, err := newCluster(v, m, name)
		if err != nil {
			return nil, nil, command.Read{}, err
		}
		return c, []command.Change{clusters.Put(c)}, clusters.Read(c, ok), nil
	case ok:
		return nil, nil, command.Read{}, errClusterInactive()
	}
	return nil, nil, command.Read{}, ErrClusterNotFound()
}

// ActiveCluster returns a cluster that was not deleted, or the error that AWS gives.
func (s *State) ActiveCluster(account command.AccountID, name string) (*Cluster, error) {
	c, ok := s.Cluster(account, name)
	switch {
	case !ok:
		return nil, ErrClusterNotFound()
	case c.Status != Active:
		return nil, errClusterInactive()
	}
	return c, nil
}

// CheckClusterName checks the name of a cluster in a request, whether it exists or not.
func CheckClusterName(name string) error {
	if !clusterPattern.MatchString(name) {
		return command.Invalid("Invalid request retrieving cluster: ClusterName must match %s", clusterPattern)
	}
	return nil
}

// apply checks the input and sets it. A namespace of Service Connect that does not exist
// is created in the same decision.
func (in *ClusterInput) apply(v command.View, m *command.Meta, c *Cluster, d *command.Decision) error {
	settings, err := mergeSettings(c.Settings, in.Settings)
	if err != nil {
		return err
	}
	c.Settings = settings
	if in.Configuration != nil {
		if err := in.Configuration.check(); err != nil {
			return err
		}
		c.Configuration = in.Configuration
	}
	if in.CapacityProviders != nil || in.Strategy != nil {
		if err := checkProviders(in.CapacityProviders, in.Strategy); err != nil {
			return err
		}
		c.CapacityProviders, c.DefaultCapacityProviderStrategy = in.CapacityProviders, in.Strategy
	}
	if in.ServiceConnect == nil {
		return nil
	}
	c.ServiceConnectNamespace, err = connectNamespace(v, m, *in.ServiceConnect, d)
	return err
}

// mergeSettings returns settings with others replaced.
func mergeSettings(settings, others []ClusterSetting) ([]ClusterSetting, error) {
	merged := slices.Clone(settings)
	for _, o := range others {
		if o.Name != settingInsights || !slices.Contains(settingValues[settingInsights], o.Value) {
			return nil, command.Invalid("settings has %s with the value %s: there is %s with one of %s", quote(o.Name), quote(o.Value), settingInsights, strings.Join(settingValues[settingInsights], ", "))
		}
		if i := slices.IndexFunc(merged, func(x ClusterSetting) bool { return x.Name == o.Name }); i >= 0 {
			merged[i] = o
		} else {
			merged = append(merged, o)
		}
	}
	return merged, nil
}

func (c *ClusterConfiguration) check() error {
	e := c.ExecuteCommandConfiguration
	if e == nil {
		return nil
	}
	if e.Logging == "OVERRIDE" && e.LogConfiguration == nil {
		return command.Invalid("executeCommandConfiguration with logging OVERRIDE needs a logConfiguration")
	}
	if e.Logging != "OVERRIDE" && e.LogConfiguration != nil {
		return command.Invalid("executeCommandConfiguration with a logConfiguration needs logging OVERRIDE, not %s", quote(e.Logging))
	}
	return nil
}

// checkProviders checks the capacity providers of a cluster and its default strategy.
func checkProviders(providers []string, strategy []CapacityProviderStrategyItem) error {
	const most = 20
	if len(providers) > most || len(strategy) > most {
		return command.Invalid("capacityProviders and defaultCapacityProviderStrategy can have at most %d items.", most)
	}
	seen := map[string]bool{}
	for _, p := range providers {
		if p != ProviderFargate && p != ProviderFargateSpot {
			return command.Invalid("The specified capacity provider %s does not exist. Specify a valid value and try again: there are %s and %s", quote(p), ProviderFargate, ProviderFargateSpot)
		}
		if seen[p] {
			return command.Invalid("The specified capacity provider %s is there twice", quote(p))
		}
		seen[p] = true
	}
	return checkStrategy(strategy, seen)
}

// checkStrategy checks a strategy of capacity providers that a cluster has.
func checkStrategy(strategy []CapacityProviderStrategyItem, providers map[string]bool) error {
	bases, weights := 0, int64(0)
	for _, item := range strategy {
		if !providers[item.CapacityProvider] {
			return command.Invalid("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster: %s. Associate the capacity provider with the cluster, and try again.", quote(item.CapacityProvider))
		}
		if deref(item.Base) > 0 {
			bases++
		}
		weights += deref(item.Weight)
	}
	if bases > 1 {
		return command.Invalid("The specified capacity provider strategy can have one item with a base above 0, not %d", bases)
	}
	if len(strategy) > 1 && weights == 0 {
		return command.Invalid("The specified capacity provider strategy must have a weight above 0 on at least one capacity provider.")
	}
	return nil
}

// connectNamespace returns the ARN of the namespace for Service Connect with a name or an
// ARN. One that does not exist by name is created: its changes are added to d.
func connectNamespace(v command.View, m *command.Meta, ref string, d *command.Decision) (string, error) {
	reg, rules := cloudMapOf(v)
	if ref == "" {
		return "", nil
	}
	if arn.Is(ref) {
		ns, err := reg.FindNamespace(rules, m.Account, ref)
		if err != nil {
			return "", NewError(NamespaceNotFound, "The namespace %s was not found.", quote(ref))
		}
		return rules.NamespaceARN(ns.Account, ns.ID), nil
	}
	for _, ns := range reg.VisibleNamespaces(rules, m.Account, "") {
		if ns.Name == ref {
			return rules.NamespaceARN(ns.Account, ns.ID), nil
		}
	}
	create := &registry.CreateNamespace{Type: registry.HTTP, Name: ref, Tags: []registry.Tag{{Key: tagManaged, Value: "true"}}}
	created, err := create.Decide(v, m)
	if err != nil {
		return "", err
	}
	d.Changes, d.Reads = append(d.Changes, created.Changes...), append(d.Reads, created.Reads...)
	ns := created.Reply.Value.(*registry.Namespace) // an HTTP namespace has no zone that could fail
	return rules.NamespaceARN(ns.Account, ns.ID), nil
}

// tagManaged marks what ECS has created in Cloud Map.
const tagManaged = "AmazonECSManaged"
