package registry_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/registry"
)

// aKey is a key that differs by its first octet.
func aKey(n byte) registry.SigningKey {
	k := &dnssec.Key{Sealed: "sealed"}
	k.Public[0] = n
	return registry.SigningKey{Key: k}
}

func dnssecTag(value string) []registry.Tag {
	return []registry.Tag{{Key: registry.TagDNSSEC, Value: value}}
}

// firsts are the first octets of a namespace's keys.
func (w *fixture) firsts(ns *registry.Namespace) string {
	var b strings.Builder
	for _, k := range w.currentNamespace(ns.ID).Keys {
		b.WriteByte(k.Public[0])
	}
	return b.String()
}

func TestSigningIsSwitched(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "example.com")
		arn := w.rules.NamespaceARN(testAccount, ns.ID)
		tag := func(value string, k byte) {
			w.do(&registry.TagResource{ARN: arn, Tags: dnssecTag(value), NewKey: aKey(k)})
		}
		want := func(step, keys string) {
			t.Helper()
			if got := w.firsts(ns); got != keys {
				t.Errorf("%s: keys %q, want %q", step, got, keys)
			}
			w.checkReload()
		}
		want("at first", "")
		tag("enabled", 'a')
		want("enabled", "a")
		if created := w.currentNamespace(ns.ID).Keys[0].Created; created != w.now {
			t.Errorf("created at %d, now is %d", created, w.now)
		}
		tag("enabled", 'b')
		want("enabled again", "a")
		w.do(&registry.TagResource{ARN: arn, Tags: []registry.Tag{{Key: "other"}}})
		w.do(&registry.UpdateNamespace{Ref: string(ns.ID), Type: registry.DNSPublic, Description: new("d")})
		want("changed otherwise", "a")

		tag("rolling", 'b')
		want("rolling", "ab")
		tag("rolling", 'c')
		want("rolling again", "ab")
		refused[*command.InvalidInput](w, &registry.TagResource{ARN: arn, Tags: dnssecTag("enabled")})
		w.now += dnssec.RollTime.Milliseconds()
		tag("enabled", 'c')
		want("rolled", "b")

		tag("disabled", 'c')
		want("disabled", "")
		tag("enabled", 'd')
		w.do(&registry.UntagResource{ARN: arn, Keys: []string{registry.TagDNSSEC}})
		want("untagged", "")
	})
}

func TestSigningAtCreation(t *testing.T) {
	w := newFixture(t, false)
	ns := w.created(&registry.CreateNamespace{Type: registry.DNSPublic, Name: "a.example", Tags: dnssecTag("enabled"), NewKey: aKey('x')})
	if got := w.firsts(ns); got != "x" {
		t.Errorf("keys %q", got)
	}
	w.do(&registry.DeleteNamespace{Ref: string(ns.ID)})
	w.checkReload()
}

func TestSigningIsRefused(t *testing.T) {
	w := newFixture(t, false)
	plain := w.namespace(registry.DNSPublic, "example.com")
	private := w.created(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: "p", VPC: "vpc-1"})
	svc := w.service(plain, registry.CreateService{Name: "s", HTTPOnly: true})
	arn := func(ns *registry.Namespace) string { return w.rules.NamespaceARN(testAccount, ns.ID) }
	for text, c := range map[string]command.Command{
		"only a namespace of type DNS_PUBLIC": &registry.TagResource{ARN: arn(private), Tags: dnssecTag("enabled"), NewKey: aKey(1)},
		"it is of type HTTP":                  &registry.CreateNamespace{Type: registry.HTTP, Name: "h", Tags: dnssecTag("enabled"), NewKey: aKey(1)},
		`"yes" must be`:                       &registry.TagResource{ARN: arn(plain), Tags: dnssecTag("yes"), NewKey: aKey(1)},
		"no key to be replaced":               &registry.TagResource{ARN: arn(plain), Tags: dnssecTag("rolling"), NewKey: aKey(1)},
		"do that and this":                    &registry.TagResource{ARN: arn(plain), Tags: dnssecTag("enabled"), NewKey: registry.SigningKey{Problem: "do that and this"}},
		"is for namespaces":                   &registry.TagResource{ARN: w.rules.ServiceARN(testAccount, svc.ID), Tags: dnssecTag("enabled")},
		"signed with its namespace":           &registry.CreateService{Name: "t", NamespaceRef: string(plain.ID), Tags: dnssecTag("enabled")},
	} {
		if e := refused[*command.InvalidInput](w, c); !strings.Contains(e.Message, text) {
			t.Errorf("%q does not say %q", e.Message, text)
		}
	}
	// On a zone that is not signed, and never could be, "disabled" says nothing new.
	w.do(&registry.TagResource{ARN: arn(private), Tags: dnssecTag("disabled")})
}
