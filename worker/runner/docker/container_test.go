package docker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// Exit codes, signals and reasons of §"Task lifecycle" of the ECS developer guide.
func TestExitCodes(t *testing.T) {
	h := start(t)
	memory := run("memory", "eat")
	memory.MemoryLimit = 24 << 20
	memory.Definition.LinuxParameters = &task.LinuxParameters{MaxSwap: new(int64(0))}
	s := spec("a1", "none", run("zero", "exit", "0"), run("seven", "exit", "7"), run("term", "wait"), run("kill", "ignore"), memory)
	h.up(s)
	h.ready(s, "term", "ready")
	h.ready(s, "kill", "ready")
	for _, name := range []string{"term", "kill"} {
		if err := h.Stop(t.Context(), s.Task.ID, name, time.Second); err != nil {
			t.Fatal(err)
		}
		if c := h.state(s, name); c.LastStatus != task.StatusStopped { // when Stop has returned
			t.Errorf("%s is %s after Stop", name, c.LastStatus)
		}
	}
	for name, want := range map[string]struct {
		code   int64
		reason string
	}{
		"zero": {0, ""}, "seven": {7, ""}, "term": {0, ""}, "kill": {137, ""},
		"memory": {137, "OutOfMemoryError: Container killed due to memory usage"},
	} {
		c := h.ended(s, name)
		if *c.ExitCode != want.code || c.Reason != want.reason {
			t.Errorf("%s: exit code %d, reason %q, want %+v", name, *c.ExitCode, c.Reason, want)
		}
		if c.Created == 0 || c.Started < c.Created || c.Finished < c.Started {
			t.Errorf("%s: created %d, started %d, finished %d", name, c.Created, c.Started, c.Finished)
		}
	}
	if !strings.Contains(h.output(s, "term"), "got SIGTERM") {
		t.Error("no SIGTERM")
	}
	for _, name := range []string{"zero", "nothing"} { // has ended, never was
		if err := h.Stop(t.Context(), s.Task.ID, name, time.Second); err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
	}
}

// The stop signal of the image is sent.
func TestStopSignalOfTheImage(t *testing.T) {
	h := start(t)
	h.engine.Load(t, "cairn-test-usr1:1", map[string]any{"StopSignal": "SIGUSR1"})
	c := run("web", "wait-usr1")
	c.Definition.Image = "cairn-test-usr1:1"
	s := spec("a1", "none", c)
	h.up(s)
	h.ready(s, "web", "ready")
	if err := h.Stop(t.Context(), s.Task.ID, "web", time.Minute); err != nil {
		t.Fatal(err)
	}
	if c := h.state(s, "web"); *c.ExitCode != 0 {
		t.Errorf("exit code %d: %s", *c.ExitCode, h.output(s, "web"))
	}
}

// A container that has ended is started again as the same container, and counted.
func TestStartAgain(t *testing.T) {
	h := start(t)
	s := spec("a1", "none", run("web", "count-starts", "/count"))
	h.up(s)
	first := h.ended(s, "web")
	if err := h.Start(t.Context(), s, "web"); err != nil {
		t.Fatal(err)
	}
	h.until("it ends again", func() bool { c := h.state(s, "web"); return c.Finished > first.Finished && c.ExitCode != nil })
	c := h.state(s, "web")
	if c.RuntimeID != first.RuntimeID || c.Restarts != 1 || first.Restarts != 0 || *first.ExitCode != 1 || *c.ExitCode != 2 {
		t.Errorf("first %+v, then %+v", first, c)
	}
}

