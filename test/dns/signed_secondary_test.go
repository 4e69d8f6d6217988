package dns_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// The copies of a signed zone that other servers have are validated as our answers
// are, before and after a change.
func TestSignedSecondary(t *testing.T) {
	delv := testtool.Need(t, "delv", "bind9-dnsutils")
	for name, prepare := range secondaries {
		t.Run(name, func(t *testing.T) {
			listen := freePort(t)
			w := start(t, withSealKey(), withSecondariesOf("signed.example", listen))
			key := w.signedShop(t)
			s := prepare(t, "signed.example", w.dnsPort, listen)
			s.start(t)
			w.sameSerial(t, s, "signed.example.")
			validates(t, delv, anchorFile(t, key), listen)
			ns := w.namespaceID(t, "signed.example")
			late := w.service(t, ns, "late", "A", "MULTIVALUE")
			w.register(t, late, "i", "IPV4=10.0.9.9")
			w.sameSerial(t, s, "signed.example.")
			out := run(t, delv, "@127.0.0.1", "-p", listen, "+root=signed.example", "-a", anchorFile(t, key), "late.signed.example", "A")
			if !strings.Contains(out, "fully validated") || !strings.Contains(out, "10.0.9.9") {
				t.Errorf("after a change:\n%s", out)
			}
			if w.transfers(t, "ixfr", "changes") > 0 {
				t.Error("a signed zone came by changes")
			}
		})
	}
}

// validates asks a secondary for what a validator must find in the zone itself.
func validates(t *testing.T, delv, anchor, port string) {
	t.Helper()
	for _, c := range verdicts {
		name, qtype := questionOf(c.question)
		if strings.Contains(name, ".below.") || strings.Contains(name, ".plain.") {
			continue // in other zones
		}
		out := run(t, delv, "@127.0.0.1", "-p", port, "+root=signed.example", "-a", anchor, name, qtype)
		if !strings.Contains(out, "fully validated") || !strings.Contains(out, c.want) {
			t.Errorf("%s: %q is not in\n%s", c.question, c.want, out)
		}
	}
}

// ldns checks every signature and the whole chain of a transferred zone.
func TestSignedTransferIsComplete(t *testing.T) {
	verify := testtool.Need(t, "ldns-verify-zone", "ldnsutils")
	dig := testtool.Need(t, "dig", "bind9-dnsutils")
	w := start(t, withSealKey(), withSecondariesOf("signed.example", freePort(t)))
	w.signedShop(t)
	zone, err := exec.CommandContext(t.Context(), dig, "@127.0.0.1", "-p", w.dnsPort, "-y", "hmac-sha256:"+keyName+":"+testSecret, "signed.example", "AXFR", "+onesoa", "+nocomments", "+nostats", "+nocmd").Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(zone)) {
		if !strings.Contains(line, "TSIG") {
			lines = append(lines, line)
		}
	}
	text := strings.Join(lines, "")
	for what, c := range map[string]struct {
		text string
		ok   bool
	}{
		"as it is":           {text, true},
		"an address changed": {strings.Replace(text, "10.0.0.9", "10.0.0.8", 1), false},
		"a name left out":    {withoutName(lines, "tampered."), false},
	} {
		out, err := exec.CommandContext(t.Context(), verify, writeFile(t, "signed.zone", c.text)).CombinedOutput()
		if (err == nil) != c.ok {
			t.Errorf("%s: %v\n%s\n%s", what, err, out, c.text)
		}
	}
}

// withoutName returns the lines that do not begin with a name.
func withoutName(lines []string, name string) string {
	var kept []string
	for _, line := range lines {
		if !strings.HasPrefix(line, name) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// sameSerial waits until a secondary has the newest serial of a zone.
func (w *fixture) sameSerial(t *testing.T, s *secondary, apex string) {
	t.Helper()
	eventually(t, "the same serial", func() error {
		theirs, err := through(s.addr, apex, dns.TypeSOA)
		ours := w.ask(t, apex, dns.TypeSOA)
		if err == nil && (len(theirs.Answer) != 1 || theirs.Answer[0].String() != ours.Answer[0].String()) {
			err = fmt.Errorf("ours is %v, theirs %v", ours.Answer, theirs.Answer)
		}
		return err
	})
}

// namespaceID returns the id of a namespace.
func (w *fixture) namespaceID(t *testing.T, name string) string {
	t.Helper()
	for _, ns := range w.call(t, "ListNamespaces", object{})["Namespaces"].([]any) {
		if ns.(object)["Name"] == name {
			return ns.(object)["Id"].(string)
		}
	}
	t.Fatalf("no namespace %s", name)
	return ""
}
