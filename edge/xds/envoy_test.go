package xds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// envoy is a running Envoy.
type envoy struct {
	t      testing.TB
	admin  string // HOST:PORT
	listen string // of the HTTP listener
	ip     string // of its listeners, in a mesh
}

// freePort returns a port of 127.0.0.1 that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// baseID gives each Envoy of this process an id of its own, which its shared memory has.
var baseID atomic.Int64

// envoy starts an Envoy and waits until it is ready. The end of the test stops it, and
// checks that it has rejected nothing.
func (w *fixture) envoy(world bool, services ...any) *envoy {
	w.t.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(w.t))
	e := w.envoyWith(&xdsbootstrap.Config{
		Server: w.addr, ID: "envoy", StateOfTheWorld: world,
		Metadata: map[string]any{"cairn.services": services, "cairn.listen": listen},
	}, nil)
	e.listen = listen
	return e
}

// envoyWith starts an Envoy with a bootstrap, which change may change.
func (w *fixture) envoyWith(cfg *xdsbootstrap.Config, change func(map[string]any)) *envoy {
	w.t.Helper()
	path := testtool.Envoy(w.t)
	dir := w.t.TempDir()
	e := &envoy{t: w.t}
	cfg.Admin = "127.0.0.1:0"
	config, err := xdsbootstrap.Envoy(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if change != nil {
		var object map[string]any
		if err := json.Unmarshal(config, &object); err != nil {
			w.t.Fatal(err)
		}
		change(object)
		if config, err = json.Marshal(object); err != nil {
			w.t.Fatal(err)
		}
	}
	file, adminFile := filepath.Join(dir, "envoy.json"), filepath.Join(dir, "admin")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(path, "--config-path", file, "--admin-address-path", adminFile, "--base-id", strconv.FormatInt(1000+int64(os.Getpid()%30000)*50+baseID.Add(1), 10),
		"--disable-hot-restart", "--concurrency", "1", "--drain-time-s", "1", "-l", "warning")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		e.check()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("Envoy:\n%s", log.Bytes())
		}
	})
	wait(w.t, "Envoy has an admin address", func() bool {
		text, _ := os.ReadFile(adminFile)
		e.admin = string(text)
		return e.admin != ""
	})
	wait(w.t, "Envoy is ready", func() bool { return strings.Contains(e.get("/ready"), "LIVE") })
	return e
}

// wait waits until a condition holds.
func wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen that %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (e *envoy) get(path string) string {
	r, err := http.Get("http://" + e.admin + path)
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

// check fails the test if Envoy has rejected a resource, or waits for one.
func (e *envoy) check() {
	e.t.Helper()
	for line := range strings.Lines(e.get("/stats?filter=(update_rejected|warming_clusters|create_failure|total_listeners_warming)")) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); value != "0" {
			e.t.Errorf("Envoy says %s: %s", name, value)
		}
	}
}

// request makes a request through Envoy and returns the name of the backend.
func (e *envoy) request(host string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.listen+"/", nil)
	if err != nil {
		return "", err
	}
	r.Host = host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

// hosts returns the addresses of a cluster that Envoy uses.
func (e *envoy) hosts(cluster string) map[string]string {
	var all struct {
		Clusters []struct {
			Name  string `json:"name"`
			Hosts []struct {
				Address struct {
					Socket struct {
						Address string `json:"address"`
						Port    int    `json:"port_value"`
					} `json:"socket_address"`
				} `json:"address"`
				Health struct {
					EDS string `json:"eds_health_status"`
				} `json:"health_status"`
			} `json:"host_statuses"`
		} `json:"cluster_statuses"`
	}
	_ = json.Unmarshal([]byte(e.get("/clusters?format=json")), &all)
	found := map[string]string{}
	for _, c := range all.Clusters {
		for _, h := range c.Hosts {
			if c.Name == cluster {
				found[fmt.Sprint(h.Address.Socket.Address, ":", h.Address.Socket.Port)] = h.Health.EDS
			}
		}
	}
	return found
}

// web starts an HTTP server that answers with its name.
func web(t testing.TB, name string) (ip string, port int) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
	t.Cleanup(s.Close)
	addr := s.Listener.Addr().(*net.TCPAddr)
	return addr.IP.String(), addr.Port
}