func TestHealth(t *testing.T) {
	h := start(t)
	checked := func(name string, command ...string) runner.Container {
		c := run(name, "wait")
		c.Definition.HealthCheck = &task.HealthCheck{Command: command, Interval: new(int64(1)), Timeout: new(int64(1)), Retries: new(int64(1))}
		return c
	}
	h.engine.Load(t, "cairn-test-check:1", map[string]any{"Healthcheck": map[string]any{"Test": []string{"CMD", "/program", "exit", "1"}, "Interval": 1e9}})
	image := run("image", "wait")
	image.Definition.Image = "cairn-test-check:1"
	s := spec("a1", "none", checked("good", "CMD", "/program", "exit", "0"), checked("bad", "CMD", "/program", "exit", "3"),
		checked("hangs", "CMD", "/program", "sleep"), image)
	h.up(s)
	if c := h.state(s, "good"); c.Health == "" {
		t.Errorf("health %q before the first result", c.Health)
	}
	for name, want := range map[string]string{"good": task.HealthHealthy, "bad": task.HealthUnhealthy, "hangs": task.HealthUnhealthy} {
		h.until(name+" is "+want, func() bool { return h.state(s, name).Health == want })
	}
	before := h.state(s, "bad")
	if before.HealthSince == 0 {
		t.Error("no time of the change")
	}
	h.until("another check", func() bool {
		c, err := h.inspect(t.Context(), before.RuntimeID)
		return err == nil && c.State.Health.FailingStreak > 2
	})
	if after := h.state(s, "bad"); after.HealthSince != before.HealthSince || after.HealthOutput != before.HealthOutput {
		t.Errorf("the state changes with each check: %+v, %+v", before, after)
	}
	if c := h.state(s, "image"); c.Health != "" {
		t.Errorf("the health check of the image is used: %q", c.Health)
	}
}

// What a task definition can set reaches the container.
func TestSettings(t *testing.T) {
	h := start(t)
	c := run("web", "wait")
	c.Environment = []string{"COLOR=blue", "EMPTY="}
	c.CPUShares, c.MemoryLimit, c.MemoryReservation = 1, 1<<20, 1<<20
	d := c.Definition
	d.User, d.WorkingDirectory, d.ReadonlyRootFilesystem = "1000:1000", "/tmp", new(true)
	d.Ulimits = []task.Ulimit{{Name: "nofile", SoftLimit: new(int64(100)), HardLimit: new(int64(200))}}
	d.SystemControls = []task.SystemControl{{Namespace: "net.core.somaxconn", Value: "77"}, {Namespace: "kernel.msgmax", Value: "1234"}}
	d.LinuxParameters = &task.LinuxParameters{
		Capabilities:     &task.KernelCapabilities{Add: []string{"SYS_PTRACE"}, Drop: []string{"ALL"}},
		SharedMemorySize: new(int64(32)),
		Tmpfs:            []task.Tmpfs{{ContainerPath: "/tmp", Size: new(int64(5)), MountOptions: []string{"noexec"}}},
	}
	sysctl := run("sysctl", "cat", "/proc/sys/net/core/somaxconn", "/proc/sys/kernel/msgmax")
	sysctl.Definition.SystemControls = d.SystemControls[1:]
	s := inSubnet(spec("a1", "awsvpc", c, sysctl), 10)
	s.CPULimit, s.MemoryLimit = 256, 512<<20
	h.up(s)
	in, err := h.inspect(t.Context(), h.state(s, "web").RuntimeID)
	if err != nil {
		t.Fatal(err)
	}
	host := in.HostConfig
	for what, bad := range map[string]bool{
		"name":                  !strings.HasPrefix(in.Name, "/ecs-web-1-web-"),
		"node cannot be forged": in.Config.Labels[labelNode] != h.cfg.Node,
		"task":                  in.Config.Labels[labelTask] != s.Task.ID,
		"label of ECS":          in.Config.Labels["com.amazonaws.ecs.container-name"] != "web",
		"user":                  in.Config.User != "1000:1000",
		"shares":                host.CPUShares != 2,
		"memory":                host.Memory != 6<<20 || host.MemoryReservation != 6<<20,
		"cpu":                   host.NanoCPUs != 250_000_000,
		"read-only":             !host.ReadonlyRootfs,
		"ulimit":                len(host.Ulimits) != 1 || host.Ulimits[0].Hard != 200,
		"capabilities":          fmt.Sprint(host.CapAdd, host.CapDrop) != "[CAP_SYS_PTRACE] [ALL]",
		"shared memory":         host.ShmSize != 32<<20,
		"tmpfs":                 host.Tmpfs["/tmp"] != "size=5m,noexec",
		"processes":             *host.PidsLimit != defaultPidsLimit,
		"sysctl":                host.Sysctls["kernel.msgmax"] != "1234",
		"restart by the agent":  !host.RestartPolicy.IsNone(),
	} {
		if bad {
			t.Errorf("%s: %+v %+v", what, in.Config, host)
		}
	}
	// net.* belong to the network namespace of the task, others to the container.
	ended := h.ended(s, "sysctl") // its output is complete then
	if out := h.output(s, "sysctl"); ended.ExitCode == nil || out != "77\n1234\n" {
		t.Errorf("settings of the kernel: %q", out)
	}
}

