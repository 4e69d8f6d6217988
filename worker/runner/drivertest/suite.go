package drivertest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

type suiteTest struct {
	name string
	run  func(*testing.T, *driven)
}

func suite() []suiteTest {
	return []suiteTest{
		{"runs and exits", testExit},
		{"fails to start", testFailures},
		{"stops by SIGTERM", testStop},
		{"is killed after the timeout", testKill},
		{"is restarted", testRestart},
		{"network of a task", testNetwork},
		{"containers share the network", testShared},
		{"listens in a task", testListen},
		{"a listener leaves its port to the task", testListenPort},
		{"a listener is for its task only", testListenOnly},
		{"survives a restart of the program", testAdopt},
		{"health", testHealth},
		{"a health check that hangs", testHangingCheck},
		{"memory limit", testMemory},
		{"forks", testFork},
		{"environment", testEnvironment},
		{"system controls", testSystemControls},
		{"user and directory", testUser},
		{"volumes", testVolumes},
		{"read-only root", testReadOnly},
		{"logs", testLogs},
		{"stats", testStats},
		{"bridge mode", testBridge},
		{"nothing exists", testNothing},
	}
}

func testExit(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "exit", "7"))
	d.begin(s)
	end := d.state(s, "app", stopped)
	if show(end.ExitCode) != "7" || end.Reason != "" || end.Started == 0 || end.Finished < end.Started || end.RuntimeID == "" || end.ID != "" {
		t.Errorf("%+v, exit code %s", end, show(end.ExitCode))
	}
}

func testFailures(t *testing.T, d *driven) {
	if _, err := d.Pull(t.Context(), "no-such-image:1"); err == nil || !strings.HasPrefix(err.Error(), "CannotPullContainerError: ") {
		t.Errorf("Pull: %v", err)
	}
	c := d.container("app")
	c.EntryPoint = []string{"/no/such/program"}
	s := d.spec(c)
	d.must(d.Prepare(t.Context(), s))
	err := d.Start(t.Context(), s, "app")
	if err == nil || !strings.HasPrefix(err.Error(), "CannotStartContainerError: ") && !strings.HasPrefix(err.Error(), "CannotCreateContainerError: ") {
		t.Errorf("Start: %v", err)
	}
	if o := d.observe(s, "app"); o != nil && o.LastStatus == task.StatusRunning {
		t.Errorf("it runs: %+v", o)
	}
}

func testStop(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "serve", "80"))
	d.begin(s)
	d.waitFor(s, "app", "serving")
	d.must(d.Stop(t.Context(), s.Task.ID, "app", patience))
	end := d.observe(s, "app")
	if end == nil || !stopped(end) || show(end.ExitCode) != "0" {
		t.Errorf("%+v", end)
	}
	if !strings.Contains(d.logs(s, "app"), "terminated") {
		t.Error("it was not terminated by SIGTERM")
	}
	d.must(d.Stop(t.Context(), s.Task.ID, "app", patience)) // it has ended
}

func testKill(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "ignore"))
	d.begin(s)
	d.waitFor(s, "app", "ignoring")
	d.must(d.Stop(t.Context(), s.Task.ID, "app", time.Second))
	if end := d.observe(s, "app"); end == nil || !stopped(end) || show(end.ExitCode) != "137" || end.Reason != "" {
		t.Errorf("%+v", end)
	}
}

func testRestart(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "exit", "3"))
	d.begin(s)
	first := d.state(s, "app", stopped)
	d.must(d.Start(t.Context(), s, "app"))
	second := d.state(s, "app", func(c *task.ContainerState) bool { return stopped(c) && c.Restarts == 1 })
	if second.RuntimeID != first.RuntimeID || second.Created != first.Created || show(second.ExitCode) != "3" {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

func testNetwork(t *testing.T, d *driven) {
	server := d.spec(d.container("app", "serve", "80"))
	d.begin(server)
	d.waitFor(server, "app", "serving")
	address := server.Network.Addresses[0].Addr()
	// The host reaches it.
	client := http.Client{Timeout: patience}
	resp, err := client.Get(fmt.Sprintf("http://%s/", address))
	d.must(err)
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), "hello "+server.Network.Gateways[0].String()+":") {
		t.Errorf("the host is seen as %q", body)
	}
	// Another task reaches it, and is seen with its own address.
	other := d.spec(d.container("app", "get", fmt.Sprintf("http://%s/", address)))
	d.begin(other)
	d.state(other, "app", stopped)
	if out := d.logs(other, "app"); !strings.Contains(out, "hello "+other.Network.Addresses[0].Addr().String()+":") {
		t.Errorf("a task is seen as %q", out)
	}
	o, err := d.Observe(t.Context(), server.Task.ID)
	d.must(err)
	if o.Network == nil || o.Network.Subnet != "default" || len(o.Network.Addresses) != 1 || o.Network.Addresses[0] != server.Network.Addresses[0] || o.Network.MAC == "" {
		t.Errorf("observed network: %+v", o.Network)
	}
	if out := d.output(d.container("app", "read", "/etc/resolv.conf")); !strings.Contains(out, "nameserver "+server.Network.Gateways[0].String()) || !strings.Contains(out, "search test.internal") {
		t.Errorf("resolv.conf: %q", out)
	}
	if out := d.output(d.container("app", "lookup", "gateway.test")); out != server.Network.Gateways[0].String()+"\n" {
		t.Errorf("name of /etc/hosts: %q", out)
	}
}

