package dns_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// The zone and the key of the examples in docs/dns.md.
const (
	services   = "services.example.com"
	keyName    = "secondary-1"
	testSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// withSecondaries hands the zone out to servers on ports of this machine.
func withSecondaries(ports ...string) nodetest.Option { return withSecondariesOf(services, ports...) }

func withSecondariesOf(zone string, ports ...string) nodetest.Option {
	return nodetest.With(func(c *node.Config) {
		c.DNS.TSIGKeys = []config.TSIGKey{{Name: keyName, Secret: testSecret}}
		rule := config.Transfer{Zone: zone, TSIGKey: keyName}
		for _, port := range ports {
			rule.Secondaries = append(rule.Secondaries, "127.0.0.1:"+port)
		}
		c.DNS.Transfer = []config.Transfer{rule}
	})
}

// secondary is a server of another make that has a copy of the zone.
type secondary struct {
	path string
	args []string
	addr string
	// keeps: what it has survives a power cut.
	keeps bool
	cmd   *exec.Cmd
}

func (s *secondary) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.path, s.args...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children
	s.cmd.Stdout, s.cmd.Stderr = t.Output(), t.Output()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
}

// kill ends the server as a power cut would.
func (s *secondary) kill() {
	if s.cmd != nil {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		_ = s.cmd.Wait() // says that it was killed
		s.cmd = nil
	}
}

// newKnot prepares a Knot that has the example of docs/dns.md, for a zone.
func newKnot(t *testing.T, zone, primary, listen string) *secondary {
	path := testtool.Need(t, "knotd", "knot")
	dir := t.TempDir()
	config := writeFile(t, "knot.conf", fmt.Sprintf(`server:
    listen: 127.0.0.1@%s
    rundir: %q
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %q
template:
  - id: default
    storage: %q
log:
  - target: stderr
    any: info
`, listen, dir, dir, dir)+strings.ReplaceAll(example(t, "knot", "@8054", "@"+primary), services, zone))
	return &secondary{path: path, args: []string{"-c", config}, addr: "127.0.0.1:" + listen, keeps: true}
}

// newNSD prepares an NSD that has the example of docs/dns.md, for a zone. It writes the
// zone to its file once an hour.
func newNSD(t *testing.T, zone, primary, listen string) *secondary {
	path := testtool.Need(t, "nsd", "nsd")
	dir := t.TempDir()
	config := writeFile(t, "nsd.conf", fmt.Sprintf(`server:
  ip-address: 127.0.0.1
  port: %s
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: %q
  database: ""
  pidfile: ""
  xfrdfile: %q
  xfrdir: %q
  zonelistfile: %q
  logfile: ""
  verbosity: 1
remote-control:
  control-enable: no
`, listen, dir, filepath.Join(dir, "xfrd.state"), dir, filepath.Join(dir, "zone.list"))+strings.ReplaceAll(example(t, "nsd", "@8054", "@"+primary), services, zone))
	return &secondary{path: path, args: []string{"-d", "-c", config}, addr: "127.0.0.1:" + listen}
}

// follows waits until the secondary answers for a name as it should.
func (s *secondary) follows(t *testing.T, what, name string, want ...string) {
	t.Helper()
	eventually(t, what, func() error {
		m, err := through(s.addr, name+"."+services+".", dns.TypeA)
		if err == nil && !slices.Equal(addresses(m), want) {
			err = fmt.Errorf("got %v", m)
		}
		return err
	})
}

