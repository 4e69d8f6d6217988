package e2e

import (
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// updater sends dynamic updates as clients do that are no part of this machine.
type updater struct {
	t    *testing.T
	addr string
}

// send sends an update for a zone, signed unless key is "", and returns the response code.
// The signature of the answer is checked.
func (u *updater) send(network, zone, key string, build func(m *dns.Msg)) string {
	u.t.Helper()
	m := new(dns.Msg).SetUpdate(dns.Fqdn(zone))
	build(m)
	c := &dns.Client{Net: network, Timeout: 20 * time.Second}
	if key != "" {
		m.SetTsig(key, dns.HmacSHA256, 300, time.Now().Unix())
		c.TsigSecret = map[string]string{key: tsigSecret}
	}
	answer, _, err := c.Exchange(m, u.addr)
	if err != nil {
		u.t.Fatal(err)
	}
	if key != "" && answer.IsTsig() == nil {
		u.t.Errorf("the answer is not signed: %v", answer)
	}
	return dns.RcodeToString[answer.Rcode]
}

// ask returns the data of the answer to a question.
func (u *updater) ask(name string, rtype uint16) []string {
	u.t.Helper()
	answer, _, err := (&dns.Client{Net: "tcp", Timeout: 20 * time.Second}).Exchange(new(dns.Msg).SetQuestion(name, rtype), u.addr)
	if err != nil {
		u.t.Fatal(err)
	}
	all := []string{}
	for _, rr := range answer.Answer {
		all = append(all, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(all)
	return all
}

func records(t *testing.T, lines ...string) []dns.RR {
	t.Helper()
	var all []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	return all
}

const updatesKey = "updates.test."

// What certbot's plugin dns-rfc2136 does: it looks for the zone by SOA questions over TCP, of
// which the answer must be authoritative, and adds and deletes single TXT records.
func TestUpdatesOfCertbot(t *testing.T) {
	t.Parallel()
	p, _ := route53Process(t, "certbot.example")
	u := &updater{t, p.dns}
	zones := []string{}
	for _, name := range []string{"_acme-challenge.www.certbot.example.", "www.certbot.example.", "certbot.example.", "example."} {
		m := new(dns.Msg).SetQuestion(name, dns.TypeSOA)
		m.RecursionDesired = false
		answer, _, err := (&dns.Client{Net: "tcp", Timeout: 20 * time.Second}).Exchange(m, p.dns)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Rcode == dns.RcodeSuccess && answer.Authoritative && len(answer.Answer) == 1 && answer.Answer[0].Header().Name == name {
			zones = append(zones, name)
		}
	}
	if !slices.Equal(zones, []string{"certbot.example."}) {
		t.Errorf("zones: %q", zones)
	}
	const name = "_acme-challenge.www.certbot.example."
	for _, step := range []struct {
		key, remove, add, rcode string
		want                    []string
	}{
		{updatesKey, "", "one", "NOERROR", []string{`"one"`}},
		{updatesKey, "", "two", "NOERROR", []string{`"one"`, `"two"`}},
		{updatesKey, "", "two", "NOERROR", []string{`"one"`, `"two"`}},
		{"", "", "unsigned", "REFUSED", []string{`"one"`, `"two"`}},
		{"", "one", "", "REFUSED", []string{`"one"`, `"two"`}},
		{updatesKey, "one", "", "NOERROR", []string{`"two"`}},
		{updatesKey, "none", "", "NOERROR", []string{`"two"`}},
		{updatesKey, "two", "", "NOERROR", []string{}},
	} {
		rcode := u.send("tcp", "certbot.example", step.key, func(m *dns.Msg) {
			if step.remove != "" {
				m.Remove(records(t, name+" 0 TXT "+step.remove))
			} else {
				m.Insert(records(t, name+" 120 TXT "+step.add))
			}
		})
		if got := u.ask(name, dns.TypeTXT); rcode != step.rcode || !slices.Equal(got, step.want) {
			t.Errorf("%+v: %s %q", step, rcode, got)
		}
	}
}

// What dhcpd does for leases, RFC 4703 sections 5.3 and 5.5: DHCID records say whose name it
// is.
func TestUpdatesOfDHCP(t *testing.T) {
	t.Parallel()
	p, env := route53Process(t, "dhcp.example", "2.0.192.in-addr.arpa")
	u := &updater{t, p.dns}
	const name, reverse = "host.dhcp.example.", "10.2.0.192.in-addr.arpa."
	const first, other = "AAIBY2/AuCcci2VdS3jQ5y3jVmrTrbqsCJWZ3VqNBeGqxOg=", "AAEBOSD+XR3Os/0LozeXVqcNc7FwCfQdWL3b/NaiUDlW2No="
	add := func(id, addr string) func(m *dns.Msg) { // a name that nobody has
		return func(m *dns.Msg) {
			m.NameNotUsed(records(t, name+" 0 A 0.0.0.0"))
			m.Insert(records(t, name+" 3600 A "+addr, name+" 3600 DHCID "+id))
		}
	}
	renew := func(id, addr string) func(m *dns.Msg) { // a name of the same client
		return func(m *dns.Msg) {
			m.Used(records(t, name+" 0 DHCID "+id))
			m.RemoveRRset(records(t, name+" 0 A 0.0.0.0"))
			m.Insert(records(t, name+" 3600 A "+addr))
		}
	}
	pointer := func(m *dns.Msg) {
		m.RemoveRRset(records(t, reverse+" 0 PTR x.", reverse+" 0 DHCID "+first))
		m.Insert(records(t, reverse+" 3600 PTR "+name, reverse+" 3600 DHCID "+first))
	}
	release := func(m *dns.Msg) {
		m.Used(records(t, name+" 0 DHCID "+first))
		m.Remove(records(t, name+" 0 A 192.0.2.10"))
	}
	forget := func(m *dns.Msg) {
		m.Used(records(t, name+" 0 DHCID "+first))
		m.RRsetNotUsed(records(t, name+" 0 A 0.0.0.0", name+" 0 AAAA ::"))
		m.RemoveName(records(t, name+" 0 A 0.0.0.0"))
	}
	for i, step := range []struct {
		zone   string
		update func(m *dns.Msg)
		rcode  string
		addr   []string
	}{
		{"dhcp.example", add(first, "192.0.2.9"), "NOERROR", []string{"192.0.2.9"}},
		{"dhcp.example", add(first, "192.0.2.10"), "YXDOMAIN", []string{"192.0.2.9"}},
		{"dhcp.example", renew(other, "192.0.2.11"), "NXRRSET", []string{"192.0.2.9"}},
		{"dhcp.example", renew(first, "192.0.2.10"), "NOERROR", []string{"192.0.2.10"}},
		{"2.0.192.in-addr.arpa", pointer, "NOERROR", []string{"192.0.2.10"}},
		{"dhcp.example", forget, "YXRRSET", []string{"192.0.2.10"}},
		{"dhcp.example", release, "NOERROR", []string{}},
		{"dhcp.example", forget, "NOERROR", []string{}},
		{"dhcp.example", add(other, "192.0.2.12"), "NOERROR", []string{"192.0.2.12"}},
	} {
		rcode := u.send("udp", step.zone, updatesKey, step.update)
		if got := u.ask(name, dns.TypeA); rcode != step.rcode || !slices.Equal(got, step.addr) {
			t.Errorf("step %d: %s %q", i+1, rcode, got)
		}
	}
	if got := u.ask(reverse, dns.TypePTR); !slices.Equal(got, []string{name}) {
		t.Errorf("the reverse name: %q", got)
	}
	want := []string{name + "\t3600\tIN\tA\t192.0.2.12", name + "\t3600\tIN\tDHCID\t" + other, "kept.dhcp.example.\t60\tIN\tTXT\t\"of nobody\""}
	if got := export(t, env, "dhcp.example"); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Without the statement zone, nsupdate asks for the SOA record of the name to find the zone.
func TestNSUpdateFindsZone(t *testing.T) {
	t.Parallel()
	nsupdate := testtool.Need(t, "nsupdate", "bind9-dnsutils")
	p, _ := route53Process(t, "finds.example")
	host, port, _ := net.SplitHostPort(p.dns)
	cmd := exec.Command(nsupdate, "-t", "20", "-y", "hmac-sha256:updates.test:"+tsigSecret)
	cmd.Stdin = strings.NewReader("server " + host + " " + port + "\nupdate add a.b.finds.example 60 A 192.0.2.1\nsend\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if got := (&updater{t, p.dns}).ask("a.b.finds.example.", dns.TypeA); !slices.Equal(got, []string{"192.0.2.1"}) {
		t.Errorf("got %q", got)
	}
}
