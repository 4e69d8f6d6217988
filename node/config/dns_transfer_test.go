package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What is wrong with transfers is told by its key, and no secret is shown.
func TestTransferConfig(t *testing.T) {
	const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := TSIGKey{Name: "secondary-1", Secret: secret}
	for _, c := range []struct {
		what string
		dns  DNS
		want string // in the error; empty: there is none
	}{
		{"nothing", DNS{}, ""},
		{"all", DNS{TSIGKeys: []TSIGKey{key}, Transfer: []Transfer{{Zone: "example.com", Secondaries: []string{"192.0.2.1", "[2001:db8::1]:5353"}, TSIGKey: "secondary-1"}, {Zone: "*", TSIGKey: "secondary-1"}}}, ""},
		{"a file", DNS{TSIGKeys: []TSIGKey{{Name: "k", SecretFile: file, Algorithm: "hmac-sha512"}}}, ""},
		{"no secret", DNS{TSIGKeys: []TSIGKey{{Name: "k"}}}, "dns.tsig_keys[0]: needs either secret or secret_file"},
		{"two secrets", DNS{TSIGKeys: []TSIGKey{{Name: "k", Secret: secret, SecretFile: file}}}, "dns.tsig_keys[0]: needs either"},
		{"not base64", DNS{TSIGKeys: []TSIGKey{{Name: "k", Secret: "hunter2!"}}}, "dns.tsig_keys[0].secret: must be base64"},
		{"short", DNS{TSIGKeys: []TSIGKey{{Name: "k", Secret: "aHVudGVyMg=="}}}, "dns.tsig_keys[0].secret: must be base64 of 16 octets or more"},
		{"algorithm", DNS{TSIGKeys: []TSIGKey{{Name: "k", Secret: secret, Algorithm: "hmac-md5"}}}, "dns.tsig_keys[0].algorithm"},
		{"twice", DNS{TSIGKeys: []TSIGKey{key, key}}, "dns.tsig_keys[1].name"},
		{"no such key", DNS{Transfer: []Transfer{{Zone: "example.com", TSIGKey: "k"}}}, "dns.transfer[0].tsig_key"},
		{"nobody", DNS{Transfer: []Transfer{{Zone: "example.com"}}}, "dns.transfer[0]: lets nobody have the zone"},
		{"no zone", DNS{Transfer: []Transfer{{Secondaries: []string{"192.0.2.1"}}}}, "dns.transfer[0].zone"},
		{"private in general", DNS{Transfer: []Transfer{{Zone: "*", VPC: "vpc-1", Secondaries: []string{"192.0.2.1"}}}}, "dns.transfer[0].vpc"},
		{"secondary by name", DNS{Transfer: []Transfer{{Zone: "example.com", Secondaries: []string{"ns2.example.com"}}}}, "dns.transfer[0].secondaries[0]"},
		{"limits", DNS{TransferLimits: TransferLimits{Transfers: -1}}, "dns.transfer_limits.transfers"},
	} {
		t.Run(c.what, func(t *testing.T) {
			var k checker
			walkBelow("dns", reflect.ValueOf(&c.dns).Elem(), k.checkTag)
			checkTransfers(&k, &c.dns)
			text := ""
			for _, err := range k.errs {
				text += err.Error() + "\n"
			}
			if c.want == "" && text != "" || !strings.Contains(text, c.want) {
				t.Errorf("got %q, want %q", text, c.want)
			}
			if strings.Contains(text, "hunter2") || strings.Contains(text, "aHVudGVyMg") || strings.Contains(text, secret) {
				t.Errorf("a secret is shown: %s", text)
			}
			if c.want == "" {
				if _, _, err := c.dns.Keys(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	bad := DNS{TSIGKeys: []TSIGKey{{Name: "k", SecretFile: filepath.Join(t.TempDir(), "nowhere")}}}
	if _, _, err := bad.Keys(); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}
