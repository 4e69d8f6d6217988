package node

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

func (k *checker) transfers(d *DNS) {
	seen := map[string]bool{}
	for i, key := range d.TSIGKeys {
		at := fmt.Sprintf("dns.tsig_keys[%d]", i)
		k.name(at+".name", key.Name)
		if seen[key.Name] {
			k.bad(at+".name", key.Name, "is listed twice")
		}
		seen[key.Name] = true
		if key.Algorithm != "" && !slices.Contains(tsig.Algorithms(), key.Algorithm) {
			k.bad(at+".algorithm", key.Algorithm, fmt.Sprintf("must be one of %v", tsig.Algorithms()))
		}
		k.tsigSecret(at, &key)
	}
	for i := range d.Transfer {
		k.transfer(fmt.Sprintf("dns.transfer[%d]", i), &d.Transfer[i], seen)
	}
	l := &d.TransferLimits
	k.atLeast("dns.transfer_limits.transfers", int64(l.Transfers), 0)
	k.atLeast("dns.transfer_limits.history_bytes", int64(l.HistoryBytes), 0)
	k.lasting("dns.transfer_limits.timeout", l.Timeout, 0)
	k.lasting("dns.transfer_limits.notify_interval", l.NotifyInterval, 0)
}

// tsigSecret checks a secret without showing it. Files are read at the start.
func (k *checker) tsigSecret(at string, key *TSIGKey) {
	switch {
	case (key.Secret == "") == (key.SecretFile == ""):
		k.badUnseen(at, "needs either secret or secret_file")
	case key.Secret != "":
		if _, err := tsigSecretOf(string(key.Secret)); err != nil {
			k.badUnseen(at+".secret", err.Error())
		}
	}
}

// minTSIGSecret is too long to be guessed.
const minTSIGSecret = 16

func tsigSecretOf(text string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(secret) < minTSIGSecret {
		return nil, fmt.Errorf("must be base64 of %d octets or more", minTSIGSecret)
	}
	return secret, nil
}

func (k *checker) transfer(at string, t *Transfer, keys map[string]bool) {
	if t.Zone != "*" {
		k.name(at+".zone", t.Zone)
	} else if t.VPC != "" {
		k.bad(at+".vpc", t.VPC, "needs a zone by name: \"*\" means public ones")
	}
	for i, s := range t.Secondaries {
		if _, ok := upstream(s); !ok {
			k.bad(fmt.Sprintf("%s.secondaries[%d]", at, i), s, "must be IP or IP:PORT, such as 192.0.2.54 or [2001:db8::54]:53")
		}
	}
	if t.TSIGKey != "" && !keys[t.TSIGKey] {
		k.bad(at+".tsig_key", t.TSIGKey, "is not in dns.tsig_keys")
	}
	if t.TSIGKey == "" && len(t.Allow) == 0 && len(t.Secondaries) == 0 {
		k.badUnseen(at, "lets nobody have the zone: give secondaries, allow or tsig_key")
	}
}

// tsigKeys makes the keys, by their names in the configuration.
func (d *DNS) tsigKeys() (map[string]*tsig.Key, tsig.Keys, error) {
	named := map[string]*tsig.Key{}
	var list []*tsig.Key
	var errs []error
	for _, c := range d.TSIGKeys {
		key, err := c.key()
		if err != nil {
			errs = append(errs, fmt.Errorf("dns.tsig_keys: %s: %w", c.Name, err))
			continue
		}
		named[c.Name] = key
		list = append(list, key)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	keys, err := tsig.NewKeys(list...)
	return named, keys, err
}

func (c *TSIGKey) key() (*tsig.Key, error) {
	text := string(c.Secret)
	if c.SecretFile != "" {
		var err error
		if text, err = readSecretFile(c.SecretFile); err != nil {
			return nil, err
		}
	}
	secret, err := tsigSecretOf(text)
	if err != nil {
		return nil, fmt.Errorf("the secret %w", err)
	}
	return tsig.NewKey(c.Name, c.Algorithm, secret)
}
