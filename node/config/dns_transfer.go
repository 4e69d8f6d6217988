package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

// TSIGKey is a secret that this server and others share, to sign messages with
// (RFC 8945).
type TSIGKey struct {
	// Name is the key's name, a domain name that both sides use.
	Name string `yaml:"name" check:"host"`
	// Algorithm is `hmac-sha1`, `hmac-sha224`, `hmac-sha256`, `hmac-sha384` or
	// `hmac-sha512`. Empty means hmac-sha256.
	Algorithm string `yaml:"algorithm"`
	// Secret is the secret in base64. It is never logged.
	Secret Secret `yaml:"secret"`
	// SecretFile is a file that contains the secret, in base64.
	SecretFile string `yaml:"secret_file" path:"file"`
}

// Transfer is who may have a zone transferred, and which servers to notify of
// changes.
type Transfer struct {
	// Zone is the name of the namespace. "*" means all public ones.
	Zone string `yaml:"zone"`
	// VPC selects the private namespace of this name that is bound to it. Empty:
	// the public one.
	VPC string `yaml:"vpc"`
	// Secondaries are servers that get a NOTIFY when the zone has changed, as IP or
	// IP:PORT. They may have the zone transferred.
	Secondaries []string `yaml:"secondaries"`
	// Allow are further clients that may have it transferred. Without them and
	// without secondaries, but with a tsig_key, any address may.
	Allow []Prefix `yaml:"allow"`
	// TSIGKey is the name of the key that queries must be signed with, and NOTIFY
	// messages are. Empty: the address is enough.
	TSIGKey string `yaml:"tsig_key"`
}

// TransferLimits limit the resources that transfers use.
type TransferLimits struct {
	// Transfers is how many run at a time; 0 means 16. One client has at most a
	// quarter of them.
	Transfers int `yaml:"transfers" check:"min=0"`
	// Timeout is how long one transfer may take; 0 means 5m.
	Timeout Duration `yaml:"timeout" check:"min=0s"`
	// HistoryBytes is the memory for changes of all zones together, from which IXFR
	// is answered, in bytes; 0 means 16 MiB.
	HistoryBytes int `yaml:"history_bytes" check:"min=0"`
	// NotifyInterval is the least time between two NOTIFY messages for one zone to
	// one secondary; 0 means 1s.
	NotifyInterval Duration `yaml:"notify_interval" check:"min=0s"`
}

func checkTransfers(k *checker, d *DNS) {
	seen := map[string]bool{}
	for i, key := range d.TSIGKeys {
		at := fmt.Sprintf("dns.tsig_keys[%d]", i)
		if seen[key.Name] {
			k.fail(at+".name", key.Name, "is listed twice")
		}
		seen[key.Name] = true
		if key.Algorithm != "" && !slices.Contains(tsig.Algorithms(), key.Algorithm) {
			k.fail(at+".algorithm", key.Algorithm, fmt.Sprintf("must be one of %v", tsig.Algorithms()))
		}
		key.check(k, at)
	}
	for i := range d.Transfer {
		d.Transfer[i].check(k, fmt.Sprintf("dns.transfer[%d]", i), seen)
	}
}

// check checks a secret without showing it. Files are read at the start.
func (t *TSIGKey) check(k *checker, at string) {
	switch {
	case (t.Secret == "") == (t.SecretFile == ""):
		k.failHidden(at, "needs either secret or secret_file")
	case t.Secret != "":
		if _, err := decodeTSIGSecret(string(t.Secret)); err != nil {
			k.failHidden(at+".secret", err.Error())
		}
	}
}

func (t *Transfer) check(k *checker, at string, keys map[string]bool) {
	if t.Zone != "*" {
		k.host(at+".zone", t.Zone)
	} else if t.VPC != "" {
		k.fail(at+".vpc", t.VPC, "needs a zone by name: \"*\" means public ones")
	}
	for i, s := range t.Secondaries {
		if _, ok := Upstream(s); !ok {
			k.fail(fmt.Sprintf("%s.secondaries[%d]", at, i), s, "must be IP or IP:PORT, such as 192.0.2.54 or [2001:db8::54]:53")
		}
	}
	if t.TSIGKey != "" && !keys[t.TSIGKey] {
		k.fail(at+".tsig_key", t.TSIGKey, "is not in dns.tsig_keys")
	}
	if t.TSIGKey == "" && len(t.Allow) == 0 && len(t.Secondaries) == 0 {
		k.failHidden(at, "lets nobody have the zone: give secondaries, allow or tsig_key")
	}
}

// minTSIGSecret is too long to be guessed.
const minTSIGSecret = 16

func decodeTSIGSecret(text string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(secret) < minTSIGSecret {
		return nil, fmt.Errorf("must be base64 of %d octets or more", minTSIGSecret)
	}
	return secret, nil
}

// Keys returns the TSIG keys by their names in the configuration, and all
// together. It reads the files of their secrets.
func (d *DNS) Keys() (byName map[string]*tsig.Key, all tsig.Keys, err error) {
	byName = map[string]*tsig.Key{}
	var list []*tsig.Key
	var errs []error
	for i := range d.TSIGKeys {
		name := d.TSIGKeys[i].Name
		key, err := d.TSIGKeys[i].key()
		if err != nil {
			errs = append(errs, fmt.Errorf("dns.tsig_keys: %s: %w", name, err))
			continue
		}
		byName[name] = key
		list = append(list, key)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	all, err = tsig.NewKeys(list...)
	return byName, all, err
}

func (t *TSIGKey) key() (*tsig.Key, error) {
	text := string(t.Secret)
	if t.SecretFile != "" {
		var err error
		if text, err = readSecretFile(t.SecretFile); err != nil {
			return nil, err
		}
	}
	secret, err := decodeTSIGSecret(text)
	if err != nil {
		return nil, fmt.Errorf("the secret %w", err)
	}
	return tsig.NewKey(t.Name, t.Algorithm, secret)
}
