package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/worker/scheduler"
)

const taskAccount command.AccountID = "000000000000"

// TestTasks runs services on made-up machines: containers fail to start, end by
// themselves and fail their health checks, nodes drain and lose their leases, clients
// change services, and the node of the control plane is killed. In every snapshot, what
// is in Cloud Map and the tasks agree; in the end the services are as asked for.
func TestTasks(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulateTasks(t, uint64(seed)) })
		})
	}
}

// taskWorld is the control plane with its store, and the machines.
type taskWorld struct {
	*testing.T
	random  *rand.Rand
	store   store.Store
	rules   state.Rules
	replica *replica.Replica
	stop    func()
	nodes   []*machine
	web     registry.ServiceID
	webLock sync.Mutex // of web: it is set while watch reads it
	quiet   bool       // nothing fails any more
}

// machine runs containers. Its state outlives the control plane.
type machine struct {
	name  string
	tasks map[string]*container
	dead  bool
}

// container is the only container of a task.
type container struct {
	network, running, ended bool
	health                  string
}

func simulateTasks(t *testing.T, seed uint64) {
	w := &taskWorld{T: t, random: rand.New(rand.NewPCG(seed, 1)), store: memory.New(), rules: state.Rules{
		Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60},
		Task:     task.Rules{Region: "us-east-1", MaxDrain: 60_000, HealthyAfter: 1000, StoppedRetention: 600_000, StartTimeout: 180_000},
	}}
	for n := range 3 {
		w.nodes = append(w.nodes, &machine{name: fmt.Sprint("n", n), tasks: map[string]*container{}})
	}
	w.start()
	w.setUp()
	for range 150 {
		w.event()
		w.work(time.Duration(w.random.IntN(3000)) * time.Millisecond)
	}
	w.quiet = true
	for _, m := range w.nodes {
		m.dead = false
		w.setStatus(m.name, task.Active)
	}
	three := 3
	w.update(&task.UpdateService{ServiceSettings: task.ServiceSettings{DesiredCount: &three}, Family: "good", ForceNewDeployment: true})
	w.work(3 * time.Minute)
	w.converged(three)
	w.stop()
}

// start starts the control plane on the store.
func (w *taskWorld) start() {
	rules := func() *state.Rules { return &w.rules }
	log := slog.New(slog.DiscardHandler)
	rep, err := replica.New(replica.Config{Store: w.store, Rules: rules, Logger: log})
	if err != nil {
		w.Fatal(err)
	}
	worker, err := scheduler.New(scheduler.Config{Replica: rep, Rules: rules, Logger: log})
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 3)
	go func() { done <- rep.Run(ctx) }()
	go func() { done <- worker.Run(ctx) }()
	go func() { done <- w.watch(ctx, rep) }()
	<-rep.Loaded()
	w.replica = rep
	w.stop = func() {
		cancel()
		for range 3 {
			if err := <-done; err != nil {
				w.Error(err)
			}
		}
	}
}

func (w *taskWorld) do(c command.Command) command.Reply {
	w.Helper()
	reply, err := w.replica.Propose(w.Context(), taskAccount, c)
	if err != nil {
		w.Fatalf("%T: %v", c, err)
	}
	return reply
}

