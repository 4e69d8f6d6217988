package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// knotZone has a record of every type, wildcards at several levels, empty non-terminals,
// delegations with and without glue and with a DS record, data below a delegation, and
// CNAME records that lead to every kind of name.
var knotZone = `$TTL 300
@            MX 10 mail
@            TXT "v=spf1 -all" "second string"
@            CAA 0 issue "ca.example.net; policy=ev"
www          A 192.0.2.1
             A 192.0.2.2
             AAAA 2001:db8::1
mail  60     A 192.0.2.25
all.types    A 192.0.2.3
             AAAA ::ffff:192.0.2.3
             CAA 128 iodef "mailto:a@example.net"
             HTTPS 1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.3 ipv6hint=2001:db8::3 key667="a\"b"
             MX 20 www
             MX 30 host.deleg
             MX 40 any.w
             NAPTR 100 50 "u" "E2U+sip" "!^(.*)$!sip:\\1@example.com!" .
             PTR www
             SPF "v=spf1 a -all"
             SRV 1 2 443 WWW
             SRV 1 2 444 outside.example.net.
             SSHFP 1 1 09F6A01D2175742B257C6B98B7C72C44C4040683
             SVCB 2 mail mandatory=port,alpn alpn=h2 port=1 no-default-alpn
             TLSA 3 1 1 0B9FA5A59EED715C26C1020C711B4F6EC42D58B0015E14337A39DAD301C5AFC3
             TXT "` + "\\\"quoted\\\" \\\\ \\000\\255 ;(" + `" "" plain
*            TXT "any name of the zone"
*.w          A 192.0.2.4
             MX 10 www
b.w          TXT "stops the wildcard for what is below"
c.d.w        A 192.0.2.5
*.e.w        CNAME www
x.*.mid      A 192.0.2.6
*.cnames     CNAME www
*.more       SRV 1 1 1 mail
deep.empty.non.terminal A 192.0.2.7
a\.b         A 192.0.2.8
sp\032ace    TXT "a name with a space"
UPPER        A 192.0.2.9
_dns._tcp    SRV 0 0 53 ns.deleg
deleg        NS ns.deleg
             NS ns.example.net.
             DS 12345 13 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF67890ABCD
ns.deleg     A 192.0.2.53
             AAAA 2001:db8::53
below.deleg  TXT "occluded"
*.deleg      TXT "an occluded wildcard"
bare         NS ns1.example.net.
             NS ns2.example.net.
sibling      NS ns.deleg
             NS www
in.a.cut     NS ns.in.a.cut
ns.in.a.cut  A 192.0.2.54
c1           CNAME c2
c2           CNAME c3
c3           CNAME www
c-out        CNAME outside.example.net.
c-none       CNAME nothing.in.e.w.none.non.terminal
c-nodata     CNAME _dns._tcp
c-loop1      CNAME c-loop2
c-loop2      CNAME c-loop1
c-self       CNAME c-self
c-wild       CNAME something.w
c-deleg      CNAME host.deleg
c-cut        CNAME deleg
c-apex       CNAME @
c-upper      CNAME WWW.Knot.Test.
many         A 198.51.100.1
` + manyAddresses

var manyAddresses = func() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "\tA 198.51.100.%d\n", i+2)
	}
	return b.String()
}()

// TestHostedZoneLikeKnot imports a zone file, exports the zone, has Knot serve the export,
// and asks both 10,000 questions: all sections must be equal.
func TestHostedZoneLikeKnot(t *testing.T) {
	t.Parallel()
	knotd := testtool.Need(t, "knotd", "knot")
	program := build(t)
	dir := t.TempDir()
	p := serve(t, program, filepath.Join(dir, "data"))
	file := filepath.Join(dir, "import.zone")
	if err := os.WriteFile(file, []byte(knotZone), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"CAIRN_ENDPOINT=" + p.url}
	t.Log(run(t, dir, env, program, "zone", "import", file, "--zone", "knot.test", "--create", "--yes"))
	text := run(t, dir, env, program, "zone", "export", "knot.test")
	again := filepath.Join(dir, "again.zone")
	if err := os.WriteFile(again, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, dir, env, program, "zone", "import", again, "--zone", "knot.test", "--prune", "--yes"); !strings.Contains(out, "0 record sets to create, 0 to change, 0 to delete") {
		t.Errorf("what was exported is not what was imported:\n%s", out)
	}
	knot := startKnot(t, knotd, dir, again)
	ours, theirs := &asked{t: t, addr: p.dns}, &asked{t: t, addr: knot}
	random := rand.New(rand.NewPCG(1, 2))
	names := knotNames(text)
	differences, rcodes, sections := 0, map[int]int{}, [3]int{}
	for i := 0; i < 10_000 && differences < 20; i++ {
		m := randomQuestion(random, names)
		network := []string{"udp", "tcp"}[random.IntN(2)]
		a, b := ours.ask(network, m), theirs.ask(network, m)
		if a.Truncated && b.Truncated {
			continue
		}
		if got, want := canonicalAnswer(a), canonicalAnswer(b); got != want {
			differences++
			t.Errorf("%s %s over %s\ncairn %s\nknot  %s", m.Question[0].Name, dns.TypeToString[m.Question[0].Qtype], network, got, want)
		}
		rcodes[a.Rcode]++
		for j, section := range [][]dns.RR{a.Answer, a.Ns, a.Extra} {
			if len(section) > 0 {
				sections[j]++
			}
		}
	}
	t.Logf("rcodes %v, answers with the sections %v", rcodes, sections)
	if rcodes[dns.RcodeSuccess] < 1000 || rcodes[dns.RcodeNameError] < 100 || slices.Min(sections[:]) < 1000 {
		t.Error("the questions do not reach enough")
	}
}

