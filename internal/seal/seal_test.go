package seal

import (
	"bytes"
	"errors"
	"testing"
)

func TestSeal(t *testing.T) {
	k, err := ParseKey(NewKey() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	sealed := k.Seal(nil, []byte("secret"), "of this")
	if bytes.Contains(sealed, []byte("secret")) {
		t.Fatal("in clear")
	}
	plain, err := k.Open(sealed, "of this")
	if err != nil || string(plain) != "secret" {
		t.Fatalf("%q %v", plain, err)
	}
	if bytes.Equal(sealed, k.Seal(nil, []byte("secret"), "of this")) {
		t.Error("sealed the same twice")
	}
	other, _ := ParseKey(NewKey())
	if _, err := other.Open(sealed, "of this"); !errors.Is(err, errNotSealed) {
		t.Errorf("another key: %v", err)
	}
	if _, err := k.Open(sealed, "of that"); !errors.Is(err, errNotSealed) {
		t.Errorf("another context: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := k.Open(changed, "of this"); !errors.Is(err, errNotSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := k.Open(sealed[:i], "of this"); !errors.Is(err, errNotSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	for _, bad := range []string{"", "short", "AAAA", NewKey() + "AAAA", NewKey()[:40]} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}
