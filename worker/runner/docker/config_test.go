package docker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// offline returns a driver without an engine.
func offline(t *testing.T, change ...func(*Config)) *Driver {
	t.Helper()
	cfg := Config{Node: "n", Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.engine.known = &facts{arch: "amd64", root: "/var/lib/docker", cpus: 2}
	return d
}

func TestNewRefuses(t *testing.T) {
	good := Config{Node: "n", Dir: "/tmp/x", Logger: slog.New(slog.DiscardHandler)}
	for want, change := range map[string]func(*Config){
		`pull policy "sometimes": must be prefer-cached, always, once or never`: func(c *Config) { c.PullPolicy = "sometimes" },
		"docker driver: Node, Dir and Logger are required":                      func(c *Config) { c.Node = "" },
		`folder of the docker driver "x": must be absolute`:                     func(c *Config) { c.Dir = "x" },
		`host path "/a/../b": must be absolute and without ".." and double slashes`: func(c *Config) {
			c.HostPaths = []string{"/a/../b"}
		},
		"limit of processes -1: must not be negative": func(c *Config) { c.PidsLimit = -1 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// What gives a task control over the machine is refused unless the node allows it.
func TestPrivilegesAreRefused(t *testing.T) {
	linux := func(l task.LinuxParameters) func(*runner.Spec) {
		return func(s *runner.Spec) { s.Containers[0].Definition.LinuxParameters = &l }
	}
	for name, change := range map[string]func(*runner.Spec){
		"privileged":                          func(s *runner.Spec) { s.Containers[0].Definition.Privileged = new(true) },
		"pidMode host":                        func(s *runner.Spec) { s.Definition.PIDMode = "host" },
		"ipcMode host":                        func(s *runner.Spec) { s.Definition.IPCMode = "host" },
		`capability "SYS_ADMIN"`:              linux(task.LinuxParameters{Capabilities: &task.KernelCapabilities{Add: []string{"CHOWN", "SYS_ADMIN"}}}),
		`capability "cap_net_admin"`:          linux(task.LinuxParameters{Capabilities: &task.KernelCapabilities{Add: []string{"cap_net_admin"}}}),
		`capability "ALL"`:                    linux(task.LinuxParameters{Capabilities: &task.KernelCapabilities{Add: []string{"ALL"}}}),
		`linuxParameters.devices "/dev/kmsg"`: linux(task.LinuxParameters{Devices: []task.Device{{HostPath: "/dev/kmsg"}}}),
		`dockerSecurityOptions "seccomp=unconfined"`: func(s *runner.Spec) {
			s.Containers[0].Definition.DockerSecurityOptions = []string{"no-new-privileges", "seccomp=unconfined"}
		},
	} {
		s := spec("a1", "none", run("web", "wait"))
		change(s)
		_, err := offline(t).createOptions(s, &s.Containers[0], &placement{cpus: 2})
		if want := name + ": " + errNotAllowed.Error(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if _, err := offline(t, func(c *Config) { c.Privileged = true }).createOptions(s, &s.Containers[0], &placement{cpus: 2}); err != nil {
			t.Errorf("with Privileged: %v", err)
		}
	}
}

func TestHostPaths(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nothing", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	d := offline(t, func(c *Config) { c.ProtectedPaths = []string{"/srv/cairn/data"} })
	listed := offline(t, func(c *Config) { c.HostPaths = []string{dir, "/etc/ssl"} })
	for _, c := range []struct {
		d          *Driver
		path, want string
	}{
		{d, dir + "/data", ""},
		{d, dir + "/data/", ""},
		{d, "data", "must be absolute"},
		{d, "", "must be absolute"},
		{d, dir + "/../../etc", "must not contain"},
		{d, dir + "//data", "must not contain"},
		{d, dir + "/./data", "must not contain"},
		{d, dir + "/da\nta", "control characters"},
		{d, dir + "/da\x00ta", "control characters"},
		{d, dir + "/link/ssl", "not allowed on this node"},
		{d, dir + "/link/new", "not allowed on this node"},
		{d, dir + "/dangling/x", "symbolic link to nothing"},
		{d, "/", "not allowed on this node"},
		{d, "/etc", "not allowed on this node"},
		{d, "/var", "not allowed on this node"},
		{d, "/var/lib/docker", "not allowed on this node"},
		{d, "/var/run/docker.sock", "not allowed on this node"},
		{d, "/srv/cairn", "not allowed on this node"},
		{d, "/srv/cairn/data/x", "not allowed on this node"},
		{d, d.cfg.Dir + "/tasks", "not allowed on this node"},
		{listed, dir + "/data", ""},
		{listed, "/etc/ssl", ""},
		{listed, dir + "-other", "not allowed on this node"},
		{listed, filepath.Dir(dir), "not allowed on this node"},
		{listed, dir + "/link/ssl/certs", ""}, // it is within /etc/ssl
		{listed, dir + "/link/pam.d", "not allowed on this node"},
	} {
		got, err := c.d.hostPath(t.Context(), c.path)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %q, %v, want %q", c.path, got, err, c.want)
		}
	}
}

// Options of the volume driver "local" cannot mount what a host path could not.
func TestDriverOptions(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		driver string
		opts   map[string]string
		want   string
	}{
		{"", nil, ""},
		{"local", map[string]string{"type": "nfs", "o": "addr=192.0.2.1", "device": ":/x"}, ""},
		{"local", map[string]string{"type": "tmpfs", "device": "tmpfs"}, ""},
		{"local", map[string]string{"type": "none", "o": "bind", "device": dir}, ""},
		{"local", map[string]string{"type": "none", "o": "bind", "device": "/etc"}, "not allowed"},
		{"local", map[string]string{"type": "nfs", "o": "addr=192.0.2.1, rbind", "device": "/etc"}, "not allowed"},
		{"", map[string]string{"type": "tmpfs", "o": "ro,bind", "device": "/"}, "not allowed"},
		{"local", map[string]string{"type": "ext4", "device": "/dev/vda"}, "driverOpts.type"},
		{"local", map[string]string{"device": "/dev/vda"}, "driverOpts.type"},
		{"other", map[string]string{"device": "/dev/vda"}, ""}, // the plugin decides
	} {
		err := offline(t).checkDriverOptions(t.Context(), &task.DockerVolumeConfiguration{Driver: c.driver, DriverOpts: c.opts})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %v: %v, want %q", c.driver, c.opts, err, c.want)
		}
	}
}

func TestLogConfiguration(t *testing.T) {
	for _, c := range []struct {
		driver  string
		options map[string]string
		want    string
		config  map[string]string
	}{
		{"", nil, "json-file", map[string]string{"max-size": "10m", "max-file": "3"}},
		{"awslogs", map[string]string{"awslogs-group": "g", "mode": "non-blocking"}, "json-file", map[string]string{"mode": "non-blocking", "max-size": "10m", "max-file": "3"}},
		{"json-file", map[string]string{"max-size": "1g"}, "json-file", map[string]string{"max-size": "1g"}},
		{"journald", map[string]string{"tag": "x"}, "journald", map[string]string{"tag": "x"}},
		{"none", nil, "none", nil},
	} {
		s := spec("a1", "none", run("web", "wait"))
		s.Containers[0].Log = runner.LogTarget{Driver: c.driver, Options: c.options}
		o, err := offline(t).createOptions(s, &s.Containers[0], &placement{cpus: 2})
		if err != nil {
			t.Fatal(err)
		}
		l := o.HostConfig.LogConfig
		if l.Type != c.want || len(l.Config) != len(c.config) {
			t.Errorf("%s %v: %+v", c.driver, c.options, l)
		}
		for k, v := range c.config {
			if l.Config[k] != v {
				t.Errorf("%s: %s is %q, want %q", c.driver, k, l.Config[k], v)
			}
		}
	}
}

func TestParseAuth(t *testing.T) {
	text := []byte(`{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYTpzcw=="},"r.example.com":{"auth":"bad"}}}`)
	a, err := parseAuth(text, "docker.io")
	if err != nil || a.Username != "user" || a.Password != "pa:ss" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := parseAuth(text, "r.example.com"); err == nil || strings.Contains(err.Error(), "bad") {
		t.Errorf("error %v", err)
	}
	if a, err := parseAuth(text, "other.example.com"); a != nil || err != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

func FuzzParseAuth(f *testing.F) {
	f.Add([]byte(`{"auths":{"r":{"auth":"dTpw"}}}`), "r")
	f.Add([]byte(`{`), "")
	f.Fuzz(func(t *testing.T, text []byte, domain string) {
		if a, err := parseAuth(text, domain); a != nil && err != nil {
			t.Error("both a result and an error")
		}
	})
}

func frame(kind byte, text string) []byte {
	h := [frameHeader]byte{kind}
	binary.BigEndian.PutUint32(h[4:], uint32(len(text)))
	return append(h[:], text...)
}

func FuzzEntries(f *testing.F) {
	f.Add(frame(1, "2026-11-29T12:00:00.000000001Z text\n"), false)
	f.Add(frame(2, "text"), false)
	f.Add([]byte("2026-11-29T12:00:00Z text\n"), true)
	f.Add([]byte{1, 0, 0, 0, 255, 255, 255, 255}, false)
	f.Fuzz(func(t *testing.T, text []byte, tty bool) {
		r := bufio.NewReaderSize(bytes.NewReader(text), 64)
		total := 0
		for {
			e, err := nextEntry(r, tty)
			if err != nil {
				break
			}
			total += len(e.data)
		}
		if total > len(text) {
			t.Errorf("%d bytes of %d", total, len(text))
		}
	})
}

// After a crash between the file and the position, the copy neither loses nor doubles.
func TestCopyGoesOnAfterACrash(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var stream bytes.Buffer
	for i, text := range []string{"a\n", "long ", "line\n", "b\n", "c\n"} {
		stamp := at.Add(time.Duration(i) * time.Second)
		if i == 2 {
			stamp = at.Add(time.Second) // a part of the line before
		}
		stream.Write(frame(1, stamp.Format(time.RFC3339Nano)+" "+text))
	}
	whole := "a\nlong line\nb\nc\n"
	for entries := range 6 {
		for lost := range 2 { // whether the position was written
			dir := t.TempDir()
			target := logTarget{File: filepath.Join(dir, "out")}
			w, err := openLogFile(filepath.Join(dir, "p", "x.json"), target)
			if err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(bytes.NewReader(stream.Bytes()))
			var before []byte
			for range entries {
				e, err := nextEntry(r, false)
				if err != nil {
					break
				}
				before, _ = os.ReadFile(w.positionFile)
				if err := errors.Join(w.write(e), w.save()); err != nil {
					t.Fatal(err)
				}
			}
			w.close()
			if lost == 1 && before != nil {
				os.WriteFile(w.positionFile, before, 0o600)
			}
			w, err = openLogFile(w.positionFile, target)
			if err != nil {
				t.Fatal(err)
			}
			if err := copyEntries(bufio.NewReader(bytes.NewReader(stream.Bytes())), false, w); err != nil {
				t.Fatal(err)
			}
			w.close()
			if b, _ := os.ReadFile(target.File); string(b) != whole {
				t.Errorf("after %d entries (position lost: %d): %q", entries, lost, b)
			}
		}
	}
}
