package dnsname

import "testing"

func TestSkip(t *testing.T) {
	for msg, want := range map[string]int{
		"": -1, "\x00": 1, "\x00\x00": 1, "\x03www\x00": 5, "\x03www": -1, "\x03ww": -1, "\xc0\x0c": 2, "\xc0": -1,
		"\x03www\xc0\x0cx": 6, "\x40": -1, "\x80\x00": -1, "\x01a\x01b\x00x": 5,
	} {
		if got := Skip([]byte(msg), 0); got != want {
			t.Errorf("%q: %d, want %d", msg, got, want)
		}
	}
	if got := Skip([]byte("xx\x01a\x00"), 2); got != 5 {
		t.Errorf("at 2: %d", got)
	}
	if got := Skip([]byte("x"), 7); got != -1 {
		t.Errorf("beyond the end: %d", got)
	}
}