// All containers of a task with pidMode "task" are in one namespace of processes.
func TestSharedNamespaces(t *testing.T) {
	h := start(t)
	s := spec("a1", "bridge", run("a", "wait"), run("b", "wait"))
	s.Definition.PIDMode, s.Definition.IPCMode = "task", "task"
	h.up(s)
	for _, ns := range []string{"pid", "ipc"} {
		var links []string
		for _, name := range []string{"a", "b"} {
			c, err := h.inspect(t.Context(), h.state(s, name).RuntimeID)
			if err != nil {
				t.Fatal(err)
			}
			link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", c.State.Pid, ns))
			if err != nil {
				t.Fatal(err)
			}
			links = append(links, link)
		}
		if links[0] != links[1] {
			t.Errorf("%s namespaces %q", ns, links)
		}
	}
	if n := h.observe(s).Network; n == nil {
		t.Error("the network is not there")
	}
}

// Volumes live as long as the task; shared ones stay for their account.
func TestVolumes(t *testing.T) {
	h := start(t)
	host := filepath.Join(h.engine.Dir(), "host-volume")
	mount := func(c runner.Container, volume, path string) runner.Container {
		c.Definition.MountPoints = append(c.Definition.MountPoints, task.MountPoint{SourceVolume: volume, ContainerPath: path})
		return c
	}
	writer := mount(mount(mount(run("writer", "write", "/anonymous/f", "text"), "anonymous", "/anonymous"), "host", "/host"), "shared", "/shared")
	reader := mount(run("reader", "cat", "/anonymous/f"), "anonymous", "/anonymous")
	from := run("from", "cat", "/anonymous/f")
	from.Definition.VolumesFrom = []task.VolumeFrom{{SourceContainer: "writer", ReadOnly: new(true)}}
	readOnly := mount(run("readonly", "write", "/anonymous/f", "text"), "anonymous", "/anonymous")
	readOnly.Definition.MountPoints[0].ReadOnly = new(true)
	s := spec("a1", "none", writer, reader, from, readOnly)
	s.Definition.Volumes = []task.Volume{
		{Name: "anonymous"},
		{Name: "host", Host: &task.HostVolumeProperties{SourcePath: host}},
		{Name: "shared", DockerVolumeConfiguration: &task.DockerVolumeConfiguration{Scope: "shared", Autoprovision: new(true), Driver: "local"}},
	}
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	defer h.Driver.engine.api().VolumeRemove(context.Background(), "shared", client.VolumeRemoveOptions{})
	for name, code := range map[string]int64{"writer": 0} {
		if err := h.Start(t.Context(), s, name); err != nil {
			t.Fatal(err)
		}
		if c := h.ended(s, name); *c.ExitCode != code {
			t.Errorf("%s: exit code %d: %s", name, *c.ExitCode, h.output(s, name))
		}
	}
	for name, want := range map[string]string{"reader": "text", "from": "text", "readonly": "open /anonymous/f: read-only file system\n"} {
		if err := h.Start(t.Context(), s, name); err != nil {
			t.Fatal(err)
		}
		h.ended(s, name)
		if out := h.output(s, name); out != want {
			t.Errorf("%s: %q, want %q", name, out, want)
		}
	}
	if i, err := os.Stat(host); err != nil || !i.IsDir() {
		t.Errorf("host path: %v", err)
	}
	// Another account may not use the shared volume, and nobody the one of a task.
	for name, account := range map[string]string{"shared": "999999999999", containerName(s, "volume/anonymous"): "123456789012"} {
		o := spec("a2", "none", run("x", "exit"))
		o.Task.Account = command.AccountID(account)
		o.Definition.Volumes = []task.Volume{{Name: name, DockerVolumeConfiguration: &task.DockerVolumeConfiguration{Scope: "shared", Autoprovision: new(true)}}}
		if err := h.Prepare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "not made for account") {
			t.Errorf("volume %s: %v", name, err)
		}
	}
	if err := h.Remove(t.Context(), s.Task.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Driver.engine.api().VolumeInspect(t.Context(), "shared", client.VolumeInspectOptions{}); err != nil {
		t.Errorf("the shared volume is gone: %v", err)
	}
}

