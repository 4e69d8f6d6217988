package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

const one, two = command.AccountID("111111111111"), command.AccountID("222222222222")

// driver is a driver for tests: the networks of all tasks are that of this machine.
type driver struct {
	mu        sync.Mutex
	asked     []netip.AddrPort
	addresses map[string]string // of listeners, by task
}

func (d *driver) Listen(ctx context.Context, id string, address netip.AddrPort) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, address)
	d.addresses[id] = ln.Addr().String()
	return ln, nil
}

func (d *driver) Stats(_ context.Context, _, container string) (json.RawMessage, error) {
	if container != "web" {
		return nil, errors.New("no such container")
	}
	return json.RawMessage(`{"pids_stats":{"current":3}}`), nil
}

// bench is a Server with a task of each of two accounts.
type bench struct {
	*testing.T
	*Server
	driver   *driver
	replica  *replica.Replica
	rules    *state.Rules
	denied   error // answer of Authorize
	issueErr error
	issued   int
	first    *task.Task // of account one
	second   *task.Task // of account two
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, driver: &driver{addresses: map[string]string{}}, rules: &state.Rules{Task: task.Rules{Region: "eu-central-1", StoppedRetention: 60_000}}}
	b.rules.Registry.Region = "eu-central-1"
	b.rules.Task.Authorize = func(_ command.View, a *task.Authorization) error {
		if a.Role != "arn:aws:iam::111111111111:role/web" || a.Action != "ecs:UpdateTaskProtection" {
			t.Errorf("asked for %+v", a)
		}
		return b.denied
	}
	rules := func() *state.Rules { return b.rules }
	rep, err := replica.New(replica.Config{Store: memory.New(), Rules: rules, Logger: slog.New(slog.DiscardHandler)})
	b.must(err)
	b.replica = rep
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = rep.Run(ctx) }) // ends with ctx
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	<-rep.Loaded()
	subnets := []Subnet{
		{VPC: "vpc-0", IPv4: netip.MustParsePrefix("10.1.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.1")},
		{
			VPC: "vpc-1", IPv4: netip.MustParsePrefix("10.0.0.0/24"), IPv6: netip.MustParsePrefix("fd00::/64"), Gateway: netip.MustParseAddr("10.0.0.1"),
			DNS: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Search: []string{"shop.internal"},
		},
	}
	b.Server, err = New(Config{Replica: rep, Rules: rules, Driver: b.driver, Issue: b.issue, Subnets: subnets, Logger: slog.New(slog.DiscardHandler)})
	b.must(err)
	b.propose("", &task.PutNode{Node: task.Node{Name: "n", Driver: "process", CPU: 4096, Memory: 4096, Zone: "eu-central-1a"}})
	b.first, b.second = b.runTask(one, "arn:aws:iam::111111111111:role/web"), b.runTask(two, "")
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) propose(account command.AccountID, c command.Command) any {
	b.Helper()
	reply, err := b.replica.Propose(b.Context(), account, c)
	b.must(err)
	return reply.Value
}

func (b *bench) issue(account command.AccountID, role, session string) (*Credentials, error) {
	if b.issueErr != nil {
		return nil, b.issueErr
	}
	b.issued++
	return &Credentials{AccessKeyID: "ASIA" + string(account), SecretAccessKey: role, Token: session, Expires: time.Now().Add(6 * time.Hour)}, nil
}

func ptr[T any](v T) *T { return &v }