// transfers is how many transfers of a kind the node has counted.
func (w *fixture) transfers(t *testing.T, kind, sent string) int {
	t.Helper()
	resp, err := http.Get("http://" + w.Addrs().Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`cairn_dns_transfers_total\{outcome="done",sent="` + sent + `",type="` + kind + `"\} (\d+)`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// secondaries are the servers of other makes that tests start.
var secondaries = map[string]func(t *testing.T, zone, primary, listen string) *secondary{"knot": newKnot, "nsd": newNSD}

// A stock secondary has what the node has, follows every kind of change, and
// catches up by what has changed after it was down.
func TestSecondary(t *testing.T) {
	for name, prepare := range secondaries {
		t.Run(name, func(t *testing.T) {
			listen := freePort(t)
			w := start(t, withSecondaries(listen))
			s := prepare(t, services, w.dnsPort, listen)
			followsRegistry(t, w, s)
		})
	}
}

func followsRegistry(t *testing.T, w *fixture, s *secondary) {
	ns := w.namespace(t, services, true)
	web := w.service(t, ns, "web", "A", "MULTIVALUE", checked)
	srv := w.service(t, ns, "_http._tcp", "SRV", "MULTIVALUE")
	for i := range 12 { // more than an answer of ours has
		w.register(t, web, fmt.Sprintf("i-%02d", i), fmt.Sprintf("IPV4=10.0.0.%d", i+10))
	}
	w.register(t, srv, "a", "IPV4=10.0.1.1", "PORT=8001")
	s.start(t)
	all := addressRange("10.0.0.%d", 10, 22)
	s.follows(t, "the whole zone", "web", all...)
	s.follows(t, "the host of an SRV record", "a._http._tcp", "10.0.1.1")
	if w.transfers(t, "axfr", "whole")+w.transfers(t, "ixfr", "whole") == 0 {
		t.Error("the zone came without a transfer")
	}

	w.deregister(t, web, "i-00")
	s.follows(t, "a deregistration", "web", all[1:]...)
	w.setHealth(t, web, "i-01", "UNHEALTHY")
	s.follows(t, "a change of health", "web", all[2:]...)
	w.register(t, srv, "b", "IPV4=10.0.1.2", "PORT=8002")
	s.follows(t, "a registration", "b._http._tcp", "10.0.1.2")
	if w.transfers(t, "ixfr", "changes") == 0 {
		t.Error("no change came by IXFR")
	}

	s.kill()
	before := w.transfers(t, "ixfr", "changes")
	for i := 2; i < 12; i++ {
		w.setHealth(t, web, fmt.Sprintf("i-%02d", i), "UNHEALTHY")
	}
	w.register(t, web, "late", "IPV4=10.0.2.1")
	s.start(t)
	s.follows(t, "what happened while it was down", "web", "10.0.2.1")
	if after := w.transfers(t, "ixfr", "changes"); s.keeps && after == before {
		t.Error("it caught up without IXFR")
	}
	w.setHealth(t, web, "late", "UNHEALTHY")
	s.follows(t, "nobody is healthy, so all are", "web", append(all[1:], "10.0.2.1")...)
	w.sameSerial(t, s, services+".")
}

func addressRange(format string, from, to int) []string {
	var addrs []string
	for i := from; i < to; i++ {
		addrs = append(addrs, fmt.Sprintf(format, i))
	}
	return addrs
}

// The clients that people have at hand understand a transfer, and see who may
// have one.
func TestTransferPrograms(t *testing.T) {
	w := start(t, withSecondaries(freePort(t)))
	ns := w.namespace(t, services, true)
	web := w.service(t, ns, "web", "A", "MULTIVALUE")
	w.register(t, web, "i-1", "IPV4=10.0.0.1")
	key := "-y hmac-sha256:" + keyName + ":" + testSecret
	wrong := "-y hmac-sha256:" + keyName + ":" + strings.Replace(testSecret, "MDE", "MDI", 1)
	for _, c := range []struct {
		program, args string
		want          []string
		not           string
	}{
		{"dig", key + " " + services + " AXFR", []string{`IN\s+SOA`, `web\.services\.example\.com\.\s+10\s+IN\s+A\s+10\.0\.0\.1`, `XFR size: 4 records`, `TSIG\s.*NOERROR`}, "(?i)could ?n.t verify"},
		{"dig", key + " " + services + " IXFR=1", []string{`IN\s+SOA`, `XFR size`}, "(?i)could ?n.t verify"},
		{"dig", key + " " + services + " SOA", []string{`status: NOERROR`, `TSIG\s.*NOERROR`}, "(?i)could ?n.t verify"},
		{"dig", key + " " + services + " +notcp AXFR +noedns", []string{`IN\s+SOA`}, ""},
		{"dig", services + " AXFR", []string{`Transfer failed`}, `10\.0\.0\.1`},
		{"kdig", key + " " + services + " AXFR", []string{`web\.services\.example\.com\.\s+10\s+IN\s+A\s+10\.0\.0\.1`, `4 records`}, "WARNING"},
		{"kdig", key + " " + services + " IXFR=1", []string{`IXFR for services`, `IN\s+SOA`}, "WARNING"},
		{"kdig", wrong + " " + services + " AXFR", []string{`(?i)NOTAUTH|failed to verify|BADSIG`}, `10\.0\.0\.1`},
		{"kdig", "-y hmac-sha256:nobody:" + testSecret + " " + services + " AXFR", []string{`(?i)NOTAUTH|failed to verify|BADKEY`}, `10\.0\.0\.1`},
		{"kdig", services + " AXFR", []string{`REFUSED`}, `10\.0\.0\.1`},
	} {
		t.Run(c.program+" "+c.args, func(t *testing.T) {
			w.runProgram(t, c.program, strings.Fields(c.args), c.want, c.not)
		})
	}
}

// Many changes in a row are few messages, and each zone is told of at the start.
func TestNotifyIsCoalesced(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan uint32, 10_000)
	server := &dns.Server{PacketConn: pc, TsigSecret: map[string]string{keyName + ".": testSecret}, MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		answer := new(dns.Msg).SetReply(m)
		if m.IsTsig() == nil || w.TsigStatus() != nil || m.Opcode != dns.OpcodeNotify {
			answer.Rcode = dns.RcodeRefused
		} else {
			messages <- m.Answer[0].(*dns.SOA).Serial
			answer.SetTsig(keyName+".", dns.HmacSHA256, 300, time.Now().Unix())
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	_, listen, _ := net.SplitHostPort(pc.LocalAddr().String())
	w := start(t, withSecondaries(listen))
	web := w.service(t, w.namespace(t, services, true), "web", "A", "MULTIVALUE")
	begin := time.Now()
	for i := range 500 {
		w.register(t, web, fmt.Sprint("i-", i), fmt.Sprintf("IPV4=10.1.%d.%d", i/250, i%250))
	}
	last := w.ask(t, services+".", dns.TypeSOA).Answer[0].(*dns.SOA).Serial
	count := 0
	for serial := range messages {
		if count++; serial == last {
			break
		}
	}
	if most := 3 + int(time.Since(begin)/time.Second); count > most {
		t.Errorf("%d messages in %v", count, time.Since(begin))
	}
}
