package cloudmap

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// listenBoth listens on one port over UDP and TCP. A port that is free for UDP can be
// taken for TCP, so it tries several.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	var err error
	for range 20 {
		var ln net.Listener
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			break
		}
		var pc net.PacketConn
		if pc, err = net.ListenPacket("udp", ln.Addr().String()); err == nil {
			return pc, ln
		}
		ln.Close()
	}
	t.Fatal(err)
	return nil, nil
}

// dsResolver starts a resolver over UDP and TCP that answers with answer.
func dsResolver(t *testing.T, answer func(tcp bool, m *dns.Msg)) string {
	t.Helper()
	pc, ln := listenBoth(t)
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait) // after the servers have been shut down
	for _, s := range []*dns.Server{{PacketConn: pc}, {Listener: ln}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			answer(w.LocalAddr().Network() == "tcp", m)
			_ = w.WriteMsg(m)
		})
		serving.Go(func() { _ = s.ActivateAndServe() })
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return pc.LocalAddr().String()
}

// The old key may be deleted if the parent has the DS record of the new one, or none.
func TestParentDS(t *testing.T) {
	const hash = "7CD4A2AD3A28C5F1D4A7B1F06C2E9A7B0D9E6F1A2B3C4D5E6F708192A3B4C5D6"
	stays := &signingKey{DSRecord: "1733 13 2 " + hash}
	ds := func(tag uint16) dns.RR {
		return &dns.DS{Hdr: dns.RR_Header{Name: "Services.example.com.", Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: 60},
			KeyTag: tag, Algorithm: 13, DigestType: 2, Digest: strings.ToLower(hash)}
	}
	for _, c := range []struct {
		what   string
		answer func(tcp bool, m *dns.Msg)
		err    string // a part of it; empty: none
	}{
		{"the new key's", func(_ bool, m *dns.Msg) { m.Answer = []dns.RR{ds(1733)} }, ""},
		{"both", func(_ bool, m *dns.Msg) { m.Answer = []dns.RR{ds(99), ds(1733)} }, ""},
		{"the old key's", func(_ bool, m *dns.Msg) { m.Answer = []dns.RR{ds(99)} }, "has no DS record of the new key"},
		{"none", func(bool, *dns.Msg) {}, ""},
		{"no such name", func(_ bool, m *dns.Msg) { m.Rcode = dns.RcodeNameError }, ""},
		{"failure", func(_ bool, m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }, "response code 2"},
		{"truncated, the old key's over TCP", func(tcp bool, m *dns.Msg) {
			if m.Truncated = !tcp; tcp {
				m.Answer = []dns.RR{ds(99)}
			}
		}, "has no DS record of the new key"},
		{"another question", func(_ bool, m *dns.Msg) { m.Question[0].Name = "other.example.com." }, "does not answer the question"},
	} {
		t.Run(c.what, func(t *testing.T) {
			err := checkParentDS(t.Context(), dsResolver(t, c.answer), "services.example.com", stays)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// FuzzParseDS reads arbitrary answers.
func FuzzParseDS(f *testing.F) {
	query := dsQuery("\x07example\x00")
	query[0], query[1] = 0x12, 0x34
	m := new(dns.Msg)
	if err := m.Unpack(query); err != nil {
		f.Fatal(err)
	}
	m.Response = true
	m.Answer = []dns.RR{&dns.DS{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeDS, Class: 1}, KeyTag: 1, Algorithm: 13, DigestType: 2, Digest: "aabb"}}
	b, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		records, truncated, err := parseDS(b, query)
		if (truncated || err != nil) && records != nil {
			t.Error("records of an answer that is not used")
		}
	})
}