func (w *taskWorld) setUp() {
	w.do(&registry.CreateNamespace{Name: "sim.test", Type: registry.DNSPrivate, VPC: "vpc-1"})
	namespace := ""
	for id := range w.replica.Current().Registry.Namespaces(taskAccount, "") {
		namespace = string(id)
	}
	svc := w.do(&registry.CreateService{
		Name: "web", NamespaceRef: namespace, CustomHealth: true, DNS: &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: 5}}},
	}).Value.(*registry.Service)
	w.webLock.Lock()
	w.web = svc.ID
	w.webLock.Unlock()
	w.do(&task.CreateCluster{Name: "c"})
	w.heartbeat()
	cpu, memory, port := int64(100), int64(100), int64(80)
	for _, family := range []string{"good", "checked", "bad"} {
		c := task.ContainerDefinition{Name: "app", Image: "host", CPU: &cpu, Memory: &memory, PortMappings: []task.PortMapping{{ContainerPort: &port}}}
		if family == "checked" {
			c.HealthCheck = &task.HealthCheck{Command: []string{"CMD", "true"}}
		}
		w.do(&task.RegisterTaskDefinition{Definition: task.Definition{Family: family, NetworkMode: "awsvpc", ContainerDefinitions: []task.ContainerDefinition{c}}})
	}
	three, on := 3, true
	w.do(&task.CreateService{
		Cluster: "c", Name: "s",
		Workload: task.Workload{
			Family:               "good",
			NetworkConfiguration: &task.NetworkConfiguration{AwsvpcConfiguration: &task.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
			ServiceRegistries:    []task.ServiceRegistry{{RegistryARN: w.rules.Registry.ServiceARN(taskAccount, w.web)}},
		},
		ServiceSettings: task.ServiceSettings{DesiredCount: &three, DeploymentConfiguration: &task.DeploymentConfiguration{
			DeploymentCircuitBreaker: &task.DeploymentCircuitBreaker{Enable: &on, Rollback: &on},
		}},
	})
}

// heartbeat renews the leases of the nodes that live.
func (w *taskWorld) heartbeat() {
	for i, m := range w.nodes {
		if m.dead {
			continue
		}
		w.do(&task.PutNode{Node: task.Node{
			Name: m.name, Driver: "process", IPv4: "192.0.2.1", Zone: fmt.Sprint("zone-", i), CPU: 4096, Memory: 4096,
			Expires: time.Now().Add(10 * time.Second).UnixMilli(),
		}})
	}
}

func (w *taskWorld) update(c *task.UpdateService) {
	c.Cluster, c.Name = "c", "s"
	w.do(c)
}

// setStatus changes the status of the container instance of a node.
func (w *taskWorld) setStatus(node, status string) {
	for i := range w.replica.Current().Task.Instances(taskAccount, "c", "") {
		if i.Node == node {
			w.do(&task.UpdateInstanceState{Cluster: "c", ID: i.ID, Status: status})
		}
	}
}

// event is one thing that a client does, or that happens.
func (w *taskWorld) event() {
	node := w.nodes[w.random.IntN(len(w.nodes))]
	switch w.random.IntN(12) {
	case 0, 1:
		n := w.random.IntN(12)
		w.update(&task.UpdateService{ServiceSettings: task.ServiceSettings{DesiredCount: &n}})
	case 2, 3:
		w.update(&task.UpdateService{Family: []string{"good", "checked", "bad"}[w.random.IntN(3)], ForceNewDeployment: true})
	case 4:
		w.setStatus(node.name, []string{task.Active, task.Draining}[w.random.IntN(2)])
	case 5:
		node.dead = w.random.IntN(3) == 0
	case 6:
		w.stop()
		w.start()
	case 7:
		for x := range w.replica.Current().Task.Tasks(taskAccount, "c", "") {
			if x.DesiredStatus == task.StatusRunning {
				w.do(&task.StopTask{Cluster: "c", Task: x.ID})
				break
			}
		}
	}
}

// work lets the machines work for some time.
func (w *taskWorld) work(d time.Duration) {
	for end := time.Now().Add(d); ; {
		w.heartbeat()
		for _, m := range w.nodes {
			if !m.dead {
				w.machine(m)
			}
		}
		if !time.Now().Before(end) {
			return
		}
		time.Sleep(time.Duration(100+w.random.IntN(200)) * time.Millisecond)
	}
}

// machine does one step for each task of a node.
func (w *taskWorld) machine(m *machine) {
	for _, x := range slices.Collect(w.replica.Current().Task.TasksOfNode(m.name)) {
		c := m.tasks[x.ID]
		if c == nil {
			c = &container{}
			m.tasks[x.ID] = c
		}
		if c.running && !w.quiet && w.random.IntN(200) == 0 {
			c.running, c.ended = false, true
		}
		w.step(m, x, c)
	}
}

