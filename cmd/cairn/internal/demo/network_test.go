package demo

import (
	"net/netip"
	"testing"
)

// The demonstration does not use a network that this machine has, such as that of another
// node.
func TestFreeOf(t *testing.T) {
	for _, test := range []struct {
		used []string
		want string // empty: none is free
	}{
		{nil, "10.213.0.0/16"},
		{[]string{"127.0.0.1/8", "192.168.0.7/24", "::1/128"}, "10.213.0.0/16"},
		{[]string{"10.213.0.1/16"}, "10.212.0.0/16"},
		{[]string{"10.213.7.1/24", "10.212.0.1/22"}, "10.211.0.0/16"},
		{[]string{"10.0.0.1/8"}, ""},
	} {
		var used []netip.Prefix
		for _, u := range test.used {
			used = append(used, netip.MustParsePrefix(u))
		}
		got, err := freeOf(used)
		if (err != nil) != (test.want == "") || err == nil && got.String() != test.want {
			t.Errorf("%v: %v, %v", test.used, got, err)
		}
	}
}

func TestTelling(t *testing.T) {
	for _, test := range []struct {
		events []string // newest first
		want   string
	}{
		{nil, "no event"},
		{[]string{"b", "a"}, "b"},
		{[]string{"is unable to start", "failed to start. Reason: new", "failed to start. Reason: old"}, "failed to start. Reason: new"},
	} {
		if got := telling(test.events); got != test.want {
			t.Errorf("%v: %q", test.events, got)
		}
	}
}
