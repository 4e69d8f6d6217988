package answer

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

// RFC 9018 appendix A: the test vectors.
func TestRFC9018_Vectors(t *testing.T) {
	for _, v := range []struct {
		secret, client, from, want string
		time                       int64
	}{
		{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", 1559731985},
		{"dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741817},
		{"445536bcd2513298075a5d379663c962", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a", 1559741961},
	} {
		secret, _ := hex.DecodeString(v.secret)
		c, err := newCookies(Cookies{Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		a := &Answerer{Responder: &Responder{cookies: c}, seconds: v.time}
		a.req = &a.ownRequest
		a.from = netip.MustParseAddr(v.from)
		a.req.edns.cookie, _ = hex.DecodeString(v.client)
		a.appendCookie()
		got := a.out
		if hex.EncodeToString(got) != v.want {
			t.Errorf("%x, want %s", got, v.want)
		}
		for age, want := range map[int64]bool{-301: false, -300: true, 0: true, 3600: true, 3601: false} {
			if c.valid(got, a.from, v.time+age) != want {
				t.Errorf("4.3: valid at age %d: %v", age, !want)
			}
		}
		got[23] ^= 1
		if c.valid(got, a.from, v.time) {
			t.Error("a forged cookie is valid")
		}
	}
}

func TestCookieSecretRotation(t *testing.T) {
	c, _ := newCookies(Cookies{})
	a := &Answerer{Responder: &Responder{cookies: c}, seconds: 1000}
	a.req = &a.ownRequest
	a.from = netip.MustParseAddr("127.0.0.1")
	a.req.edns.cookie = make([]byte, 8)
	a.appendCookie()
	cookie := a.out
	for i, want := range []bool{true, true, false} {
		if c.valid(cookie, a.from, 1000) != want {
			t.Errorf("after %d rotations: %v", i, !want)
		}
		c.rotate()
	}
}
