package tsig_test

import (
	"encoding/base64"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

const (
	secret = "0123456789abcdef0123456789abcdef"
	now    = int64(1_800_000_000)
)

func newKey(t testing.TB, name, algorithm string) *tsig.Key {
	t.Helper()
	k, err := tsig.NewKey(name, algorithm, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newKeys(t testing.TB, keys ...*tsig.Key) tsig.Keys {
	t.Helper()
	ks, err := tsig.NewKeys(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// at returns the offset of the last record of a message.
func at(t testing.TB, msg []byte) int {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		t.Fatal(err)
	}
	return len(msg) - dns.Len(m.IsTsig())
}

// signed returns a query signed by another implementation, and its MAC.
func signed(t testing.TB, name, algorithm, secret string, when int64, fudge uint16) ([]byte, string) {
	t.Helper()
	m := new(dns.Msg).SetQuestion("example.com.", dns.TypeSOA)
	m.SetTsig(name, algorithm, fudge, when)
	msg, mac, err := dns.TsigGenerate(m, base64.StdEncoding.EncodeToString([]byte(secret)), "", false)
	if err != nil {
		t.Fatal(err)
	}
	return msg, mac
}

// Both sides of an exchange of several messages are checked against another
// implementation, for every algorithm.
func TestAgainstOther(t *testing.T) {
	for _, algorithm := range tsig.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			keys := newKeys(t, newKey(t, "Key.Example", algorithm))
			msg, mac := signed(t, "key.example.", algorithm+".", secret, now, 300)
			var s tsig.Signature
			if !keys.Verify(msg, at(t, msg), now+299, &s) || s.Error != 0 || s.Key == nil {
				t.Fatalf("not verified: %+v", s)
			}
			for i := range 3 {
				answer := new(dns.Msg).SetReply(new(dns.Msg).SetQuestion("example.com.", dns.TypeSOA))
				packed, err := answer.Pack()
				if err != nil {
					t.Fatal(err)
				}
				packed = s.Sign(packed, now)
				if err := verify(packed, mac, i > 0); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				m := new(dns.Msg)
				if err := m.Unpack(packed); err != nil {
					t.Fatal(err)
				}
				mac = m.IsTsig().MAC
			}
		})
	}
}

// verify checks a message with another implementation, which uses the system clock.
func verify(msg []byte, mac string, later bool) error {
	err := dns.TsigVerify(slices.Clone(msg), base64.StdEncoding.EncodeToString([]byte(secret)), mac, later)
	if err == dns.ErrTime {
		return nil
	}
	return err
}

func TestErrors(t *testing.T) {
	keys := newKeys(t, newKey(t, "key.example", ""), newKey(t, "other.example", ""))
	for _, c := range []struct {
		what, name, algorithm, secret string
		when                          int64
		want                          uint16
		answered                      bool // the answer is signed
	}{
		{"right", "key.example.", dns.HmacSHA256, secret, now, 0, true},
		{"another case", "KEY.example.", dns.HmacSHA256, secret, now, 0, true},
		{"unknown key", "nobody.example.", dns.HmacSHA256, secret, now, tsig.BadKey, false},
		{"another algorithm", "key.example.", dns.HmacSHA512, secret, now, tsig.BadKey, false},
		{"wrong secret", "key.example.", dns.HmacSHA256, "another secret altogether", now, tsig.BadSig, false},
		{"old", "key.example.", dns.HmacSHA256, secret, now - 301, tsig.BadTime, true},
		{"at the edge", "key.example.", dns.HmacSHA256, secret, now + 300, 0, true},
		{"from the future", "key.example.", dns.HmacSHA256, secret, now + 301, tsig.BadTime, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			msg, mac := signed(t, c.name, c.algorithm, c.secret, c.when, 300)
			var s tsig.Signature
			if !keys.Verify(msg, at(t, msg), now, &s) {
				t.Fatal("taken for malformed")
			}
			if s.Error != c.want {
				t.Fatalf("error %d, want %d", s.Error, c.want)
			}
			packed, err := new(dns.Msg).SetRcode(new(dns.Msg).SetQuestion("example.com.", dns.TypeSOA), dns.RcodeRefused).Pack() // the other implementation does not look into NOTAUTH
			if err != nil {
				t.Fatal(err)
			}
			size := len(packed)
			packed = s.Sign(packed, now)
			if len(packed)-size > s.Size() {
				t.Errorf("added %d octets, said %d", len(packed)-size, s.Size())
			}
			m := new(dns.Msg)
			if err := m.Unpack(packed); err != nil {
				t.Fatal(err)
			}
			rr := m.IsTsig()
			if rr == nil || rr.Error != c.want || (rr.MACSize > 0) != c.answered {
				t.Fatalf("answered with %v", rr)
			}
			if c.answered {
				if err := verify(packed, mac, false); err != nil {
					t.Error(err)
				}
			}
			if c.want == tsig.BadTime && (rr.OtherLen != 6 || rr.TimeSigned != uint64(c.when)) {
				t.Errorf("RFC 8945 section 5.2.3: %v", rr)
			}
		})
	}
}

