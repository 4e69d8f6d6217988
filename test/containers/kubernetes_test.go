package containers

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.yaml.in/yaml/v3"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// The parts of the manifests that the test does what they say. test/e2e checks them all
// against the types of Kubernetes.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct{ Spec podSpec }
	}
}

type podSpec struct {
	TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		RunAsUser  int `yaml:"runAsUser"`
		RunAsGroup int `yaml:"runAsGroup"`
		FSGroup    int `yaml:"fsGroup"`
	} `yaml:"securityContext"`
	Containers []struct {
		Args []string
		Env  []struct{ Name, Value string }

		Ports []struct {
			Name          string
			ContainerPort int `yaml:"containerPort"`
		}
		LivenessProbe   probe `yaml:"livenessProbe"`
		ReadinessProbe  probe `yaml:"readinessProbe"`
		SecurityContext struct {
			ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem"`
			Capabilities           struct{ Drop []string }
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name   string
		Secret struct {
			DefaultMode int `yaml:"defaultMode"`
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port, Scheme string } `yaml:"httpGet"`
}

// cluster is the pods of deploy/kubernetes/cairn.yaml.
type cluster struct {
	project
	spec    podSpec
	config  string // cairn.yaml
	ca      *testca.CA
	folders map[string]string // of the volumes that all pods share
	ips     []string
}

func newPods(t *testing.T) *cluster {
	t.Helper()
	e := enginetest.Need(t)
	testtool.Need(t, "docker", "docker.io")
	c := &cluster{project: project{t: t, dir: t.TempDir(), env: append(os.Environ(), "DOCKER_HOST=unix://"+e.Socket())}, ca: testca.New(t)}
	c.read("../../deploy/kubernetes/cairn.yaml")
	binary := program(t)
	if err := os.WriteFile(filepath.Join(c.dir, "cairn"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	e.LoadFiles(t, "cairn:latest", map[string]any{"Entrypoint": []string{"/cairn"}}, map[string][]byte{"cairn": binary})
	c.volumes()
	return c
}

// read reads the manifests.
func (c *cluster) read(file string) {
	c.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var m manifest
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			c.t.Fatal(err)
		}
		switch m.Kind {
		case "ConfigMap":
			c.config = m.Data["cairn.yaml"]
		case "StatefulSet":
			c.spec = m.Spec.Template.Spec
		}
	}
	if c.config == "" || len(c.spec.Containers) != 1 {
		c.t.Fatalf("%s has no cairn.yaml, or not one container", file)
	}
}

// volumes makes the folders of the configuration and of the secrets as the kubelet does: of
// root, with the group and the mode of the manifest.
func (c *cluster) volumes() {
	c.t.Helper()
	cert, key := c.ca.Issue(c.t, testca.Names{DNS: []string{"cairn.cairn.svc", "localhost"}})
	c.run("./cairn", "key", "generate-seal-key", "--file", "seal.key")
	secrets := map[string]string{"tls.crt": cert, "tls.key": key, "etcd-ca.crt": c.ca.File, "seal.key": filepath.Join(c.dir, "seal.key"),
		"admin.token": write(c.t, filepath.Join(c.dir, "token"), "0123456789abcdef")}
	mode := 0
	for _, v := range c.spec.Volumes {
		mode = max(mode, v.Secret.DefaultMode)
	}
	c.folders = map[string]string{"config": c.folder("config"), "secrets": c.folder("secrets")}
	write(c.t, filepath.Join(c.folders["config"], "cairn.yaml"), c.config)
	c.give(filepath.Join(c.folders["config"], "cairn.yaml"), 0o644)
	for name, from := range secrets {
		text, err := os.ReadFile(from)
		if err != nil {
			c.t.Fatal(err)
		}
		c.give(write(c.t, filepath.Join(c.folders["secrets"], name), string(text)), os.FileMode(mode))
	}
}

// folder makes a folder of root that the group of the pods may write.
func (c *cluster) folder(name string) string {
	c.t.Helper()
	dir := filepath.Join(c.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.give(dir, 0o775|os.ModeSetgid)
	return dir
}

func (c *cluster) give(path string, mode os.FileMode) {
	c.t.Helper()
	if err := errors.Join(os.Chown(path, 0, c.spec.SecurityContext.FSGroup), os.Chmod(path, mode)); err != nil {
		c.t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bridge returns the address of this side of the engine's network.
func bridge(t *testing.T) string {
	t.Helper()
	card, err := net.InterfaceByName("docker0")
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := card.Addrs()
	if err != nil || len(addresses) == 0 {
		t.Fatal(addresses, err)
	}
	return addresses[0].(*net.IPNet).IP.String()
}

// startEtcd starts the etcd that the manifests expect, with TLS, and returns its address.
func (c *cluster) startEtcd() string {
	c.t.Helper()
	etcd := testtool.Need(c.t, "etcd", "etcd-server")
	ip := bridge(c.t)
	cert, key := c.ca.Issue(c.t, testca.Names{DNS: []string{"etcd.etcd.svc"}})
	const peer = "http://127.0.0.1:2380"
	cmd := c.command(etcd, "--name", "e", "--data-dir", filepath.Join(c.dir, "etcd"), "--logger", "zap", "--log-level", "error",
		"--listen-client-urls", "https://"+ip+":2379", "--advertise-client-urls", "https://etcd.etcd.svc:2379", "--cert-file", cert, "--key-file", key,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "e="+peer)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return ip
}

// start starts a pod by its manifest.
func (c *cluster) start(name, etcd string) {
	c.t.Helper()
	s, container := c.spec.SecurityContext, c.spec.Containers[0]
	args := []string{"run", "--detach", "--name", name, "--add-host", "etcd.etcd.svc:" + etcd, "--security-opt", "no-new-privileges",
		"--user", fmt.Sprintf("%d:%d", s.RunAsUser, s.RunAsGroup), "--group-add", fmt.Sprint(s.FSGroup)}
	if container.SecurityContext.ReadOnlyRootFilesystem {
		args = append(args, "--read-only")
	}
	for _, capability := range container.SecurityContext.Capabilities.Drop {
		args = append(args, "--cap-drop", capability)
	}
	values := map[string]string{}
	for _, e := range container.Env {
		if e.Name == "POD_NAME" {
			e.Value = name // from the field metadata.name
		}
		values[e.Name] = e.Value
		args = append(args, "--env", e.Name+"="+e.Value)
	}
	for _, m := range container.VolumeMounts {
		dir, mode := c.folders[m.Name], "rw"
		if dir == "" {
			dir = c.folder(m.Name + "-" + name)
		}
		if m.ReadOnly {
			mode = "ro"
		}
		args = append(args, "--volume", dir+":"+m.MountPath+":"+mode)
	}
	args = append(args, "cairn")
	for _, arg := range container.Args {
		for name, value := range values {
			arg = strings.ReplaceAll(arg, "$("+name+")", value)
		}
		args = append(args, arg)
	}
	c.run("docker", args...)
	c.t.Cleanup(func() {
		if c.t.Failed() {
			out, _ := c.command("docker", "logs", "--tail", "50", name).CombinedOutput()
			c.t.Logf("log of %s:\n%s", name, out)
		}
	})
	c.ips = append(c.ips, strings.TrimSpace(c.run("docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)))
}

func (c *cluster) port(name string) int {
	for _, p := range c.spec.Containers[0].Ports {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	c.t.Errorf("no port %s", name)
	return 0
}

// probe does what the kubelet does, which does not verify certificates.
func (c *cluster) probe(ip string, p probe) string {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Get(fmt.Sprintf("%s://%s:%d%s", strings.ToLower(p.HTTPGet.Scheme), ip, c.port(p.HTTPGet.Port), p.HTTPGet.Path))
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	return resp.Status
}

// cairn runs a command of an operator or a client at a pod, by the names in its certificate.
// localhost is the pod, as with kubectl port-forward.
func (c *cluster) cairn(pod int, args ...string) string {
	c.t.Helper()
	hosts := write(c.t, filepath.Join(c.dir, "hosts"), c.ips[pod]+" cairn.cairn.svc localhost\n")
	// A mount namespace of the command's own has another /etc/hosts.
	script := fmt.Sprintf("mount --bind %s /etc/hosts && exec ./cairn \"$@\"", hosts)
	cmd := exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(c.env, "CAIRN_ADMIN_TOKEN=0123456789abcdef", "CAIRN_ADMIN_CA_FILE="+c.ca.File, "AWS_CA_BUNDLE="+c.ca.File, "CAIRN_ACCOUNT=123456789012",
		fmt.Sprintf("CAIRN_ADMIN=https://localhost:%d", c.port("admin")), fmt.Sprintf("CAIRN_ENDPOINT=https://cairn.cairn.svc:%d", c.port("api")))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS}
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("cairn %s: %v: %s%s", strings.Join(args, " "), err, out, errors.String())
	}
	return string(out)
}

// TestKubernetesPods starts three pods by their manifest, without Kubernetes: with its user,
// its read-only file system, its volumes and its configuration. They become ready by their
// probe, serve, and stop in order.
func TestKubernetesPods(t *testing.T) {
	c := newPods(t)
	etcd := c.startEtcd()
	names := []string{"cairn-0", "cairn-1", "cairn-2"}
	for _, name := range names {
		c.start(name, etcd)
	}
	container := c.spec.Containers[0]
	for _, ip := range c.ips {
		c.until("ready", func() string { return c.probe(ip, container.ReadinessProbe) }, "200 OK")
		if got := c.probe(ip, container.LivenessProbe); got != "200 OK" {
			t.Errorf("live: %s", got)
		}
		query := new(dns.Msg).SetQuestion("shop.test.", dns.TypeA)
		for _, network := range []string{"udp", "tcp"} {
			if _, _, err := (&dns.Client{Net: network}).Exchange(query, fmt.Sprintf("%s:%d", ip, c.port("dns-"+network))); err != nil {
				t.Errorf("DNS by %s: %v", network, err)
			}
		}
	}
	c.cairn(0, "user", "create", "deployer", "--attach", "AWSCloudMapFullAccess")
	for line := range strings.Lines(c.cairn(0, "key", "create", "--user", "deployer", "--export")) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok {
			c.env = append(c.env, name+"="+strings.Trim(value, `'"`))
		}
	}
	c.cairn(1, "create-http-namespace", "shop.test")
	c.until("the namespace on another node", func() string { return fmt.Sprint(strings.Contains(c.cairn(2, "list-namespaces"), "shop.test")) }, "true")
	if list := c.cairn(2, "nodes", "list"); !strings.Contains(list, "cairn-0") || !strings.Contains(list, "cairn-1") {
		t.Errorf("nodes:\n%s", list)
	}
	c.run("docker", append([]string{"stop", "--time", fmt.Sprint(c.spec.TerminationGracePeriodSeconds)}, names...)...)
	if got := c.run("docker", append([]string{"inspect", "--format", "{{.State.ExitCode}}"}, names...)...); got != "0\n0\n0\n" {
		t.Errorf("exit codes %q", got)
	}
}
