package answer_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/replica"
)

const secret = "c2VjcmV0IG9mIHRoZSB0ZXN0IGtleSAhISE="

// updates records what an Answerer passes on.
type updates struct {
	snapshot *replica.Snapshot
	got      []*answer.Update
	err      error
}

func (u *updates) Enabled() bool { return true }

func (u *updates) Current() *replica.Snapshot { return u.snapshot }

func (u *updates) Update(_ context.Context, in *answer.Update) error {
	u.got = append(u.got, in)
	return u.err
}

func newAnswerer(t testing.TB) (*answer.Answerer, *updates) {
	raw, _ := base64.StdEncoding.DecodeString(secret)
	key, err := tsig.NewKey("key.test", "hmac-sha256", raw)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := tsig.NewKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	views, err := view.New(view.Config{})
	if err != nil {
		t.Fatal(err)
	}
	u := &updates{snapshot: replica.NewSnapshot(new(state.State))}
	r, err := answer.New(answer.Config{
		Source: u, Views: func() *view.Table { return views }, Logger: slog.New(slog.DiscardHandler), Keys: func() tsig.Keys { return keys }, Updates: u,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := r.NewAnswerer()
	a.Refresh()
	return a, u
}

var client = netip.MustParseAddr("127.0.0.1")

// send answers a message as the server does.
func send(t testing.TB, a *answer.Answerer, msg []byte) []byte {
	out, d := a.Answer(a.Parse(msg), client, answer.TCP, nil)
	if d == answer.NeedsWait {
		out, d = a.AnswerWaiting(context.Background(), a.Parse(msg), client, answer.TCP, nil)
	}
	if d != answer.Send && d != answer.Drop {
		t.Fatalf("disposition %v", d)
	}
	return out
}

// update returns an update, signed with a key unless its name is "".
func update(t testing.TB, key, secret string) []byte {
	m := new(dns.Msg).SetUpdate("Example.com.")
	add, err := dns.NewRR("www.example.com. 60 A 192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	old, _ := dns.NewRR("old.example.com. 60 A 192.0.2.9")
	m.Insert([]dns.RR{add})
	m.Remove([]dns.RR{old})
	m.NameNotUsed([]dns.RR{add})
	if key == "" {
		msg, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	m.SetTsig(key, dns.HmacSHA256, 300, time.Now().Unix())
	msg, _, err := dns.TsigGenerate(m, secret, "", false)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func rcode(t *testing.T, msg []byte) int {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(msg); err != nil {
		t.Fatalf("%v: %x", err, msg)
	}
	if !m.Response || m.Opcode != dns.OpcodeUpdate {
		t.Errorf("%v", &m.MsgHdr)
	}
	return m.Rcode
}

// RFC 2136 section 3, RFC 3007: only signed updates are passed on.
func TestUpdate(t *testing.T) {
	a, u := newAnswerer(t)
	if got := rcode(t, send(t, a, update(t, "", ""))); got != dns.RcodeRefused {
		t.Errorf("unsigned: %d", got)
	}
	wrong := base64.StdEncoding.EncodeToString(make([]byte, 32))
	if got := rcode(t, send(t, a, update(t, "key.test.", wrong))); got != dns.RcodeNotAuth {
		t.Errorf("signed with another secret: %d", got)
	}
	if got := rcode(t, send(t, a, update(t, "other.test.", secret))); got != dns.RcodeNotAuth {
		t.Errorf("signed with another key: %d", got)
	}
	if len(u.got) != 0 {
		t.Fatalf("%d updates were passed on", len(u.got))
	}
	if got := rcode(t, send(t, a, update(t, "key.test.", secret))); got != dns.RcodeSuccess || len(u.got) != 1 {
		t.Fatalf("signed: %d", got)
	}
	in := u.got[0]
	if in.Key != "key.test" && in.Key != "key.test." || in.Apex != "\x07example\x03com\x00" || len(in.Prerequisites) != 1 || len(in.Updates) != 2 ||
		in.Updates[0].Data != "\xc0\x00\x02\x01" || in.Updates[0].Name != "\x03www\x07example\x03com\x00" || in.Updates[1].Class != dns.ClassNONE {
		t.Errorf("%+v", in)
	}
	u.err = &hostedzone.UpdateError{Rcode: dns.RcodeYXDomain}
	if got := rcode(t, send(t, a, update(t, "key.test.", secret))); got != dns.RcodeYXDomain {
		t.Errorf("refused: %d", got)
	}
}

// Whatever arrives, nothing is passed on without the right signature, and what is passed
// on is well-formed.
func FuzzUpdate(f *testing.F) {
	f.Add(update(f, "", ""))
	f.Add(update(f, "key.test.", secret))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > 12 {
			msg[2] = msg[2]&0x07 | dns.OpcodeUpdate<<3
		}
		a, u := newAnswerer(t)
		send(t, a, msg)
		var m dns.Msg
		if len(u.got) > 0 && (m.Unpack(msg) != nil || dns.TsigVerify(msg, secret, "", false) != nil) {
			t.Fatalf("passed on: %x", msg)
		}
	})
}
