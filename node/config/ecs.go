package config

import (
	"github.com/cairn-discovery/cairn/core/task"
)

// ECS is how tasks and services of ECS are handled.
type ECS struct {
	// MaxDrain is the longest wait between the moment when a task leaves Cloud Map and
	// its stop signal. The wait is the longest TTL of its DNS records, and can be set
	// for a service with the tag cairn:drain-delay. With compatibility strict there is
	// no wait.
	MaxDrain Duration `yaml:"max_drain" reload:"sighup" check:"min=0s"`
	// HealthyAfter is how long a task without container health checks runs before it
	// counts as healthy in a deployment. AWS waits 40s.
	HealthyAfter Duration `yaml:"healthy_after" reload:"sighup" check:"min=0s"`
	// StoppedRetention is how long stopped tasks and deleted services can be described.
	StoppedRetention Duration `yaml:"stopped_retention" reload:"sighup" check:"min=1s"`
	// StartTimeout is how long a task whose containers run may wait for its registration
	// in Cloud Map before it is stopped.
	StartTimeout Duration `yaml:"start_timeout" reload:"sighup" check:"min=1s"`
	// Clusters are the clusters in which nodes register as container instances, as NAME
	// or ACCOUNT/NAME. Left out, all.
	Clusters []string `yaml:"clusters" reload:"sighup"`
}

func defaultECS() ECS {
	return ECS{MaxDrain: seconds(60), HealthyAfter: seconds(1), StoppedRetention: seconds(3600), StartTimeout: seconds(180)}
}

func taskRules(c *Config) task.Rules {
	ms := func(d Duration) int64 { return d.Milliseconds() }
	return task.Rules{
		Region: c.Region, Strict: c.Strict(), Clusters: c.ECS.Clusters,
		MaxDrain: ms(c.ECS.MaxDrain), HealthyAfter: ms(c.ECS.HealthyAfter),
		StoppedRetention: ms(c.ECS.StoppedRetention), StartTimeout: ms(c.ECS.StartTimeout),
	}
}