func testShared(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "serve", "80"))
	s.Definition.ContainerDefinitions = append(s.Definition.ContainerDefinitions, d.container("other", "get", "http://127.0.0.1:80/"))
	s.Containers[0].Definition = &s.Definition.ContainerDefinitions[0]
	other := s.Containers[0]
	other.Definition = &s.Definition.ContainerDefinitions[1]
	other.Log.File += "-other"
	s.Containers = append(s.Containers, other)
	d.must(d.Prepare(t.Context(), s))
	d.must(d.Prepare(t.Context(), s)) // it may be called again
	d.must(d.Start(t.Context(), s, "app"))
	d.waitFor(s, "app", "serving")
	d.must(d.Start(t.Context(), s, "other"))
	if end := d.state(s, "other", stopped); show(end.ExitCode) != "0" {
		t.Errorf("%+v: %s", end, d.logs(s, "other"))
	}
}

func testListen(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "get", "http://169.254.170.2/x"))
	d.must(d.Prepare(t.Context(), s))
	ln, err := d.Listen(t.Context(), s.Task.ID, netip.MustParseAddrPort("169.254.170.2:80"))
	d.must(err)
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "metadata of ", r.URL.Path)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	d.must(d.Start(t.Context(), s, "app"))
	d.state(s, "app", stopped)
	if out := d.logs(s, "app"); out != "metadata of /x" {
		t.Errorf("%q", out)
	}
	server.Close()
	<-done
	// It can be opened again, as after a restart.
	ln, err = d.Listen(t.Context(), s.Task.ID, netip.MustParseAddrPort("169.254.170.2:80"))
	d.must(err)
	ln.Close()
}

func testListenPort(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "serve", "80"))
	d.must(d.Prepare(t.Context(), s))
	ln, err := d.Listen(t.Context(), s.Task.ID, netip.MustParseAddrPort("169.254.170.2:80"))
	d.must(err)
	defer ln.Close()
	d.must(d.Start(t.Context(), s, "app"))
	d.waitFor(s, "app", "serving")
	client := http.Client{Timeout: patience}
	resp, err := client.Get(fmt.Sprintf("http://%s/", s.Network.Addresses[0].Addr()))
	d.must(err)
	resp.Body.Close()
}

// Another task can send packets to any address of a task with a raw socket; here the host
// does so by a route.
func testListenOnly(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "sleep"))
	d.begin(s)
	address := netip.MustParseAddrPort("169.254.170.2:80")
	ln, err := d.Listen(t.Context(), s.Task.ID, address)
	d.must(err)
	defer ln.Close()
	inside := ln.Addr().(*net.TCPAddr).AddrPort()
	d.must(routeBy(inside.Addr(), s.Network.Addresses[0].Addr()))
	defer func() { d.must(unroute(inside.Addr())) }()
	for _, a := range []netip.AddrPort{inside, address} {
		if c, err := net.DialTimeout("tcp", a.String(), 500*time.Millisecond); err == nil {
			c.Close()
			t.Errorf("%v of the task is reached from outside", a)
		}
	}
}

