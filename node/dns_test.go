package node_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// ask asks a node's DNS and returns the response code and the records' data.
func ask(t *testing.T, client *dns.Client, addr, name string, qtype uint16) (rcode string, data []string) {
	t.Helper()
	answer, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, qtype), addr)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, rr := range answer.Answer {
		data = append(data, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return dns.RcodeToString[answer.Rcode], data
}

// expectA asks for addresses over UDP.
func expectA(t *testing.T, n *nodetest.Node, name, rcode string, data ...string) {
	t.Helper()
	gotCode, got := ask(t, new(dns.Client), n.Addrs().DNS, name, dns.TypeA)
	if gotCode != rcode || !slices.Equal(got, data) {
		t.Errorf("%s: %s %v, want %s %v", name, gotCode, got, rcode, data)
	}
}

// The API's names resolve to the API, so that SDKs need no setting.
func TestAPINames(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.DNS.APINames = []string{"discovery.cairn.internal"}
	}))
	expectA(t, n, "discovery.cairn.internal.", "NOERROR", "127.0.0.1")
	expectA(t, n, "data-discovery.cairn.internal.", "NOERROR", "127.0.0.1")
	expectA(t, n, "ns.cairn.internal.", "NOERROR", "127.0.0.1")
	expectA(t, n, "www.example.com.", "REFUSED")
}

func TestAPIAddresses(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.DNS.APINames = []string{"discovery.cairn.internal"}
		c.DNS.APIAddresses = []config.Addr{{Addr: netip.MustParseAddr("192.0.2.7")}}
		c.DNS.NameServers = []config.NameServer{
			{Name: "ns1.example.com", Addrs: []config.Addr{{Addr: netip.MustParseAddr("192.0.2.53")}}},
			{Name: "ns2.example.net"},
		}
	}))
	expectA(t, n, "data-discovery.cairn.internal.", "NOERROR", "192.0.2.7")
	expectA(t, n, "ns1.example.com.", "NOERROR", "192.0.2.53")
	expectA(t, n, "ns2.example.net.", "REFUSED")
}

// upstream starts a resolver that knows one address for every name.
func upstream(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
			A:   net.IPv4(203, 0, 113, 1),
		}}
		_ = w.WriteMsg(m)
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.ActivateAndServe() })
	<-started
	t.Cleanup(func() {
		_ = server.Shutdown()
		wg.Wait()
	})
	return conn.LocalAddr().String()
}

// Names outside our zones are resolved for those who may, and for nobody else.
// Who may can change while the node runs.
func TestForward(t *testing.T) {
	forward := func(c *node.Config) { c.DNS.Forward = []string{upstream(t)} }
	changed := nodetest.Config(t)
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(forward), nodetest.With(func(c *node.Config) {
		changed.DNS = c.DNS
	}))
	expectA(t, n, "www.example.com.", "NOERROR", "203.0.113.1")
	changed.DNS.Trusted, changed.VPCs = nil, []config.VPC{}
	if err := n.Reload(loaded(changed.Config)); err != nil {
		t.Fatal(err)
	}
	expectA(t, n, "www.example.com.", "REFUSED")
	changed.VPCs = []config.VPC{{ID: "vpc-1", CIDRs: []config.Prefix{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}}}
	if err := n.Reload(loaded(changed.Config)); err != nil {
		t.Fatal(err)
	}
	expectA(t, n, "www.example.com.", "NOERROR", "203.0.113.1")
}