// A truncated MAC is permitted by the protocol and not accepted: RFC 8945 section 5.2.4.
func TestTruncatedMAC(t *testing.T) {
	keys := newKeys(t, newKey(t, "key.example", ""))
	msg, _ := signed(t, "key.example.", dns.HmacSHA256, secret, now, 300)
	begin := at(t, msg)
	for n, want := range map[int]struct {
		ok  bool
		err uint16
	}{32: {true, 0}, 31: {true, tsig.BadTrunc}, 16: {true, tsig.BadTrunc}, 15: {false, 0}, 0: {false, 0}} {
		// MAC size, MAC, original id, error, other length
		data := len(msg) - 6 - 32 - 2
		cut := append([]byte(nil), msg[:data]...)
		cut = append(cut, 0, byte(n))
		cut = append(cut, msg[data+2:data+2+n]...)
		cut = append(cut, msg[len(msg)-6:]...)
		length := begin + len("\x03key\x07example\x00") + 8
		cut[length+1] -= byte(32 - n)
		var s tsig.Signature
		if ok := keys.Verify(cut, begin, now, &s); ok != want.ok || ok && s.Error != want.err {
			t.Errorf("%d octets: %v, error %d", n, ok, s.Error)
		}
	}
}

// Another implementation accepts our requests, and Check accepts only its answers.
func TestRequest(t *testing.T) {
	key := newKey(t, "key.example", "")
	query, err := new(dns.Msg).SetNotify("example.com.").Pack()
	if err != nil {
		t.Fatal(err)
	}
	s := key.Request()
	query = s.Sign(query, now)
	if err := verify(query, "", false); err != nil {
		t.Fatal(err)
	}
	asked := new(dns.Msg)
	if err := asked.Unpack(query); err != nil {
		t.Fatal(err)
	}
	reply := func(secret string, when int64) []byte {
		m := new(dns.Msg).SetReply(asked)
		m.SetTsig("key.example.", dns.HmacSHA256, 300, when)
		b, _, err := dns.TsigGenerate(m, base64.StdEncoding.EncodeToString([]byte(secret)), asked.IsTsig().MAC, false)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := reply(secret, now)
	if err := s.Check(good, at(t, good), now); err != nil {
		t.Error(err)
	}
	bad, old := reply("another secret", now), reply(secret, now-1000)
	if s.Check(bad, at(t, bad), now) == nil || s.Check(old, at(t, old), now) == nil || s.Check(good, 0, now) == nil {
		t.Error("believed an answer that is not to be believed")
	}
	good[3] ^= 1
	if s.Check(good, at(t, good), now) == nil {
		t.Error("believed an answer that was changed")
	}
}

func TestNewKey(t *testing.T) {
	for _, c := range []struct{ name, algorithm, secret string }{
		{"", "", secret}, {".", "", secret}, {"a..b", "", secret}, {"key", "hmac-md5", secret}, {"key", "", ""},
	} {
		if _, err := tsig.NewKey(c.name, c.algorithm, []byte(c.secret)); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	k := newKey(t, "key.example", "")
	if _, err := tsig.NewKeys(k, newKey(t, "KEY.example", "")); err == nil {
		t.Error("two keys of one name were accepted")
	}
}

// Verify never panics and never accepts what the key has not signed.
func FuzzVerify(f *testing.F) {
	keys := newKeys(f, newKey(f, "key.example", ""))
	msg, _ := signed(f, "key.example.", dns.HmacSHA256, secret, now, 300)
	f.Add(msg, at(f, msg))
	f.Add(msg[:at(f, msg)], 12)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xc0\x0c"), 12)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		if at < 12 || at > len(b) {
			return
		}
		var s tsig.Signature
		if !keys.Verify(b, at, now, &s) {
			return
		}
		if s.Key != nil && s.Error == 0 && string(b) != string(msg) && verify(b, "", false) != nil {
			t.Fatalf("accepted %x", b)
		}
		answer := s.Sign(make([]byte, 12), now)
		if m := new(dns.Msg); m.Unpack(answer) != nil {
			t.Fatalf("answered with %x", answer)
		}
	})
}
