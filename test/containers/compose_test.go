// Package containers starts what deploy has for containers on a Docker Engine of its own,
// which is connected to nothing: deploy/compose with Docker Compose, and the pods of
// deploy/kubernetes as the kubelet would.
package containers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

const folder = "../../deploy/compose"

// project is a copy of the folder, with the program in it.
type project struct {
	t   *testing.T
	dir string
	env []string
}

func newProject(t *testing.T) *project {
	t.Helper()
	e := enginetest.Need(t)
	testtool.Need(t, "docker-compose", "docker-compose")
	p := &project{t: t, dir: filepath.Join(t.TempDir(), "compose")}
	if err := os.CopyFS(p.dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "cairn"), program(t), 0o755); err != nil {
		t.Fatal(err)
	}
	const image = "cairn-test-etcd:1"
	e.LoadFiles(t, image, nil, etcdFiles(t))
	p.env = append(os.Environ(), "DOCKER_HOST=unix://"+e.Socket(), "ETCD_IMAGE="+image)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := p.command("docker-compose", "logs", "--no-color", "--tail", "30").CombinedOutput()
			t.Logf("%s", out)
		}
	})
	return p
}

// program returns the static program of the images.
func program(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cairn")
	if err := testtool.Build(path, "github.com/cairn-discovery/cairn/cmd/cairn"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// etcdFiles returns Debian's etcd and the libraries that it needs, for an image.
func etcdFiles(t *testing.T) map[string][]byte {
	t.Helper()
	etcd := testtool.Need(t, "etcd", "etcd-server")
	out, err := exec.Command(testtool.Need(t, "ldd", "libc-bin"), etcd).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	add := func(name, from string) {
		if files[name], err = os.ReadFile(from); err != nil {
			t.Fatal(err)
		}
	}
	add("usr/local/bin/etcd", etcd)
	for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(out), -1) {
		add(strings.TrimPrefix(library, "/"), library)
	}
	return files
}

func (p *project) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// run runs a program in the folder, and returns what it writes to its output.
func (p *project) run(program string, args ...string) string {
	p.t.Helper()
	cmd := p.command(program, args...)
	var errors strings.Builder
	cmd.Stderr = &errors
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s %s: %v: %s%s", program, strings.Join(args, " "), err, out, errors.String())
	}
	p.t.Logf("%s %s: %v", program, strings.Join(args, " "), time.Since(start).Round(time.Millisecond))
	return string(out)
}

func (p *project) compose(args ...string) string {
	p.t.Helper()
	return p.run("docker-compose", args...)
}

// names returns the names of the nodes as the second one lists them.
func (p *project) names() string {
	out, err := p.command("./cairn", "nodes", "list", "--admin", "http://127.0.0.1:9055", "--output", "json").Output()
	if err != nil {
		return err.Error()
	}
	var list struct{ Nodes []struct{ Name string } }
	if err := json.Unmarshal(out, &list); err != nil {
		return err.Error()
	}
	var names []string
	for _, n := range list.Nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// until waits for a result.
func (p *project) until(what string, result func() string, want string) {
	p.t.Helper()
	var got string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if got = result(); got == want {
			return
		}
	}
	p.t.Fatalf("%s: %q, want %q", what, got, want)
}

// call sends an operation of Cloud Map to a node, and returns status, revision and answer.
func call(port int, operation, body, revision string) (string, string, []byte) {
	req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d", port), strings.NewReader(body))
	if err != nil {
		return err.Error(), "", nil
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	if revision != "" {
		req.Header.Set("cairn-min-revision", revision)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error(), "", nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error(), "", nil
	}
	return resp.Status, resp.Header.Get("cairn-revision"), answer
}

// TestCompose starts the project. Three nodes know each other, and what one has written the
// others answer, also while one node and one member of etcd are killed. Nodes stop in order.
func TestCompose(t *testing.T) {
	p := newProject(t)
	p.compose("up", "--build", "--detach")
	const all = "cairn-1 cairn-2 cairn-3"
	p.until("the nodes", p.names, all)
	ports := []int{8053, 9053, 10053}
	p.visible(ports[0], ports, "first")

	p.compose("kill", "etcd-1", "cairn-1")
	p.until("the nodes that are left", p.names, "cairn-2 cairn-3")
	p.visible(ports[1], ports[1:], "second")

	p.compose("up", "--detach")
	p.until("the nodes", p.names, all)
	p.visible(ports[2], ports, "third")

	p.compose("stop")
	p.endedInOrder()
	p.compose("start")
	p.until("the nodes after a stop and a start", p.names, all)
	p.visible(ports[0], ports, "fourth")

	// The whole machine stops, and etcd first.
	p.compose("kill", "etcd-1", "etcd-2", "etcd-3")
	p.compose("stop")
	p.endedInOrder()
}

// endedInOrder checks the exit codes of the nodes.
func (p *project) endedInOrder() {
	p.t.Helper()
	ids := strings.Fields(p.compose("ps", "--quiet", "--all", "cairn-1", "cairn-2", "cairn-3"))
	args := append([]string{"inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}"}, ids...)
	if got := p.run("docker", args...); got != strings.Repeat("exited 0\n", 3) {
		p.t.Errorf("the nodes ended so:\n%s", got)
	}
}

// visible creates a namespace at one node and finds it at others.
func (p *project) visible(at int, ports []int, name string) {
	p.t.Helper()
	var revision string
	p.until("create "+name, func() (status string) {
		status, revision, _ = call(at, "CreateHttpNamespace", fmt.Sprintf(`{"Name":%q,"CreatorRequestId":%q}`, name, name), "")
		return status
	}, "200 OK")
	for _, port := range ports {
		p.until(fmt.Sprint("list at ", port), func() string {
			status, _, answer := call(port, "ListNamespaces", `{"MaxResults":100}`, revision)
			return fmt.Sprint(status, strings.Contains(string(answer), `"Name":"`+name+`"`))
		}, "200 OKtrue")
	}
}