// untilRequests makes requests until only the wanted backends answer. None may fail.
func (e *envoy) untilRequests(host string, want ...string) {
	e.t.Helper()
	wait(e.t, fmt.Sprintf("%s is answered by %v", host, want), func() bool {
		got := map[string]bool{}
		for range 4 * len(want) {
			name, err := e.request(host)
			if err != nil {
				e.t.Fatalf("request to %s: %v", host, err)
			}
			got[name] = true
		}
		for _, name := range want {
			if !got[name] {
				return false
			}
		}
		return len(got) == len(want)
	})
}

// TestEnvoy runs a real Envoy in both protocols: services appear, instances join, fail,
// leave, and no request fails.
func TestEnvoy(t *testing.T) {
	for _, world := range []bool{false, true} {
		t.Run(map[bool]string{false: "delta", true: "state of the world"}[world], func(t *testing.T) {
			w := start(t, func(c *xds.Config) { c.Drain = 200 * time.Millisecond })
			ns := w.namespace("shop")
			svc := w.service(ns, "web")
			ip, a := web(t, "a")
			_, b := web(t, "b")
			w.register(svc, "a", ip, a)
			e := w.envoy(world, "*.shop")
			e.untilRequests("web.shop", "a")
			w.register(svc, "b", ip, b)
			e.untilRequests("web.shop", "a", "b")
			w.health(svc, "a", registry.Unhealthy)
			e.untilRequests("web.shop", "b")
			if hosts := e.hosts("web.shop"); len(hosts) != 1 {
				t.Errorf("hosts %v, want the healthy one", hosts)
			}
			w.health(svc, "a", registry.Healthy)
			e.untilRequests("web.shop", "a", "b")
			w.deregister(svc, "b")
			e.untilRequests("web.shop", "a")
			wait(t, "the instance that has left is gone", func() bool { return len(e.hosts("web.shop")) == 1 })
			// A service that is new while the proxy runs, and one that is deleted.
			api := w.service(ns, "api")
			w.register(api, "b", ip, b)
			wait(t, "the new service is there", func() bool { name, err := e.request("api.shop:8080"); return err == nil && name == "b" })
			e.untilRequests("api.shop", "b")
			w.deregister(api, "b")
			w.do(&registry.DeleteService{Ref: string(api)})
			wait(t, "the deleted service is gone", func() bool { return !strings.Contains(e.get("/clusters"), "api.shop::") })
			e.untilRequests("web.shop", "a")
		})
	}
}

// TestEnvoyServerRestart: while the server is away, and when it is back, no request
// fails, and Envoy gets nothing that has not changed.
func TestEnvoyServerRestart(t *testing.T) {
	for _, world := range []bool{false, true} {
		t.Run(map[bool]string{false: "delta", true: "state of the world"}[world], func(t *testing.T) {
			var cfg xds.Config
			w := start(t, func(c *xds.Config) { cfg = *c })
			svc := w.service(w.namespace("shop"), "web")
			ip, a := web(t, "a")
			_, b := web(t, "b")
			w.register(svc, "a", ip, a)
			e := w.envoy(world, "*.shop")
			e.untilRequests("web.shop", "a")
			w.stop()
			wait(t, "Envoy notices", func() bool { return strings.Contains(e.get("/stats?filter=control_plane.connected_state"), ": 0") })
			e.untilRequests("web.shop", "a")
			cfg.Registerer = nil
			w.serve(cfg, w.addr)
			wait(t, "Envoy is back", func() bool {
				report, ok := w.server.Explain("", "envoy")
				return ok && strings.Contains(report, "route:")
			})
			w.register(svc, "b", ip, b)
			e.untilRequests("web.shop", "a", "b")
			report, _ := w.server.Explain("", "envoy")
			for line := range strings.Lines(report) {
				// Only the endpoints were sent since, once; delta also has an empty answer
				// for each wildcard.
				t.Log(strings.TrimSpace(line))
			}
			if n := strings.Count(report, "answers 1"); !world && n != 3 || world && n != 1 {
				t.Errorf("%d types were answered:\n%s", n, report)
			}
		})
	}
}

// TestEnvoyOwnListeners: services with a listener of their own, for HTTP and TCP.
func TestEnvoyOwnListeners(t *testing.T) {
	w := start(t)
	svc := w.service(w.namespace("shop"), "web")
	ip, a := web(t, "a")
	w.register(svc, "a", ip, a)
	tcp, plain := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	e := w.envoy(false,
		map[string]any{"name": "web.shop", "listen": tcp, "protocol": "tcp"},
		map[string]any{"name": "web.shop", "listen": plain, "protocol": "http"})
	for _, addr := range []string{tcp, plain} {
		e.listen = addr
		e.untilRequests("any.name", "a")
	}
}