func testAdopt(t *testing.T, d *driven) {
	lives, ends := d.spec(d.container("app", "serve", "80")), d.spec(d.container("app", "sleep"))
	d.begin(lives)
	d.begin(ends)
	before := d.state(lives, "app", running)
	d.state(ends, "app", running)
	d.stop()
	other := d.o.New(t) // an operator, or the kernel
	d.must(other.Stop(t.Context(), ends.Task.ID, "app", patience))
	d.run()
	ids, err := d.Tasks(t.Context())
	d.must(err)
	if text := strings.Join(ids, " "); !strings.Contains(text, lives.Task.ID) || !strings.Contains(text, ends.Task.ID) {
		t.Errorf("tasks after a restart: %v", ids)
	}
	after := d.state(lives, "app", running)
	if after.RuntimeID != before.RuntimeID || after.Started != before.Started || after.Restarts != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if end := d.state(ends, "app", stopped); show(end.ExitCode) == "none" {
		t.Errorf("%+v", end)
	}
	d.must(d.Stop(t.Context(), lives.Task.ID, "app", patience))
	d.state(lives, "app", stopped)
}

func (d *driven) checked(args ...string) task.ContainerDefinition {
	c := d.container("app", "serve", "80")
	one, two := int64(1), int64(2)
	c.HealthCheck = &task.HealthCheck{Command: append([]string{"CMD", "/program"}, args...), Interval: &one, Timeout: &one, Retries: &two}
	return c
}

func testHealth(t *testing.T, d *driven) {
	good := d.spec(d.checked("check", "http://127.0.0.1:80/health"))
	d.begin(good)
	if s := d.state(good, "app", func(s *task.ContainerState) bool { return s.Health == task.HealthHealthy }); s.HealthSince == 0 {
		t.Errorf("%+v", s)
	}
	bad := d.spec(d.checked("exit", "1"))
	d.begin(bad)
	d.state(bad, "app", func(s *task.ContainerState) bool { return s.Health == task.HealthUnhealthy })
	without := d.spec(d.container("app", "sleep"))
	d.begin(without)
	if s := d.state(without, "app", running); s.Health != "" {
		t.Errorf("health without a check: %q", s.Health)
	}
}

func testHangingCheck(t *testing.T, d *driven) {
	s := d.spec(d.checked("ignore"))
	d.begin(s)
	d.state(s, "app", func(s *task.ContainerState) bool { return s.Health == task.HealthUnhealthy })
	d.must(d.Stop(t.Context(), s.Task.ID, "app", patience))
	if end := d.state(s, "app", stopped); show(end.ExitCode) != "0" {
		t.Errorf("%+v", end)
	}
}

func testMemory(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "eat"))
	d.begin(s)
	end := d.state(s, "app", stopped)
	if show(end.ExitCode) != "137" || end.Reason != "OutOfMemoryError: Container killed due to memory usage" {
		t.Errorf("%+v", end)
	}
}

func testFork(t *testing.T, d *driven) {
	healthy := d.spec(d.container("app", "serve", "80"))
	d.begin(healthy)
	s := d.spec(d.container("app", "fork"))
	s.Containers[0].MemoryLimit = 512 << 20
	d.begin(s)
	// It ends, or reaches a limit. Whichever it is, it can be stopped and others run.
	d.must(d.Stop(t.Context(), s.Task.ID, "app", time.Second))
	d.state(s, "app", stopped)
	d.must(d.Remove(t.Context(), s.Task.ID))
	if o := d.observe(healthy, "app"); o == nil || !running(o) {
		t.Errorf("another task: %+v", o)
	}
}