func (w *taskWorld) step(m *machine, x *task.Task, c *container) {
	report := &task.Report{Account: taskAccount, Cluster: "c", Task: x.ID, Node: m.name}
	state := task.ContainerState{Name: "app", LastStatus: task.StatusRunning, Health: c.health}
	switch {
	case x.LastStatus == task.StatusStopped:
		delete(m.tasks, x.ID)
		return
	case x.DesiredStatus == task.StatusStopped && x.LastStatus == task.StatusDeactivating && !c.ended:
		return
	case x.DesiredStatus == task.StatusStopped && c.running:
		c.running, c.ended = false, true
		state.LastStatus = task.StatusStopped
	case x.DesiredStatus == task.StatusStopped:
		report.Removed = true
	case c.ended:
		state.LastStatus = task.StatusStopped
	case x.Family == "bad":
		report.Failure = "CannotPullContainerError: bad"
	case !c.network:
		c.network = true
		report.Network = &task.Network{IPv4: fmt.Sprintf("10.%d.%d.%d", w.random.IntN(256), w.random.IntN(256), w.random.IntN(256))}
	case !c.running:
		c.running = true
	case x.Family == "checked":
		c.health = task.HealthHealthy
		if !w.quiet && w.random.IntN(60) == 0 {
			c.health = task.HealthUnhealthy
		}
		state.Health = c.health
	}
	if c.running || c.ended {
		report.Containers = []task.ContainerState{state}
	}
	w.do(report)
}

// watch checks every snapshot.
func (w *taskWorld) watch(ctx context.Context, rep *replica.Replica) error {
	select {
	case <-rep.Loaded():
	case <-ctx.Done():
		return nil
	}
	for {
		s := rep.Current()
		if err := w.check(s.State); err != nil {
			return err
		}
		select {
		case <-s.Superseded():
		case <-ctx.Done():
			return nil
		}
	}
}

// check compares the tasks with the instances in Cloud Map.
func (w *taskWorld) check(s *state.State) error {
	w.webLock.Lock()
	id := w.web
	w.webLock.Unlock()
	web, ok := s.Registry.Service(taskAccount, id)
	if !ok {
		return nil
	}
	registered := 0
	for x := range s.Task.Tasks(taskAccount, "c", "") {
		_, there := web.Instance(registry.InstanceID(x.ID))
		shall := x.LastStatus == task.StatusRunning && x.DesiredStatus == task.StatusRunning
		if there != shall {
			return fmt.Errorf("task %s is %s (desired %s), in Cloud Map: %v", x.ID, x.LastStatus, x.DesiredStatus, there)
		}
		if there {
			registered++
		}
	}
	if n := web.InstanceCount(); n != registered {
		return fmt.Errorf("%d instances and %d registered tasks", n, registered)
	}
	svc, ok := s.Task.Service(taskAccount, "c", "s")
	if ok && len(svc.Deployments) == 0 {
		return fmt.Errorf("the service has no deployment")
	}
	return nil
}

// converged checks the end.
func (w *taskWorld) converged(desired int) {
	s := w.replica.Current()
	svc, _ := s.Task.Service(taskAccount, "c", "s")
	running, other := 0, 0
	for x := range s.Task.TasksOfService(taskAccount, "c", "s") {
		switch {
		case x.LastStatus == task.StatusRunning && x.Deployment == svc.Primary().Number:
			running++
		case x.LastStatus != task.StatusStopped:
			other++
		}
	}
	if running != desired || other != 0 || len(svc.Deployments) != 1 || svc.Primary().RolloutState != task.RolloutCompleted {
		w.Errorf("%d tasks run, %d others, deployments %+v", running, other, svc.Deployments)
		for _, e := range s.Task.Events(taskAccount, "c", "s")[:10] {
			w.Log(e.Message)
		}
	}
	for _, m := range w.nodes {
		for id, c := range m.tasks {
			x, ok := s.Task.Task(taskAccount, "c", id)
			if c.running && (!ok || x.LastStatus != task.StatusRunning) {
				w.Errorf("a container of task %s runs on %s", id, m.name)
			}
		}
	}
}
