package node_test

import (
	"encoding/base64"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// secondaryServer receives NOTIFY messages and acknowledges them.
func secondaryServer(t *testing.T) (addr string, notified <-chan string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 100)
	server := &dns.Server{PacketConn: conn, MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			names <- q.Question[0].Name
			_ = w.WriteMsg(new(dns.Msg).SetReply(q))
		})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String(), names
}

// transferred reports how many records a transfer of a zone has; -1 if it is
// refused.
func transferred(t *testing.T, n *nodetest.Node, zone, key, secret string) int {
	t.Helper()
	query := new(dns.Msg).SetAxfr(zone)
	transfer := new(dns.Transfer)
	if key != "" {
		transfer.TsigSecret = map[string]string{key: secret}
		query.SetTsig(key, dns.HmacSHA256, 300, time.Now().Unix())
	}
	answers, err := transfer.In(query, n.Addrs().DNS)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for a := range answers {
		if a.Error != nil {
			return -1
		}
		count += len(a.RR)
	}
	return count
}

// SIGHUP changes who may have zones transferred, the keys, and who is notified.
func TestTransfersAreReloaded(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	call(t, n, "CreatePublicDnsNamespace", `{"Name":"example.test"}`)
	if count := transferred(t, n, "example.test.", "", ""); count != -1 {
		t.Errorf("before the reload: %d records", count)
	}
	secret := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	other := base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210"))
	secondary, notified := secondaryServer(t)
	next := nodetest.Config(t).Config
	next.DNS.Transfer = []config.Transfer{{Zone: "example.test", Secondaries: []string{secondary}}}
	if err := n.Reload(loaded(next)); err != nil {
		t.Fatal(err)
	}
	if name := <-notified; name != "example.test." {
		t.Errorf("NOTIFY for %s", name)
	}
	if count := transferred(t, n, "example.test.", "", ""); count < 3 {
		t.Errorf("after the reload: %d records", count)
	}

	next.DNS.TSIGKeys = []config.TSIGKey{{Name: "k", Secret: config.Secret(secret)}}
	next.DNS.Transfer = []config.Transfer{{Zone: "example.test", TSIGKey: "k"}}
	if err := n.Reload(loaded(next)); err != nil {
		t.Fatal(err)
	}
	if count := transferred(t, n, "example.test.", "", ""); count != -1 {
		t.Errorf("without the key: %d records", count)
	}
	if count := transferred(t, n, "example.test.", "k.", secret); count < 3 {
		t.Errorf("with the key: %d records", count)
	}
	next.DNS.TSIGKeys = []config.TSIGKey{{Name: "k", Secret: config.Secret(other)}}
	if err := n.Reload(loaded(next)); err != nil {
		t.Fatal(err)
	}
	if count := transferred(t, n, "example.test.", "k.", secret); count != -1 {
		t.Errorf("with the old key: %d records", count)
	}
	if count := transferred(t, n, "example.test.", "k.", other); count < 3 {
		t.Errorf("with the new key: %d records", count)
	}

	wrong := next
	wrong.DNS.TSIGKeys = []config.TSIGKey{{Name: "k", SecretFile: "/nowhere"}}
	wrong.DNS.Trusted = []config.Prefix{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
	if err := n.Reload(loaded(wrong)); err == nil {
		t.Error("a key whose file does not exist is accepted")
	}
	if count := transferred(t, n, "example.test.", "k.", other); count < 3 {
		t.Errorf("after the failed reload: %d records", count)
	}
}