// startKnot serves a zone file and returns the address.
func startKnot(t *testing.T, knotd, dir, file string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	host, port, _ := net.SplitHostPort(addr)
	config := filepath.Join(dir, "knot.conf")
	err = os.WriteFile(config, fmt.Appendf(nil, `server:
    listen: %s@%s
    rundir: %q
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    answer-rotation: off
database:
    storage: %q
log:
  - target: stderr
    any: warning
zone:
  - domain: knot.test
    file: %q
    semantic-checks: off
`, host, port, dir, dir, file), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(knotd, "-c", config)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // says that it was killed
	})
	end := time.Now().Add(30 * time.Second)
	for {
		m, _, err := (&dns.Client{Timeout: time.Second}).Exchange(new(dns.Msg).SetQuestion("knot.test.", dns.TypeSOA), addr)
		if err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1 {
			return addr
		}
		if time.Now().After(end) {
			t.Fatalf("Knot does not serve the zone: %v %v", m, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// knotNames are the owner names of a zone file in which all names are absolute.
func knotNames(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, "\t"); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

var knotTypes = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeCAA, dns.TypeCNAME, dns.TypeDS, dns.TypeHTTPS, dns.TypeMX, dns.TypeNAPTR, dns.TypeNS, dns.TypePTR, dns.TypeSOA, dns.TypeSPF,
	dns.TypeSRV, dns.TypeSSHFP, dns.TypeSVCB, dns.TypeTLSA, dns.TypeTXT, dns.TypeDNAME, dns.TypeLOC, 65280,
}

// randomQuestion asks for a name of the zone, one above, below or beside it.
func randomQuestion(random *rand.Rand, names []string) *dns.Msg {
	name := names[random.IntN(len(names))]
	labels := dns.SplitDomainName(name)
	words := []string{"x", "*", "www", "b", "host", "ns", "a.b.c", "w", "_tcp", "e", "deep"}
	switch random.IntN(6) {
	case 0:
		name = words[random.IntN(len(words))] + "." + name
	case 1:
		if len(labels) > 2 {
			name = strings.Join(labels[random.IntN(len(labels)-1):], ".") + "."
		}
	case 2:
		if len(labels) > 2 {
			labels[0] = words[random.IntN(len(words))]
			name = strings.Join(labels, ".") + "."
		}
	}
	if random.IntN(10) == 0 {
		name = strings.ToUpper(name)
	}
	m := new(dns.Msg).SetQuestion(name, knotTypes[random.IntN(len(knotTypes))])
	m.RecursionDesired = random.IntN(2) == 0
	switch random.IntN(3) {
	case 0:
		m.SetEdns0(1232, false)
	case 1:
		m.SetEdns0(1232, true)
	}
	return m
}

// asked is a server that questions are sent to.
type asked struct {
	t    *testing.T
	addr string
	conn [2]*dns.Conn
}

func (s *asked) ask(network string, m *dns.Msg) *dns.Msg {
	s.t.Helper()
	c := &dns.Client{Net: network, Timeout: 10 * time.Second}
	i := strings.Index("udptcp", network) / 3
	for range 2 {
		if s.conn[i] == nil {
			conn, err := c.Dial(s.addr)
			if err != nil {
				s.t.Fatal(err)
			}
			s.conn[i] = conn
			s.t.Cleanup(func() { conn.Close() })
		}
		answer, _, err := c.ExchangeWithConn(m, s.conn[i])
		if err == nil {
			return answer
		}
		s.conn[i] = nil // it was idle for too long
	}
	s.t.Fatalf("%s answers nothing to %v", s.addr, m)
	return nil
}

// withText are the types whose data has text.
var withText = []uint16{dns.TypeCAA, dns.TypeNAPTR, dns.TypeSPF, dns.TypeTXT}

// canonicalAnswer is an answer without what may differ: the order of records, the case of
// names, and the serial of the SOA record.
func canonicalAnswer(m *dns.Msg) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s aa=%v tc=%v opt=%v", dns.RcodeToString[m.Rcode], m.Authoritative, m.Truncated, m.IsEdns0() != nil)
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		var all []string
		for _, rr := range section {
			if rr.Header().Rrtype == dns.TypeOPT {
				continue
			}
			if soa, ok := rr.(*dns.SOA); ok {
				soa.Serial = 0
			}
			rr.Header().Name = strings.ToLower(rr.Header().Name)
			line := rr.String()
			if !slices.Contains(withText, rr.Header().Rrtype) {
				line = strings.ToLower(line) // Knot may take the case of a name from the question
			}
			all = append(all, line)
		}
		slices.Sort(all)
		fmt.Fprintf(&b, "\n  %s: %s", []string{"answer", "authority", "additional"}[i], strings.Join(all, "\n    "))
	}
	return b.String()
}
