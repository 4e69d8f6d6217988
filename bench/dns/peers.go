//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// peer is another authoritative server, measured where it is installed. It
// serves the same names from a zone file, on one core.
type peer struct {
	name, program string
	// config is its configuration, in a folder of its own, and args start it.
	config func(dir string, port int) string
	args   func(dir string) []string
}

var peers = []peer{
	{"knot", "knotd", knotConfig, func(dir string) []string { return []string{"-c", filepath.Join(dir, "config")} }},
	{"nsd", "nsd", nsdConfig, func(dir string) []string { return []string{"-d", "-c", filepath.Join(dir, "config")} }},
}

func knotConfig(dir string, port int) string {
	return fmt.Sprintf(`server:
  listen: 127.0.0.1@%d
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  rundir: %[2]s
database:
  storage: %[2]s
log:
  - target: stderr
    any: error
zone:
  - domain: %[3]s
    file: %[2]s/zone
    zonefile-sync: -1
`, port, dir, benchZone)
}

func nsdConfig(dir string, port int) string {
	return fmt.Sprintf(`server:
  ip-address: 127.0.0.1
  port: %d
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: %[2]s
  zonelistfile: %[2]s/zone.list
  xfrdfile: %[2]s/xfrd.state
  xfrdir: %[2]s
  pidfile: %[2]s/nsd.pid
  rrl-ratelimit: 0
  verbosity: 0
remote-control:
  control-enable: no
zone:
  name: %[3]s
  zonefile: zone
`, port, dir, benchZone)
}

// start starts a peer, or returns nil where it is not installed.
func (p *peer) start(s settings) (*server, error) {
	program, err := exec.LookPath(p.program)
	if err != nil {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "cairn-bench-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"config": p.config(dir, port), "zone": zoneFile(s)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	srv := &server{name: p.name, cmd: exec.Command(program, p.args(dir)...), port: port, dir: dir}
	srv.cmd.Stderr = os.Stderr
	if err := srv.startPinned(); err != nil {
		return nil, err
	}
	return srv, srv.await(s)
}

// await asks until the peer answers.
func (s *server) await(set settings) error {
	query := set
	query.time, query.window = 50*time.Millisecond, batch
	end := time.Now().Add(time.Minute)
	for time.Now().Before(end) {
		if n, _, _, err := load(s.port, query); err == nil && n > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s does not answer", s.name)
}

// freePort returns a port that nobody has on UDP and TCP.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

// zoneFile holds the names that cairn has, with the records it would answer.
func zoneFile(s settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ORIGIN %s.\n$TTL 60\n@ SOA ns hostmaster 1 7200 900 1209600 5\n@ NS ns\nns A 127.0.0.1\n", benchZone)
	for i := range s.services {
		for j := range min(8, s.instances) {
			switch s.kind {
			case "A":
				fmt.Fprintf(&b, "svc-%d A %s\n", i, ipv4(i, j))
			case "AAAA":
				fmt.Fprintf(&b, "svc-%d AAAA %s\n", i, ipv6(i, j))
			case "SRV":
				host := fmt.Sprintf("i-%08x.svc-%d", j, i)
				fmt.Fprintf(&b, "svc-%d SRV 1 1 80 %[2]s\n%[2]s A %[3]s\n%[2]s AAAA %[4]s\n", i, host, ipv4(i, j), ipv6(i, j))
			}
		}
	}
	return b.String()
}
