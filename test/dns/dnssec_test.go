package dns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// withSealKey lets a node keep keys for DNSSEC.
func withSealKey() nodetest.Option {
	key := config.Secret(seal.NewKey())
	return nodetest.With(func(c *node.Config) { c.Auth.SealKey = key })
}

// sign has a namespace's zone signed and returns its first key.
func (w *fixture) sign(t *testing.T, id, value string) object {
	t.Helper()
	get := func() object { return w.call(t, "GetNamespace", object{"Id": id})["Namespace"].(object) }
	w.call(t, "TagResource", object{"ResourceARN": get()["Arn"], "Tags": []object{{"Key": "cairn.dnssec", "Value": value}}})
	d := get()["Properties"].(object)["DnsProperties"].(object)["DNSSEC"].(object)
	return d["KeySigningKeys"].([]any)[0].(object)
}

// signedShop is a signed zone with one of everything, a signed zone below it and
// one that is not signed. It returns the key of the first.
func (w *fixture) signedShop(t *testing.T) object {
	t.Helper()
	ns := w.namespace(t, "signed.example", true)
	key := w.sign(t, ns, "enabled")
	web := w.service(t, ns, "web", "A+AAAA", "MULTIVALUE")
	w.register(t, web, "i-1", "IPV4=10.0.0.1", "IPV6=2001:db8::1")
	w.register(t, w.service(t, ns, "tampered", "A", "MULTIVALUE"), "i-1", "IPV4=10.0.0.9")
	srv := w.service(t, ns, "_http._tcp", "SRV", "MULTIVALUE")
	for i := range 8 {
		w.register(t, srv, fmt.Sprint("Host-", i), fmt.Sprintf("IPV4=10.0.1.%d", i), "PORT=8001")
	}
	w.register(t, w.service(t, ns, "old", "CNAME", "WEIGHTED"), "x", "CNAME=Web.signed.example")
	w.register(t, w.service(t, ns, "broken", "CNAME", "WEIGHTED"), "x", "CNAME=nothing.signed.example")
	w.service(t, ns, "deep.er", "A", "MULTIVALUE")
	many := w.service(t, ns, "many", "A", "MULTIVALUE")
	for i := range 20 {
		w.register(t, many, fmt.Sprintf("m-%d", i), fmt.Sprintf("IPV4=10.0.2.%d", i+1))
	}
	for name, signed := range map[string]bool{"below.signed.example": true, "plain.signed.example": false} {
		child := w.namespace(t, name, true)
		if signed {
			w.sign(t, child, "enabled")
		}
		w.register(t, w.service(t, child, "web", "A", "MULTIVALUE"), "i", "IPV4=10.0.3.1")
	}
	return key
}

// What a validator makes of a name.
const (
	secure   = "secure"
	insecure = "insecure"
	bogus    = "bogus"
)

// verdicts are what every validator must find.
var verdicts = []struct {
	question string // below signed.example.
	verdict  string
	want     string // in the answer; empty: there is none
}{
	{"web A", secure, "10.0.0.1"},
	{"WEB AAAA", secure, "2001:db8::1"},
	{"web TXT", secure, ""},
	{"_http._tcp SRV", secure, "1 1 8001"},
	{"host-3._http._tcp A", secure, "10.0.1.3"},
	{"host-3._http._tcp AAAA", secure, ""},
	{"old A", secure, "10.0.0.1"},
	{"old AAAA", secure, "2001:db8::1"},
	{"broken A", secure, ""},
	{"many A", secure, "10.0.2."},
	{"er A", secure, ""},
	{"deep.er A", secure, ""},
	{"nothing A", secure, ""},
	{"no.thing.at.all AAAA", secure, ""},
	{"below.web A", secure, ""},
	{" SOA", secure, "hostmaster"},
	{" NS", secure, "ns.cairn.internal"},
	{" DNSKEY", secure, "257 3 13"},
	{" CDS", secure, "13 2"},
	{" CDNSKEY", secure, "257 3 13"},
	{" MX", secure, ""},
	{"below DS", secure, "13 2"},
	{"web.below A", secure, "10.0.3.1"},
	{"nothing.below A", secure, ""},
	{"plain DS", secure, ""},
	{"web.plain A", insecure, "10.0.3.1"},
	{"nothing.plain A", insecure, ""},
}

func questionOf(text string) (name, qtype string) {
	name, qtype, _ = strings.Cut(text, " ")
	return strings.TrimPrefix(name+".signed.example.", "."), qtype
}

// anchorFile makes a zone's key a trust anchor for delv.
func anchorFile(t *testing.T, key object) string {
	flags := strings.Fields(key["DNSKEYRecord"].(string))
	return writeFile(t, "anchor", fmt.Sprintf("trust-anchors { signed.example static-key %s %s %s %q; };\n", flags[0], flags[1], flags[2], flags[3]))
}