// runTask runs a task with the containers web and log, and opens its endpoint.
func (b *bench) runTask(account command.AccountID, role string) *task.Task {
	b.Helper()
	b.propose(account, &task.CreateCluster{Name: "c"})
	b.propose(account, &task.RegisterTaskDefinition{Definition: task.Definition{
		Family: "shop", NetworkMode: "awsvpc", TaskRoleARN: role, CPU: "512", Memory: "128",
		ContainerDefinitions: []task.ContainerDefinition{
			{
				Name: "web", Image: "web:1", CPU: ptr(int64(10)), Memory: ptr(int64(64)), DockerLabels: map[string]string{"a": "b"},
				PortMappings:     []task.PortMapping{{ContainerPort: ptr(int64(80)), Protocol: "tcp"}},
				LogConfiguration: &task.LogConfiguration{LogDriver: "json-file", Options: map[string]string{"max-size": "1m"}},
			},
			{
				Name: "log", Image: "log:1", Memory: ptr(int64(32)), Essential: ptr(false),
				MountPoints: []task.MountPoint{{SourceVolume: "own", ContainerPath: "/a"}, {SourceVolume: "host", ContainerPath: "/b"}},
			},
		},
		Volumes: []task.Volume{{Name: "own"}, {Name: "host", Host: &task.HostVolumeProperties{SourcePath: "/srv/b"}}},
	}})
	got := b.propose(account, &task.RunTask{
		Cluster: "c", Family: "shop", Count: 1, Tags: []task.Tag{{Key: "k", Value: "v"}},
		NetworkConfiguration: &task.NetworkConfiguration{AwsvpcConfiguration: &task.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}).(*task.RunResult)
	if len(got.Tasks) != 1 {
		b.Fatalf("%+v", got.Failures)
	}
	x := got.Tasks[0]
	b.propose(account, &task.Report{
		Account: account, Cluster: "c", Task: x.ID, Node: "n", PullStarted: 1000, PullStopped: 2000,
		Network: &task.Network{IPv4: "10.0.0.5", IPv6: "fd00::5", MAC: "0a:00:00:00:00:05"},
		Containers: []task.ContainerState{{
			Name: "web", ID: x.Containers[0].ID, LastStatus: task.StatusRunning, RuntimeID: "r-web", ImageDigest: "sha256:1",
			Created: 3000, Started: 4000, Health: task.HealthHealthy, HealthSince: 5000,
		}},
	})
	b.must(b.Open(b.Context(), x))
	b.Cleanup(func() { b.Close(x.ID) })
	x, _ = b.replica.Current().Task.Task(account, "c", x.ID)
	return x
}

// ask sends a request from within the network of a task.
func (b *bench) ask(from *task.Task, method, path, body string) (status int, answer string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, "http://"+b.driver.addresses[from.ID]+path, strings.NewReader(body))
	b.must(err)
	resp, err := http.DefaultClient.Do(req)
	b.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	b.must(err)
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// containerID returns the id of a container of a task.
func containerID(x *task.Task, name string) string {
	for _, c := range x.Containers {
		if c.Name == name {
			return c.ID
		}
	}
	return ""
}

func TestListensAtTheLinkLocalAddress(t *testing.T) {
	b := newBench(t)
	want := netip.MustParseAddrPort("169.254.170.2:80")
	if len(b.driver.asked) != 2 || b.driver.asked[0] != want {
		t.Errorf("listens at %v", b.driver.asked)
	}
	b.must(b.Open(t.Context(), b.first)) // it is open
	if len(b.driver.asked) != 2 {
		t.Error("a task that is served is served twice")
	}
	b.Close("unknown")
}

// Whatever a task asks for, it sees nothing of a task of another account.
func TestPaths(t *testing.T) {
	b := newBench(t)
	web, other := containerID(b.first, "web"), containerID(b.second, "web")
	own, foreign := credentialsID(b.first.ID), credentialsID(b.second.ID)
	const unknown = `unable to get container ID from request: unable to find the container`
	for _, test := range []struct {
		name, method, path string
		status             int
		want               string // is in the answer
	}{
		{"container", "GET", "/v4/" + web, 200, `"Name":"web"`},
		{"container of version 3", "GET", "/v3/" + web, 200, `"DockerId":"r-web"`},
		{"task", "GET", "/v4/" + web + "/task", 200, `"Family":"shop"`},
		{"task of version 3", "GET", "/v3/" + web + "/task", 200, `"Family":"shop"`},
		{"task with tags", "GET", "/v4/" + web + "/taskWithTags", 200, `"TaskTags":{"k":"v"}`},
		{"statistics", "GET", "/v4/" + web + "/stats", 200, `{"pids_stats":{"current":3}}`},
		{"statistics of a container that has none", "GET", "/v4/" + containerID(b.first, "log") + "/stats", 404, `the statistics of the container are not there`},
		{"statistics of the task", "GET", "/v3/" + web + "/task/stats", 200, `{"r-web":{"pids_stats":{"current":3}}}`},
		{"credentials", "GET", "/v2/credentials/" + own, 200, `"RoleArn":"arn:aws:iam::111111111111:role/web"`},
		{"protection", "GET", "/api/" + web + "/task-protection/v1/state", 200, `"ProtectionEnabled":false`},

		{"container of another account", "GET", "/v4/" + other, 404, "V4 container metadata handler: " + unknown},
		{"the same in version 3", "GET", "/v3/" + other + "/task", 404, "V3 container metadata handler: " + unknown},
		{"its statistics", "GET", "/v4/" + other + "/task/stats", 404, unknown},
		{"its credentials", "GET", "/v2/credentials/" + foreign, 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: ID not found"}`},
		{"its protection", "GET", "/api/" + other + "/task-protection/v1/state", 404, `"Code":"ResourceNotFoundException"`},
		{"protect it", "PUT", "/api/" + other + "/task-protection/v1/state", 404, `"Code":"ResourceNotFoundException"`},

		{"no container", "GET", "/v4/", 404, "404 page not found"},
		{"name of a container", "GET", "/v4/web", 404, unknown},
		{"runtime id", "GET", "/v4/r-web", 404, unknown},
		{"id of the task", "GET", "/v4/" + b.first.ID, 404, unknown},
		{"another version", "GET", "/v5/" + web, 404, "404 page not found"},
		{"another method", "POST", "/v4/" + web, 405, "Method Not Allowed"},
		{"no credentials id", "GET", "/v2/credentials/", 400, `"code":"NoIdInRequest"`},
		{"no credentials id at all", "GET", "/v2/credentials", 400, `"code":"NoIdInRequest"`},
		{"another credentials id", "GET", "/v2/credentials/00000000-0000-0000-0000-000000000000", 400, `"code":"InvalidIdInRequest"`},
		{"id of the task for credentials", "GET", "/v2/credentials/" + b.first.ID, 400, `"code":"InvalidIdInRequest"`},
		{"path tricks", "GET", "/v4/" + web + "/..%2f..%2fv2", 404, "404 page not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, answer := b.ask(b.first, test.method, test.path, `{"ProtectionEnabled":true}`)
			if status != test.status || !strings.Contains(strings.ReplaceAll(answer, `\"`, `"`), test.want) {
				t.Errorf("%d %s\nwant %d %s", status, answer, test.status, test.want)
			}
		})
	}
	if status, answer := b.ask(b.second, "GET", "/v2/credentials/"+foreign, ""); status != 503 || !strings.Contains(answer, `"code":"CredentialsUninitialized"`) {
		t.Errorf("a task without a role gets %d %s", status, answer)
	}
}

func TestMetadata(t *testing.T) {
	b := newBench(t)
	web := containerID(b.first, "web")
	arn := "arn:aws:ecs:eu-central-1:111111111111:"
	labels := map[string]any{
		"a": "b", "com.amazonaws.ecs.cluster": arn + "cluster/c", "com.amazonaws.ecs.container-name": "web",
		"com.amazonaws.ecs.task-arn": arn + "task/c/" + b.first.ID, "com.amazonaws.ecs.task-definition-family": "shop", "com.amazonaws.ecs.task-definition-version": "1",
	}
	container := func(version int) map[string]any {
		m := map[string]any{
			"DockerId": "r-web", "Name": "web", "DockerName": "ecs-shop-1-web", "Image": "web:1", "ImageID": "sha256:1", "Labels": labels,
			"Ports":         []any{map[string]any{"ContainerPort": 80., "Protocol": "tcp", "HostPort": 80.}},
			"DesiredStatus": "RUNNING", "KnownStatus": "RUNNING", "Limits": map[string]any{"CPU": 10., "Memory": 64.},
			"CreatedAt": "1970-01-01T00:00:03Z", "StartedAt": "1970-01-01T00:00:04Z", "Type": "NORMAL",
			"Health":   map[string]any{"status": "HEALTHY", "statusSince": "1970-01-01T00:00:05Z"},
			"Networks": []any{map[string]any{"NetworkMode": "awsvpc", "IPv4Addresses": []any{"10.0.0.5"}, "IPv6Addresses": []any{"fd00::5"}}},
		}
		if version == 4 {
			m["LogDriver"], m["LogOptions"] = "json-file", map[string]any{"max-size": "1m"}
			m["ContainerARN"], m["RestartCount"] = arn+"container/c/"+b.first.ID+"/"+web, 0.
			n := m["Networks"].([]any)[0].(map[string]any)
			n["AttachmentIndex"], n["MACAddress"] = 0., "0a:00:00:00:00:05"
			n["IPv4SubnetCIDRBlock"], n["IPv6SubnetCIDRBlock"], n["SubnetGatewayIpv4Address"] = "10.0.0.0/24", "fd00::/64", "10.0.0.1/24"
			n["DomainNameServers"], n["DomainNameSearchList"] = []any{"10.0.0.1"}, []any{"shop.internal"}
			n["PrivateDNSName"] = "ip-10-0-0-5.eu-central-1.compute.internal"
		}
		return m
	}
	for version, path := range map[int]string{3: "/v3/" + web, 4: "/v4/" + web} {
		_, answer := b.ask(b.first, "GET", path, "")
		var got map[string]any
		b.must(json.Unmarshal([]byte(answer), &got))
		if diff := cmp.Diff(container(version), got); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
	}
	_, answer := b.ask(b.first, "GET", "/v4/"+web+"/task", "")
	var got map[string]any
	b.must(json.Unmarshal([]byte(answer), &got))
	containers := got["Containers"].([]any)
	if n := len(containers); n != 2 {
		t.Fatalf("%d containers", n)
	}
	log := containers[1].(map[string]any)
	volumes := []any{map[string]any{"DockerName": "own", "Destination": "/a"}, map[string]any{"Source": "/srv/b", "Destination": "/b"}}
	if diff := cmp.Diff(map[string]any{"Volumes": volumes, "Limits": map[string]any{"CPU": 2., "Memory": 32.}}, map[string]any{"Volumes": log["Volumes"], "Limits": log["Limits"]}); diff != "" {
		t.Error(diff)
	}
	delete(got, "Containers")
	want := map[string]any{
		"Cluster": arn + "cluster/c", "TaskARN": arn + "task/c/" + b.first.ID, "Family": "shop", "Revision": "1", "DesiredStatus": "RUNNING",
		"KnownStatus": b.first.LastStatus, "Limits": map[string]any{"CPU": 0.5, "Memory": 128.}, "PullStartedAt": "1970-01-01T00:00:01Z",
		"PullStoppedAt": "1970-01-01T00:00:02Z", "AvailabilityZone": "eu-central-1a", "VPCID": "vpc-1", "LaunchType": "EC2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProtection(t *testing.T) {
	b := newBench(t)
	path := "/api/" + containerID(b.first, "web") + "/task-protection/v1/state"
	for _, test := range []struct {
		name, body string
		denied     error
		status     int
		want       string
	}{
		{"not JSON", `{`, nil, 400, "does not contain 'ProtectionEnabled' field"},
		{"no member", `{"ExpiresInMinutes":5}`, nil, 400, "does not contain 'ProtectionEnabled' field"},
		{"no time", `{"ProtectionEnabled":true,"ExpiresInMinutes":0}`, nil, 400, "ExpiresInMinutes must be 1 to 2880"},
		{"too long", `{"ProtectionEnabled":true,"ExpiresInMinutes":2881}`, nil, 400, "ExpiresInMinutes must be 1 to 2880"},
		{"too much", `{"ProtectionEnabled":"` + strings.Repeat("x", maxHeader) + `"}`, nil, 400, "does not contain 'ProtectionEnabled' field"},
		{"the role may not", `{"ProtectionEnabled":true}`, errors.New("User: x is not authorized"), 400, "User: x is not authorized"},
		{"a task without a service", `{"ProtectionEnabled":true}`, nil, 400, "TASK_NOT_VALID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b.denied = test.denied
			status, answer := b.ask(b.first, "PUT", path, test.body)
			if status != test.status || !strings.Contains(answer, test.want) {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	path = "/api/" + containerID(b.second, "web") + "/task-protection/v1/state"
	if status, answer := b.ask(b.second, "PUT", path, `{"ProtectionEnabled":true}`); status != 400 || !strings.Contains(answer, "no role") {
		t.Errorf("without a role: %d %s", status, answer)
	}
}

// A task that is gone has nothing, also if its listener is still there.
func TestTaskIsGone(t *testing.T) {
	b := newBench(t)
	web := containerID(b.first, "web")
	h := &handler{Server: b.Server, account: one, cluster: "c", id: "0123456789abcdef0123456789abcdef"}
	b.driver.addresses["gone"] = b.serve(h)
	for path, want := range map[string]int{"/v4/" + web: 404, "/v2/credentials/" + credentialsID(h.id): 400, "/api/" + web + "/task-protection/v1/state": 404} {
		if status, answer := b.ask(&task.Task{ID: "gone"}, "GET", path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}

func (b *bench) serve(h *handler) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	s := &http.Server{Handler: h.routes()}
	go func() { _ = s.Serve(ln) }() // ends with Close
	b.Cleanup(func() { s.Close() })
	return ln.Addr().String()
}

// Credentials are given to a task before it starts, or the start fails.
func TestCredentialsAtTheStart(t *testing.T) {
	b := newBench(t)
	d := &task.Definition{TaskRoleARN: "role"}
	for _, test := range []struct {
		name string
		set  func(*Config)
		d    *task.Definition
		fail error
		want string
	}{
		{"a role", func(*Config) {}, d, nil, "/v2/credentials/" + credentialsID(b.first.ID)},
		{"no role", func(*Config) {}, new(task.Definition), nil, ""},
		{"no role in open mode", func(c *Config) { c.Open = true }, new(task.Definition), nil, "/v2/credentials/" + credentialsID(b.first.ID)},
		{"nobody makes them", func(c *Config) { c.Issue = nil }, d, nil, ""},
		{"a role that cannot be assumed", func(*Config) {}, d, errors.New("unable to assume the role"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := b.cfg
			test.set(&cfg)
			b.issueErr = test.fail
			got, err := (&Server{cfg: cfg}).Credentials(b.first, test.d)
			if got != test.want || !errors.Is(err, test.fail) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// Credentials are made again after half of their time, so those that a task was given
// last are always valid for three hours.
func TestCredentialsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t}
		h := &handler{Server: &Server{cfg: Config{Issue: b.issue}}, account: one, id: "t"}
		for _, test := range []struct {
			after time.Duration
			want  int // made so far
		}{{0, 1}, {time.Hour, 1}, {2*time.Hour - time.Second, 1}, {time.Second, 2}, {time.Hour, 2}, {12 * time.Hour, 3}} {
			time.Sleep(test.after) // of the bubble
			c, err := h.current("role")
			if err != nil {
				t.Fatal(err)
			}
			if b.issued != test.want || time.Until(c.Expires) < 3*time.Hour {
				t.Errorf("after another %v: %d were made, want %d; valid for %v", test.after, b.issued, test.want, time.Until(c.Expires))
			}
		}
		// A failure ends at the next request.
		time.Sleep(4 * time.Hour)
		b.issueErr = errors.New("no seal key")
		if _, err := h.current("role"); err == nil {
			t.Error("there are credentials though none can be made")
		}
		b.issueErr = nil
		if _, err := h.current("role"); err != nil {
			t.Error(err)
		}
	})
}

// A task can open a bounded number of connections.
func TestConnectionsAreLimited(t *testing.T) {
	b := newBench(t)
	address := b.driver.addresses[b.first.ID]
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConnections + 1 {
		c, err := net.Dial("tcp", address)
		b.must(err)
		open = append(open, c)
	}
	last := open[maxConnections]
	if _, err := last.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many is served")
	}
	if status, _ := b.ask(b.second, "GET", "/v4/"+containerID(b.second, "web"), ""); status != 200 {
		t.Errorf("another task gets %d", status)
	}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("nothing is required")
	}
}