func TestPull(t *testing.T) {
	for _, c := range []struct{ policy, image, want string }{
		{pullPreferCached, enginetest.Image, ""},
		{pullNever, enginetest.Image, ""},
		{pullNever, "missing:1", `CannotPullContainerError: image "missing:1" is not on this node, and the pull policy is "never"`},
		{pullPreferCached, "127.0.0.1:1/missing:1", "CannotPullContainerError: "},
		{pullAlways, "127.0.0.1:1/missing:1", "CannotPullContainerError: "},
		{pullOnce, "127.0.0.1:1/missing:1", "CannotPullContainerError: "},
		{pullPreferCached, "bad name\n", `CannotPullContainerError: image "bad name\n": invalid reference format`},
		{pullPreferCached, "", `CannotPullContainerError: image "": `},
	} {
		h := start(t, func(cfg *Config) { cfg.PullPolicy = c.policy })
		_, err := h.Pull(t.Context(), c.image)
		if c.want == "" != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.policy, c.image, err, c.want)
		}
	}
}

func TestStats(t *testing.T) {
	h := start(t)
	s := spec("a1", "none", run("web", "wait"))
	h.up(s)
	b, err := h.Stats(t.Context(), s.Task.ID, "web")
	if err != nil || !strings.Contains(string(b), `"cpu_stats"`) || !strings.Contains(string(b), `"precpu_stats"`) {
		t.Errorf("%s %v", b, err)
	}
	if _, err := h.Stats(t.Context(), s.Task.ID, "nothing"); err == nil {
		t.Error("no error for a container that does not exist")
	}
}

// A container that cannot start gives a clear error and is not observed.
func TestCannotStart(t *testing.T) {
	h := start(t)
	missing := run("missing", "x")
	missing.Definition.EntryPoint = []string{"/nothing"}
	noImage := run("noimage", "x")
	noImage.Definition.Image = "missing:1"
	many, large := run("many", "env"), run("large", "env")
	for i := range 100_000 {
		many.Environment = append(many.Environment, fmt.Sprintf("VARIABLE_%d=x", i))
	}
	large.Environment = []string{"VARIABLE=" + strings.Repeat("x", maxArguments)}
	logs := run("logs", "x")
	logs.Log.Driver = "unknown"
	s := spec("a1", "none", missing, noImage, many, large, logs)
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"missing": startPrefix, "noimage": createPrefix + "Error response from daemon: No such image: missing:1",
		"many":  createPrefix + "the environment has 100000 variables: at most 10000 are allowed",
		"large": createPrefix + "environment and arguments have 1048590 bytes: at most 1048576 are allowed",
		"logs":  createPrefix + `log driver "unknown": must be `, "nothing": createPrefix + `the task has no container "nothing"`,
	} {
		err := h.Start(t.Context(), s, name)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %.300v, want %s", name, err, want)
		}
	}
	if o := h.observe(s); len(o.Containers) != 0 {
		t.Errorf("containers %+v", o.Containers)
	}
}

// A container may start processes up to its limit, and others go on.
func TestProcessesAreLimited(t *testing.T) {
	h := start(t, func(c *Config) { c.PidsLimit = 50 })
	s := spec("a1", "none", run("bomb", "fork"), run("other", "exit", "0"))
	if err := h.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context(), s, "bomb"); err != nil {
		t.Fatal(err)
	}
	h.ready(s, "bomb", "resource temporarily unavailable")
	if err := h.Start(t.Context(), s, "other"); err != nil {
		t.Fatal(err)
	}
	if c := h.ended(s, "other"); *c.ExitCode != 0 {
		t.Errorf("exit code %d", *c.ExitCode)
	}
}

// The largest environment that is allowed works, in reasonable time.
func TestLargeEnvironment(t *testing.T) {
	h := start(t)
	c := run("web", "env")
	for i := range maxVariables {
		c.Environment = append(c.Environment, fmt.Sprintf("VARIABLE_%05d=%080d", i, i))
	}
	s := spec("a1", "none", c)
	h.up(s)
	if c := h.ended(s, "web"); *c.ExitCode != 0 {
		t.Errorf("exit code %d", *c.ExitCode)
	}
	if n := strings.Count(h.output(s, "web"), "VARIABLE_"); n != maxVariables {
		t.Errorf("%d variables", n)
	}
}