// delv, of BIND, with the zone's key for a trust anchor.
func TestDelvValidates(t *testing.T) {
	delv := testtool.Need(t, "delv", "bind9-dnsutils")
	w := start(t, withSealKey())
	key := w.signedShop(t)
	anchor := anchorFile(t, key)
	for _, c := range verdicts {
		name, qtype := questionOf(c.question)
		out := run(t, delv, "@127.0.0.1", "-p", w.dnsPort, "+root=signed.example", "-a", anchor, name, qtype)
		want := map[string]string{secure: "fully validated", insecure: "unsigned answer"}[c.verdict]
		if strings.HasPrefix(c.question, "nothing.plain") {
			want = "negative response" // in its own words
		}
		if !strings.Contains(out, want) || !strings.Contains(out, c.want) {
			t.Errorf("%s: %q and %q are not in\n%s", c.question, want, c.want, out)
		}
	}
	// With another key for a trust anchor nothing is believed.
	wrong := writeFile(t, "wrong", fmt.Sprintf("trust-anchors { signed.example static-key 257 3 13 %q; };\n", strings.Repeat("A", 85)+"Q=="))
	if out := run(t, delv, "@127.0.0.1", "-p", w.dnsPort, "+root=signed.example", "-a", wrong, "web.signed.example", "A"); strings.Contains(out, "fully validated") || strings.Contains(out, "10.0.0.1") {
		t.Errorf("with the wrong key:\n%s", out)
	}
}

// Unbound as the resolver of a network, with the DS record for a trust anchor. It
// asks by way of a middleman who changes the addresses of one name.
func TestUnboundValidates(t *testing.T) {
	unbound := testtool.Need(t, "unbound", packages["unbound"])
	w := start(t, withSealKey())
	key := w.signedShop(t)
	between := w.middleman(t)
	dir, listen := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "unbound.conf")
	text := fmt.Sprintf(`
server:
  interface: 127.0.0.1@%s
  directory: "%s"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor: "signed.example. DS %s"
stub-zone:
  name: signed.example
  stub-addr: %s
`, listen, dir, key["DSRecord"], strings.Replace(between, ":", "@", 1))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	daemon(t, unbound, "-d", "-c", config)
	ask := func(name string, qtype uint16) (*dns.Msg, error) {
		q := new(dns.Msg).SetQuestion(name, qtype)
		q.SetEdns0(1232, true)
		m, _, err := (&dns.Client{Timeout: 10 * time.Second}).Exchange(q, "127.0.0.1:"+listen)
		return m, err
	}
	eventually(t, "unbound answers", func() error {
		_, err := ask("web.signed.example.", dns.TypeA)
		return err
	})
	all := append(verdicts[:len(verdicts):len(verdicts)], struct{ question, verdict, want string }{"tampered A", bogus, ""})
	for _, c := range all {
		name, qtype := questionOf(c.question)
		m, err := ask(name, dns.StringToType[qtype])
		if err != nil {
			t.Errorf("%s: %v", c.question, err)
			continue
		}
		got := insecure
		switch {
		case m.Rcode == dns.RcodeServerFailure:
			got = bogus
		case m.AuthenticatedData:
			got = secure
		}
		text := ""
		for _, rr := range m.Answer {
			text += rr.String() + "\n"
		}
		if got != c.verdict || !strings.Contains(text, c.want) {
			t.Errorf("%s: %s, want %s with %q:\n%v", c.question, got, c.verdict, c.want, m)
		}
	}
}

// middleman hands questions on to the node and answers back, but those for names
// that begin with "tampered" with other addresses.
func (w *fixture) middleman(t *testing.T) string {
	t.Helper()
	addr := "127.0.0.1:" + freePort(t)
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: 5 * time.Second, UDPSize: 4096}
		ready := make(chan struct{})
		s := &dns.Server{Addr: addr, Net: network, NotifyStartedFunc: func() { close(ready) },
			Handler: dns.HandlerFunc(func(out dns.ResponseWriter, q *dns.Msg) {
				m, _, err := client.Exchange(q, w.Addrs().DNS)
				if err != nil {
					return // and the resolver asks again
				}
				for _, rr := range m.Answer {
					if a, ok := rr.(*dns.A); ok && strings.HasPrefix(strings.ToLower(a.Hdr.Name), "tampered.") {
						a.A[3]++
					}
				}
				_ = out.WriteMsg(m) // who has gone needs no answer
			})}
		ended := make(chan error, 1)
		go func() { ended <- s.ListenAndServe() }()
		select {
		case <-ready:
		case err := <-ended:
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Shutdown(); err != nil {
				t.Error(err)
			}
			<-ended
		})
	}
	return addr
}
