package registry_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/registry"
)

// The host of an instance is a name that resolvers of Go, Node and glibc accept:
// RFC 952, RFC 1123 section 2.1, and the underscore.
func TestHostLabels(t *testing.T) {
	long := strings.Repeat("a", 63)
	for id, want := range map[string]string{
		"good":      "\x04good",
		"i-0a1b":    "\x06i-0a1b",
		"10.0.0.1":  "\x0210\x010\x010\x011",
		"_srv":      "\x04_srv",
		"10.0.0.1:": "\x0210\x010\x010\x07x--1-3a",
		"a@b":       "\x08x--a-40b",
		"::1":       "\x0ax---3a-3a1",
		"-a":        "\x07x---2da",
		"a-":        "\x07x--a-2d",
		"x--a":      "\x0bx--x-2d-2da",
		"X--a":      "\x0bx--X-2d-2da",
		"a..b":      "\x01a\x04x--0\x01b",
		".":         "\x04x--0\x04x--0",
		"*":         "\x06x---2a",
		long:        "\x3f" + long,
	} {
		if got, ok := registry.InstanceID(id).HostLabels(); !ok || got != want {
			t.Errorf("%q: %q, %v, want %q", id, got, ok, want)
		}
	}
	if _, ok := registry.InstanceID(long + "a").HostLabels(); ok {
		t.Error("a label of 64 octets is accepted")
	}
}

// Different ids have different labels, and every label is a host name.
func TestHostLabelsAreDistinct(t *testing.T) {
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(
			rapid.StringOfN(rapid.RuneFrom([]rune("ax0h-.:@2d_")), 1, 12, 64),
			rapid.StringMatching(`[!-~]{1,64}`),
		).Draw(t, "id")
		labels, ok := registry.InstanceID(id).HostLabels()
		if !ok {
			return
		}
		if other, there := seen[labels]; there && other != id {
			t.Fatalf("%q and %q are both %q", id, other, labels)
		}
		seen[labels] = id
		for b := labels; b != ""; b = b[1+b[0]:] {
			label := b[1 : 1+b[0]]
			if b[0] == 0 || b[0] > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
				strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
				t.Fatalf("%q: label %q", id, label)
			}
		}
	})
}