// certificate writes the certificate that net/http/httptest has for tests into
// a folder.
func certificate(t *testing.T) (settings config.TLS, pool *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	dir := t.TempDir()
	settings = config.TLS{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		settings.CertFile: {Type: "CERTIFICATE", Bytes: s.Certificate().Raw},
		settings.KeyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return settings, pool
}

// With a certificate DNS is served over TLS and HTTPS, and the API over HTTPS.
func TestTLS(t *testing.T) {
	settings, pool := certificate(t)
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.TLS, c.DNS.DoTAddr, c.DNS.DoHAddr = settings, "127.0.0.1:0", "127.0.0.1:0"
		c.DNS.APINames = []string{"discovery.cairn.internal"}
	}))
	client := &tls.Config{RootCAs: pool, ServerName: "example.com"}
	t.Run("DNS over TLS", func(t *testing.T) {
		overTLS := &dns.Client{Net: "tcp-tls", TLSConfig: client}
		code, data := ask(t, overTLS, n.Addrs().DoT, "discovery.cairn.internal.", dns.TypeA)
		if code != "NOERROR" || !slices.Equal(data, []string{"127.0.0.1"}) {
			t.Errorf("%s %v", code, data)
		}
	})
	transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	post := func(url, contentType, target string, body []byte) (*http.Response, []byte) {
		r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("X-Amz-Target", target)
		resp, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, text
	}
	t.Run("DNS over HTTPS", func(t *testing.T) {
		query, err := new(dns.Msg).SetQuestion("discovery.cairn.internal.", dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		resp, text := post(fmt.Sprintf("https://%s/dns-query", n.Addrs().DoH), "application/dns-message", "", query)
		m := new(dns.Msg)
		if err := m.Unpack(text); err != nil || len(m.Answer) != 1 || resp.ProtoMajor != 2 {
			t.Errorf("%s: %v\n%v", resp.Status, err, m)
		}
	})
	t.Run("API over HTTPS", func(t *testing.T) {
		resp, text := post("https://"+n.Addrs().API, "application/x-amz-json-1.1",
			"Route53AutoNaming_v20170314.ListNamespaces", []byte("{}"))
		if resp.StatusCode != 200 {
			t.Errorf("%s %s: %s", resp.Proto, resp.Status, text)
		}
	})
	if _, err := http.Get("http://" + n.Addrs().API); err == nil {
		if resp, _ := http.Get("http://" + n.Addrs().API); resp.StatusCode != 400 {
			t.Errorf("the API in plain text: %s", resp.Status)
		}
	}
}

// What is wrong with the settings of DNS is told before anything starts.
func TestDNSSettings(t *testing.T) {
	prefix := func(s string) config.Prefix { return config.Prefix{Prefix: netip.MustParsePrefix(s)} }
	for want, change := range map[string]func(*node.Config){
		`dns.forward[0]: "example.com" must be IP or IP:PORT`: func(c *node.Config) { c.DNS.Forward = []string{"example.com"} },
		`dns.forward[0]: "0.0.0.0" must be`:                   func(c *node.Config) { c.DNS.Forward = []string{"0.0.0.0"} },
		`dns.trusted[0]: "0.0.0.0/0" with dns.forward`: func(c *node.Config) {
			c.DNS.Forward, c.DNS.Trusted = []string{"192.0.2.1"}, []config.Prefix{prefix("0.0.0.0/0")}
		},
		`vpcs[0].cidrs[1]: "::/0" with dns.forward`: func(c *node.Config) {
			c.DNS.Forward = []string{"192.0.2.1"}
			c.VPCs = []config.VPC{{ID: "vpc-1", CIDRs: []config.Prefix{prefix("10.0.0.0/8"), prefix("::/0")}}}
		},
		"vpcs: view: VPC vpc-1: CIDR ::ffff:0.0.0.0/90 is shorter than": func(c *node.Config) {
			c.VPCs = []config.VPC{{ID: "vpc-1", CIDRs: []config.Prefix{prefix("::ffff:0:0/90")}}}
		},
		`dns.dot_addr: "127.0.0.1:0" needs tls.cert_file`: func(c *node.Config) { c.DNS.DoTAddr = "127.0.0.1:0" },
		`dns.doh_addr: "nowhere" must be HOST:PORT`:       func(c *node.Config) { c.DNS.DoHAddr = "nowhere" },
		`tls.client_ca_file: "ca.pem" needs cert_file`:    func(c *node.Config) { c.TLS.ClientCAFile = "ca.pem" },
		"tls: needs both": func(c *node.Config) { c.TLS.KeyFile = "key.pem" },
		"dns.cookie_secret: must be 32 hexadecimal digits": func(c *node.Config) { c.DNS.CookieSecret = "hush" },
		`dns.name_servers[0].name: "a b" must be`:          func(c *node.Config) { c.DNS.NameServers = []config.NameServer{{Name: "a b"}} },
		`dns.hostmaster: "x@y" must be`:                    func(c *node.Config) { c.DNS.Hostmaster = "x@y" },
		`dns.regions[1].name: "a" must be`:                 func(c *node.Config) { c.DNS.Regions = []config.Region{{Name: "a"}, {Name: "a"}} },
		"dns.rate_limit: slip must be 0 to 1000":           func(c *node.Config) { c.DNS.RateLimit.Slip = -1 },
		`dns.forward_timeout: "-1s" must be`:               func(c *node.Config) { c.DNS.ForwardTimeout.Duration = -1e9 },
	} {
		c := nodetest.Config(t)
		change(&c)
		_, err := node.New(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("shows a secret: %v", err)
		}
	}
}
