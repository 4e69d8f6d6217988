package task

import "github.com/cairn-discovery/cairn/core/command"

// The rows of the table of quotas; see "Amazon ECS service quotas" in the developer
// guide. The quota instances_per_service of Cloud Map applies beside them.
var (
	quotaClusters = command.Quota{
		Guard: "ecs-clusters",
		Name:  "clusters_per_account", What: "clusters per account", Default: 10_000, Strict: 10_000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			n := map[command.AccountID]int{}
			for _, c := range s.clusters.All() {
				n[c.Account]++
			}
			addAll(n, add)
		},
	}
	quotaContainers = command.Quota{
		Name: "containers_per_task_definition", What: "containers per task definition", Default: maxContainers, Strict: maxContainers,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for _, d := range s.definitions.All() {
				add(d.Account, len(d.ContainerDefinitions))
			}
		},
	}
	quotaRevisions = command.Quota{
		Name: "revisions_per_family", What: "revisions per family of task definitions", Default: maxFamilyRevisions, Strict: maxFamilyRevisions,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for _, f := range s.families.All() {
				add(f.Account, f.Last)
			}
		},
	}
	quotaServices = command.Quota{
		Guard: "ecs-services",
		Name:  "services_per_cluster", What: "services per cluster", Default: 5000, Strict: 5000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			n := map[clusterRef]int{}
			for _, svc := range s.services.All() {
				n[clusterRef{svc.Account, svc.Cluster}]++
			}
			addAllOf(n, add)
		},
	}
	quotaTasks = command.Quota{
		Name: "tasks_per_service", What: "tasks per service", Default: 5000, Strict: 5000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			for _, svc := range s.services.All() {
				add(svc.Account, svc.DesiredCount)
			}
		},
	}
	quotaInstances = command.Quota{
		Guard: "ecs-instances",
		Name:  "container_instances_per_cluster", What: "container instances per cluster", Default: 5000, Strict: 5000,
		Count: func(v command.View, add func(command.AccountID, int)) {
			s, _ := stateOf(v)
			n := map[clusterRef]int{}
			for _, i := range s.instances.All() {
				n[clusterRef{i.Account, i.Cluster}]++
			}
			addAllOf(n, add)
		},
	}
)

// clusterRef names a cluster.
type clusterRef struct {
	account command.AccountID
	cluster string
}

func addAll(n map[command.AccountID]int, add func(command.AccountID, int)) {
	for account, count := range n {
		add(account, count)
	}
}

func addAllOf(n map[clusterRef]int, add func(command.AccountID, int)) {
	for ref, count := range n {
		add(ref.account, count)
	}
}

// quotas are the rows of the slice.
var quotas = []*command.Quota{&quotaClusters, &quotaContainers, &quotaRevisions, &quotaServices, &quotaTasks, &quotaInstances}