func testEnvironment(t *testing.T, d *driven) {
	out := d.output(d.container("app", "env"), func(s *runner.Spec) {
		s.Containers[0].Environment = []string{"A=1", "LINES=one\ntwo", "EMPTY=", "PATH=/x"}
	})
	for _, want := range []string{"A=1\n", "LINES=one\ntwo\n", "EMPTY=\n", "PATH=/x\n", "HOME="} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

// Kernel parameters are those of the task, and not of the machine.
func testSystemControls(t *testing.T, d *driven) {
	const name = "/proc/sys/net/core/somaxconn"
	c := d.container("app", "read", name)
	c.SystemControls = []task.SystemControl{{Namespace: "net.core.somaxconn", Value: "77"}, {Namespace: "kernel.msgmax", Value: "1234"}}
	if out := d.output(c); !strings.Contains(out, "77") {
		t.Errorf("%s: %q", name, out)
	}
	if here, err := os.ReadFile(name); err != nil || string(here) == "77\n" {
		t.Errorf("%s of the machine: %q %v", name, here, err)
	}
}

func testUser(t *testing.T, d *driven) {
	c := d.container("app", "id")
	c.User, c.WorkingDirectory = "1234:5678", "/data/here"
	c.LinuxParameters = &task.LinuxParameters{Capabilities: &task.KernelCapabilities{Drop: []string{"ALL"}}}
	out := d.output(c)
	for _, want := range []string{"uid 1234 gid 5678", "dir /data/here", "CapBnd:\t0000000000000000", "CapEff:\t0000000000000000"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

func testVolumes(t *testing.T, d *driven) {
	readOnly := true
	writer := d.container("writer", "write", "/data/file", "shared")
	writer.MountPoints = []task.MountPoint{{SourceVolume: "data", ContainerPath: "/data"}}
	s := d.spec(writer)
	s.Definition.Volumes = []task.Volume{{Name: "data"}}
	reader := d.container("reader", "read", "/data/file")
	reader.MountPoints = []task.MountPoint{{SourceVolume: "data", ContainerPath: "/data", ReadOnly: &readOnly}}
	c := s.Containers[0]
	c.Definition = &reader
	c.Log.File += "-reader"
	s.Containers = append(s.Containers, c)
	d.must(d.Prepare(t.Context(), s))
	d.must(d.Start(t.Context(), s, "writer"))
	d.state(s, "writer", stopped)
	d.must(d.Start(t.Context(), s, "reader"))
	d.state(s, "reader", stopped)
	if out := d.logs(s, "reader"); out != "shared" {
		t.Errorf("%q %q", d.logs(s, "writer"), out)
	}
}

func testReadOnly(t *testing.T, d *driven) {
	readOnly, size := true, int64(1)
	c := d.container("app", "write", "/file", "x")
	c.ReadonlyRootFilesystem = &readOnly
	s := d.spec(c)
	d.begin(s)
	if end := d.state(s, "app", stopped); show(end.ExitCode) != "1" || !strings.Contains(d.logs(s, "app"), "read-only") {
		t.Errorf("%+v %s", end, d.logs(s, "app"))
	}
	c = d.container("app", "write", "/tmp/file", "x")
	c.LinuxParameters = &task.LinuxParameters{Tmpfs: []task.Tmpfs{{ContainerPath: "/tmp", Size: &size}}}
	d.output(c)
}

func testLogs(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "print", "1000"))
	d.begin(s)
	d.state(s, "app", stopped)
	if out := d.logs(s, "app"); strings.Count(out, "\n") != 1000 {
		t.Errorf("%d lines", strings.Count(out, "\n"))
	}
	r, err := d.Logs(t.Context(), s.Task.ID, "app", runner.LogOptions{Follow: true, Tail: 2})
	d.must(err)
	defer r.Close()
	text, err := io.ReadAll(r)
	d.must(err)
	if string(text) != "line 998\nline 999\n" {
		t.Errorf("the last two lines: %q", text)
	}
}

func testStats(t *testing.T, d *driven) {
	s := d.spec(d.container("app", "serve", "80"))
	d.begin(s)
	d.waitFor(s, "app", "serving")
	stats, err := d.Stats(t.Context(), s.Task.ID, "app")
	d.must(err)
	for _, want := range []string{`"cpu_stats"`, `"memory_stats"`, `"usage"`} {
		if !strings.Contains(string(stats), want) {
			t.Errorf("no %s in %s", want, stats)
		}
	}
}

func testBridge(t *testing.T, d *driven) {
	c := d.container("app", "serve", "80")
	port := int64(80)
	c.PortMappings = []task.PortMapping{{ContainerPort: &port, Protocol: "tcp"}}
	s := d.specOf(runner.NetworkSpec{Mode: runner.ModeBridge, DNS: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, c)
	d.begin(s)
	d.waitFor(s, "app", "serving")
	o := d.observe(s, "app")
	if o == nil || len(o.Bindings) != 1 || o.Bindings[0].ContainerPort != 80 || o.Bindings[0].HostPort == 0 || o.Bindings[0].Protocol != "tcp" {
		t.Fatalf("%+v", o)
	}
	client := http.Client{Timeout: patience}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", o.Bindings[0].HostPort))
	d.must(err)
	resp.Body.Close()
}

func testNothing(t *testing.T, d *driven) {
	const id = "00000000000000000000000000000000"
	o, err := d.Observe(t.Context(), id)
	d.must(err)
	if o.Network != nil || len(o.Containers) != 0 {
		t.Errorf("%+v", o)
	}
	d.must(d.Remove(t.Context(), id))
}
