package docker

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
)

// greeting returns the first line that a server sends.
func greeting(t *testing.T, address string) string {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// A task in awsvpc mode is reached at its own addresses, and its containers share them.
func TestAwsvpc(t *testing.T) {
	h := start(t)
	s := inSubnet(spec("a1", "awsvpc", run("web", "serve", "8080"), run("side", "get", "127.0.0.1:8080"), run("conf", "cat", "/etc/resolv.conf", "/etc/hosts")), 10)
	s.Network.Hosts = []task.HostEntry{{Hostname: "ecs.example.com", IpAddress: "10.77.1.1"}}
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	want := "10.77.1.10/24 fd77:1::a/64"
	o := h.observe(s)
	if o.Network == nil || o.Network.Subnet != s.Network.Subnet || fmt.Sprintf("%s %s", o.Network.Addresses[0], o.Network.Addresses[1]) != want {
		t.Fatalf("network %+v, want %s", o.Network, want)
	}
	if _, err := net.ParseMAC(o.Network.MAC); err != nil {
		t.Errorf("MAC %q: %v", o.Network.MAC, err)
	}
	for _, g := range s.Network.Gateways { // the node listens there
		l, err := net.Listen("tcp", netip.AddrPortFrom(g, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	if err := h.Prepare(t.Context(), s); err != nil { // again
		t.Fatal(err)
	}
	if err := h.Start(t.Context(), s, "web"); err != nil {
		t.Fatal(err)
	}
	h.ready(s, "web", "listening")
	for _, a := range []string{"10.77.1.10:8080", "[fd77:1::a]:8080"} {
		if g := greeting(t, a); g != "hello from task-host\n" {
			t.Errorf("%s: %q", a, g)
		}
	}
	for _, name := range []string{"side", "conf"} {
		if err := h.Start(t.Context(), s, name); err != nil {
			t.Fatal(err)
		}
		if c := h.ended(s, name); *c.ExitCode != 0 {
			t.Errorf("%s: exit code %d", name, *c.ExitCode)
		}
	}
	if out := h.output(s, "side"); out != "hello from task-host\n" {
		t.Errorf("from the same task: %q", out)
	}
	out := h.output(s, "conf")
	for _, line := range []string{"nameserver 10.77.1.1\n", "search internal.example.com\n", "10.77.1.1\tecs.example.com\n", "10.77.1.10\ttask-host"} {
		if !strings.Contains(out, line) {
			t.Errorf("resolv.conf and hosts lack %q:\n%s", line, out)
		}
	}
}

// Tasks of one subnet reach each other.
func TestAwsvpcTasksReachEachOther(t *testing.T) {
	h := start(t)
	a := inSubnet(spec("a1", "awsvpc", run("web", "serve", "8080")), 10)
	b := inSubnet(spec("a2", "awsvpc", run("client", "get", "10.77.1.10:8080")), 11)
	h.up(a)
	h.ready(a, "web", "listening")
	h.up(b)
	if c := h.ended(b, "client"); *c.ExitCode != 0 || !strings.Contains(h.output(b, "client"), "hello") {
		t.Errorf("exit code %d: %s", *c.ExitCode, h.output(b, "client"))
	}
}

// Tasks of different subnets reach each other with their own addresses, also after the
// engine was restarted, and do not reach forbidden ports of the machine.
func TestSubnetsReachEachOther(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	h := start(t, func(c *Config) { c.Forbidden = []uint16{uint16(port)} })
	a := inSubnet(spec("a1", "awsvpc", run("web", "serve", "8080")), 10)
	b := inSubnet(spec("a2", "awsvpc", run("four", "get", "10.77.1.10:8080"), run("six", "get", "[fd77:1::a]:8080"),
		run("forbidden", "get", fmt.Sprintf("10.77.2.1:%d", port))), 11)
	b.Network.Subnet = "subnet-b"
	b.Network.Addresses = []netip.Prefix{netip.MustParsePrefix("10.77.2.11/24"), netip.MustParsePrefix("fd77:2::b/64")}
	b.Network.Gateways = []netip.Addr{netip.MustParseAddr("10.77.2.1"), netip.MustParseAddr("fd77:2::1")}
	check := func() {
		t.Helper()
		h.up(a)
		h.ready(a, "web", "listening")
		h.up(b)
		for name, from := range map[string]string{"four": "10.77.2.11", "six": "fd77:2::b"} {
			if c := h.ended(b, name); *c.ExitCode != 0 {
				t.Errorf("%s: exit code %d: %s", name, *c.ExitCode, h.output(b, name))
			}
			h.ready(a, "web", "from "+from)
		}
		h.ended(b, "forbidden")
		if out := h.output(b, "forbidden"); !strings.Contains(out, "refused") {
			t.Errorf("a forbidden port: %s", out)
		}
	}
	check()
	if err := errors.Join(h.engine.Stop(), h.engine.Start()); err != nil {
		t.Fatal(err)
	}
	check()
}

// An address that is taken is an error that says so; nothing is left of the task.
func TestAwsvpcAddressIsTaken(t *testing.T) {
	h := start(t)
	h.up(inSubnet(spec("a1", "awsvpc", run("web", "wait")), 10))
	b := inSubnet(spec("a2", "awsvpc", run("web", "wait")), 10)
	err := h.Prepare(t.Context(), b)
	if err == nil || !strings.HasPrefix(err.Error(), preparePrefix) || !strings.Contains(err.Error(), "ddress already in use") {
		t.Fatalf("error %v", err)
	}
	if err := h.Remove(t.Context(), b.Task.ID); err != nil {
		t.Fatal(err)
	}
}

// The driver listens inside the network of a task, on an address of its own.
func TestListen(t *testing.T) {
	h := start(t)
	s := inSubnet(spec("a1", "awsvpc", run("client", "get", "169.254.170.2:80")), 10)
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the address exists the second time
		l, err := h.Listen(t.Context(), s.Task.ID, netip.MustParseAddrPort("169.254.170.2:80"))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string)
		go func() {
			c, err := l.Accept()
			if err != nil {
				done <- err.Error()
				return
			}
			fmt.Fprintln(c, "metadata")
			c.Close()
			done <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		}()
		if err := h.Start(t.Context(), s, "client"); err != nil {
			t.Fatal(err)
		}
		if from := <-done; from != "169.254.170.2" {
			t.Errorf("client %s", from)
		}
		h.ended(s, "client")
		l.Close()
	}
	if out := h.output(s, "client"); out != "metadata\nmetadata\n" {
		t.Errorf("output %q", out)
	}
	if l, err := net.Dial("tcp", "169.254.170.2:80"); err == nil {
		l.Close()
		t.Error("reached from outside of the task")
	}
	if _, err := h.Listen(t.Context(), strings.Repeat("f", 32), netip.MustParseAddrPort("127.0.0.1:0")); err == nil {
		t.Error("no error for an unknown task")
	}
}

// In bridge mode the engine chooses host ports for 0.
func TestBridgePorts(t *testing.T) {
	h := start(t)
	web := run("web", "serve", "8080")
	web.Definition.PortMappings = []task.PortMapping{
		{ContainerPort: new(int64(8080)), HostPort: new(int64(0)), Protocol: "tcp"},
		{ContainerPort: new(int64(9090)), HostPort: new(int64(19090)), Protocol: "udp"},
	}
	s := spec("a1", "bridge", web)
	h.up(s)
	h.ready(s, "web", "listening")
	b := h.state(s, "web").Bindings
	if len(b) != 2 || b[0].ContainerPort != 8080 || b[0].HostPort < 1024 || b[0].Protocol != "tcp" || b[0].BindIP != "0.0.0.0" ||
		b[1] != (task.Binding{BindIP: "0.0.0.0", ContainerPort: 9090, HostPort: 19090, Protocol: "udp"}) {
		t.Fatalf("bindings %+v", b)
	}
	if g := greeting(t, fmt.Sprintf("127.0.0.1:%d", b[0].HostPort)); !strings.HasPrefix(g, "hello") {
		t.Errorf("greeting %q", g)
	}
	if n := h.observe(s).Network; n == nil || n.Addresses != nil {
		t.Errorf("network %+v, want an empty one", n)
	}
	// The same host port again.
	other := run("other", "wait")
	other.Definition.PortMappings = []task.PortMapping{{ContainerPort: new(int64(9090)), HostPort: new(int64(19090)), Protocol: "udp"}}
	o := spec("a2", "bridge", other)
	if err := h.Prepare(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	err := h.Start(t.Context(), o, "other")
	if err == nil || !strings.HasPrefix(err.Error(), startPrefix) || !strings.Contains(err.Error(), "already") {
		t.Errorf("error %v", err)
	}
	if o := h.observe(o); len(o.Containers) != 0 {
		t.Errorf("containers that never started: %+v", o.Containers)
	}
}

func TestBridgeLinks(t *testing.T) {
	h := start(t)
	client := run("client", "get", "database:8080")
	client.Definition.Links = []string{"db:database"}
	client.Definition.ExtraHosts = []task.HostEntry{{Hostname: "extra", IpAddress: "192.0.2.1"}}
	s := spec("a1", "bridge", run("db", "serve", "8080"), client)
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context(), s, "db"); err != nil {
		t.Fatal(err)
	}
	h.ready(s, "db", "listening")
	if err := h.Start(t.Context(), s, "client"); err != nil {
		t.Fatal(err)
	}
	if c := h.ended(s, "client"); *c.ExitCode != 0 {
		t.Errorf("exit code %d: %s", *c.ExitCode, h.output(s, "client"))
	}
}

// In host mode a port that another program has is an error before the container starts.
func TestHostPortInUse(t *testing.T) {
	h := start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := int64(l.Addr().(*net.TCPAddr).Port)
	web := run("web", "serve", fmt.Sprint(port))
	web.Definition.PortMappings = []task.PortMapping{{ContainerPort: &port}}
	s := spec("a1", "host", web)
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("CannotStartContainerError: port %d/tcp of the node is in use", port)
	if err := h.Start(t.Context(), s, "web"); err == nil || err.Error() != want {
		t.Fatalf("error %v, want %s", err, want)
	}
	l.Close()
	if err := h.Start(t.Context(), s, "web"); err != nil {
		t.Fatal(err)
	}
	h.ready(s, "web", "listening")
	if g := greeting(t, fmt.Sprintf("127.0.0.1:%d", port)); !strings.HasPrefix(g, "hello") {
		t.Errorf("greeting %q", g)
	}
}

func TestModeNone(t *testing.T) {
	h := start(t)
	s := spec("a1", "none", run("client", "get", "10.77.1.1:1"))
	h.up(s)
	if c := h.ended(s, "client"); *c.ExitCode != 1 || !strings.Contains(h.output(s, "client"), "unreachable") {
		t.Errorf("exit code %d: %s", *c.ExitCode, h.output(s, "client"))
	}
}

// Two nodes may use one engine; each sees its own tasks only.
func TestOtherNodesAreNotTouched(t *testing.T) {
	h := start(t)
	other := start(t, func(c *Config) { c.Node, c.Dir = "other", c.Dir+"-other" })
	s := spec("a1", "bridge", run("web", "wait"))
	other.up(s)
	if ids, err := h.Tasks(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("tasks %q, %v", ids, err)
	}
	if err := h.Remove(t.Context(), s.Task.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.Cleanup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := other.state(s, "web"); c.LastStatus != task.StatusRunning {
		t.Errorf("container of the other node: %+v", c)
	}
}
