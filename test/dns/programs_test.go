package dns_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// withTLS serves DNS over TLS and HTTPS with the certificate that
// net/http/httptest has for tests.
func withTLS(t *testing.T) nodetest.Option {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, block *pem.Block) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	settings := config.TLS{
		CertFile: write("tls.crt", &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
		KeyFile:  write("tls.key", &pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
	return nodetest.With(func(c *node.Config) {
		c.TLS, c.DNS.DoTAddr, c.DNS.DoHAddr = settings, "127.0.0.1:0", "127.0.0.1:0"
	})
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// run runs a program to its end and returns what it wrote.
func run(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Logf("%s %s: %v", filepath.Base(path), strings.Join(args, " "), err)
	}
	return string(out)
}

// What is asked of each program, and what it must and must not show.
func TestPrograms(t *testing.T) {
	w := start(t, withTLS(t))
	w.shop(t)
	dot, doh := port(w.Addrs().DoT), port(w.Addrs().DoH)
	for _, c := range []struct {
		program, args string
		want          []string // patterns, each line by line
		not           string
	}{
		{"dig", "web.shop.example A", []string{`status: NOERROR`, `flags: qr aa rd;`, `ANSWER: 2,`, `^web\.shop\.example\.\s+10\s+IN\s+A\s+10\.0\.0\.1$`, `udp: \d+`, `COOKIE: [0-9a-f]{48} \(good\)`}, "WARNING: .*malformed"},
		{"dig", "web.shop.example AAAA", []string{`IN\s+AAAA\s+2001:db8::1$`, `ANSWER: 1,`}, ""},
		{"dig", "WEB.shop.EXAMPLE A", []string{`^WEB\.shop\.EXAMPLE\.\s+10\s+IN\s+A\s+10\.0\.0\.1$`}, ""},
		{"dig", "+noedns web.shop.example A", []string{`status: NOERROR`, `ANSWER: 2,`}, "OPT PSEUDOSECTION"},
		{"dig", "+tcp web.shop.example A", []string{`ANSWER: 2,`, `\(TCP\)`}, ""},
		{"dig", "+tcp +keepopen +keepalive web.shop.example A old.shop.example A", []string{`TCP.KEEPALIVE: \d`, `IN\s+CNAME\s+web\.shop\.example\.$`}, ""},
		{"dig", "+bufsize=512 many.shop.example A", []string{`ANSWER: 8,`}, "flags:.* tc"},
		{"dig", "+nocookie web.shop.example A", []string{`ANSWER: 2,`}, "COOKIE"},
		{"dig", "+subnet=192.0.2.0/24 web.shop.example A", []string{`CLIENT-SUBNET: 192\.0\.2\.0/24/\d+`, `ANSWER: 2,`}, ""},
		{"dig", "+dnssec web.shop.example A", []string{`flags: do; udp: \d+`, `ANSWER: 2,`}, ""},
		{"dig", "+edns=1 +noednsnegotiation web.shop.example A", []string{`status: BADVERS`}, ""},
		{"dig", "+ednsopt=65001:abcd web.shop.example A", []string{`status: NOERROR`, `ANSWER: 2,`}, ""},
		{"dig", "+ednsflags=0x4000 web.shop.example A", []string{`status: NOERROR`}, "MBZ"},
		{"dig", "+opcode=notify web.shop.example SOA", []string{`opcode: NOTIFY, status: NOTIMP`}, ""},
		{"dig", "+opcode=update web.shop.example SOA", []string{`opcode: UPDATE, status: NOTIMP`}, ""},
		{"dig", "+opcode=15 web.shop.example A", []string{`status: NOTIMP`}, ""},
		{"dig", "web.shop.example ANY +notcp", []string{`status: NOERROR`}, ""},
		{"dig", "shop.example SOA", []string{`flags: qr aa`, `IN\s+SOA\s+ns\.cairn\.internal\. hostmaster\.cairn\.internal\. \d+ 7200 900 1209600 5$`}, ""},
		{"dig", "shop.example NS", []string{`IN\s+NS\s+ns\.cairn\.internal\.$`}, ""},
		{"dig", "_http._tcp.shop.example SRV", []string{`IN\s+SRV\s+1 1 8001 a\._http\._tcp\.shop\.example\.$`, `^a\._http\._tcp\.shop\.example\.\s+10\s+IN\s+A\s+10\.0\.1\.1$`, `ADDITIONAL: 3`}, ""},
		{"dig", "b._http._tcp.shop.example A", []string{`IN\s+A\s+10\.0\.1\.2$`}, ""},
		{"dig", "old.shop.example A", []string{`IN\s+CNAME\s+web\.shop\.example\.$`, `^web\.shop\.example\.\s+10\s+IN\s+A\s+10\.0\.0\.2$`}, ""},
		{"dig", "empty.shop.example A", []string{`status: NOERROR`, `ANSWER: 0, AUTHORITY: 1`, `^shop\.example\.\s+5\s+IN\s+SOA`}, ""},
		{"dig", "er.shop.example A", []string{`status: NOERROR`, `AUTHORITY: 1`}, ""}, // an empty non-terminal
		{"dig", "nothing.shop.example A", []string{`status: NXDOMAIN`, `^shop\.example\.\s+5\s+IN\s+SOA`}, ""},
		{"dig", "below.web.shop.example A", []string{`status: NXDOMAIN`}, ""},
		{"dig", "www.example.net A", []string{`status: REFUSED`}, "flags:.* (aa|ra)"},
		{"dig", "shop.example AXFR +tcp", []string{`Transfer failed|REFUSED`}, "IN\\s+A\\s"},
		{"dig", "-c CH version.bind TXT", []string{`status: REFUSED`}, ""},
		{"dig", "+nsid web.shop.example A", []string{`ANSWER: 2,`}, ""},
		{"kdig", "web.shop.example A", []string{`status: NOERROR`, `IN\s+A\s+10\.0\.0\.1$`}, ""},
		{"kdig", "+tcp _http._tcp.shop.example SRV", []string{`1 1 8002 b\._http\._tcp\.shop\.example\.$`}, ""},
		{"kdig", "+tls -p " + dot + " web.shop.example A", []string{`TLS session \(TLS1\.3\)`, `status: NOERROR`, `IN\s+A\s+10\.0\.0\.2$`}, ""},
		{"kdig", "+https -p " + doh + " web.shop.example A", []string{`HTTP session \(HTTP/2-POST\)`, `status: NOERROR`, `IN\s+A\s+10\.0\.0\.2$`}, ""},
		{"kdig", "+https-get -p " + doh + " web.shop.example A", []string{`HTTP/2-GET`, `status: NOERROR`}, ""},
		{"kdig", "+tls +padding=64 -p " + dot + " web.shop.example A", []string{`status: NOERROR`, `PADDING`}, ""},
		{"kdig", "+badcookie +cookie web.shop.example A", []string{`status: NOERROR`, `COOKIE: [0-9A-F]{48}`}, ""},
		{"drill", "web.shop.example A", []string{`rcode: NOERROR`, `IN\s+A\s+10\.0\.0\.1$`}, ""},
		{"drill", "-t web.shop.example AAAA", []string{`IN\s+AAAA\s+2001:db8::1$`}, ""},
		{"drill", "-D web.shop.example A", []string{`rcode: NOERROR`, `flags: do`}, ""},
		{"drill", "nothing.shop.example A", []string{`rcode: NXDOMAIN`, `IN\s+SOA`}, ""},
	} {
		t.Run(c.program+" "+c.args, func(t *testing.T) {
			w.runProgram(t, c.program, strings.Fields(c.args), c.want, c.not)
		})
	}
}

// packages are where programs come from.
var packages = map[string]string{
	"dig": "bind9-dnsutils", "kdig": "knot-dnsutils", "drill": "ldnsutils", "unbound": "unbound",
	"dnsmasq": "dnsmasq-base", "haproxy": "haproxy", "nginx": "nginx-light",
}

func (w *fixture) runProgram(t *testing.T, program string, args, want []string, not string) {
	path := testtool.Need(t, program, packages[program])
	common := []string{"-p", w.dnsPort, "@127.0.0.1"}
	switch program {
	case "dig":
		common = append(common, "+tries=1", "+time=10")
	case "kdig":
		common = append(common, "+retry=0", "+time=10")
	}
	out := run(t, path, append(common, args...)...)
	for _, pattern := range want {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(out) {
			t.Errorf("no match for %s in\n%s", pattern, out)
		}
	}
	if not != "" && regexp.MustCompile("(?m)"+not).MatchString(out) {
		t.Errorf("%s in\n%s", not, out)
	}
}
