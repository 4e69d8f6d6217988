package cloudmap

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// SigningKeys makes the keys of zones that are to be signed.
type SigningKeys func() (*dnssec.Key, error)

// newKey makes a key if the tags may need one.
func (a *api) newKey(tags []registry.Tag) registry.SigningKey {
	if !registry.WantsKey(tags) {
		return registry.SigningKey{}
	}
	if a.keys == nil {
		return registry.SigningKey{Problem: "this node signs nothing"}
	}
	k, err := a.keys()
	if err != nil {
		return registry.SigningKey{Problem: err.Error()}
	}
	return registry.SigningKey{Key: k}
}

// DNSSEC says how a zone is signed. Its members are those of the GetDNSSEC call
// of Route 53 that mean something here.
type DNSSEC struct {
	KeySigningKeys []KeySigningKey
	ServeSignature string
}

// KeySigningKey is a key of a zone. Its Status is ACTIVE if it signs everything,
// and PUBLISHED if it does so no more, or not yet.
type KeySigningKey struct {
	CreatedDate              timestamp.Milliseconds
	DNSKEYRecord             string
	DSRecord                 string
	DigestAlgorithmMnemonic  string
	DigestAlgorithmType      *int64
	DigestValue              string
	Flag                     *int64
	KeyTag                   *int64
	PublicKey                string
	SigningAlgorithmMnemonic string
	SigningAlgorithmType     *int64
	Status                   string
}

// dnssecOf is nil for a zone that is not signed.
func dnssecOf(ns *registry.Namespace, now time.Time) *DNSSEC {
	apex, ok := dnswire.ParseName(strings.ToLower(ns.Name))
	if len(ns.Keys) == 0 || !ok {
		return nil
	}
	d := &DNSSEC{ServeSignature: "SIGNING"}
	active := ns.Keys.Active(now.UnixMilli())
	for i := range ns.Keys {
		k := &ns.Keys[i]
		ds := k.DS(apex)
		key := KeySigningKey{
			CreatedDate: timestamp.Milliseconds(k.Created), DNSKEYRecord: k.DNSKEYText(), DSRecord: k.DSText(apex),
			DigestAlgorithmMnemonic: "SHA-256", DigestAlgorithmType: new(int64(dnssec.Digest)),
			DigestValue: fmt.Sprintf("%X", ds[4:]), Flag: new(int64(dnssec.Flags)), KeyTag: new(int64(k.Tag())),
			PublicKey:                base64.StdEncoding.EncodeToString(k.Public[:]),
			SigningAlgorithmMnemonic: "ECDSAP256SHA256", SigningAlgorithmType: new(int64(dnssec.Algorithm)),
			Status: "PUBLISHED",
		}
		if k == active {
			key.Status = "ACTIVE"
		}
		d.KeySigningKeys = append(d.KeySigningKeys, key)
	}
	return d
}

func (m *DNSSEC) append(b []byte) []byte {
	b = append(b, '{')
	if m.KeySigningKeys != nil {
		b = awsjson.AppendName(b, "KeySigningKeys")
		b = append(b, '[')
		for i := range m.KeySigningKeys {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.KeySigningKeys[i].append(b)
		}
		b = append(b, ']')
	}
	b = appendText(b, "ServeSignature", m.ServeSignature)
	return append(b, '}')
}

func (m *KeySigningKey) append(b []byte) []byte {
	b = append(b, '{')
	if m.CreatedDate != 0 {
		b = awsjson.AppendName(b, "CreatedDate")
		b = awsjson.AppendTime(b, m.CreatedDate, timestamp.Epoch)
	}
	b = appendText(b, "DNSKEYRecord", m.DNSKEYRecord)
	b = appendText(b, "DSRecord", m.DSRecord)
	b = appendText(b, "DigestAlgorithmMnemonic", m.DigestAlgorithmMnemonic)
	b = appendNumber(b, "DigestAlgorithmType", m.DigestAlgorithmType)
	b = appendText(b, "DigestValue", m.DigestValue)
	b = appendNumber(b, "Flag", m.Flag)
	b = appendNumber(b, "KeyTag", m.KeyTag)
	b = appendText(b, "PublicKey", m.PublicKey)
	b = appendText(b, "SigningAlgorithmMnemonic", m.SigningAlgorithmMnemonic)
	b = appendNumber(b, "SigningAlgorithmType", m.SigningAlgorithmType)
	b = appendText(b, "Status", m.Status)
	return append(b, '}')
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return awsjson.AppendString(awsjson.AppendName(b, name), text)
}

func appendNumber(b []byte, name string, n *int64) []byte {
	if n == nil {
		return b
	}
	return awsjson.AppendInt(awsjson.AppendName(b, name), *n)
}
