// Package dnssec defines the keys of signed zones, and the records and canonical forms
// that are derived from keys and names.
//
// It is pure and makes no signatures; edge/dns/sign does. The only algorithm is ECDSA
// P-256 with SHA-256 (RFC 6605), number 13, the only digest SHA-256 (RFC 4509). A zone
// has one key that is both KSK and ZSK.
package dnssec

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	// Algorithm and Digest are the numbers of ECDSA P-256 and SHA-256.
	Algorithm = 13
	Digest    = 2
	// Flags has the bits of a zone key that is a secure entry point: RFC 4034
	// section 2.1.1.
	Flags = 257
	// PublicBytes is the length of a public key, SignatureBytes that of a
	// signature: RFC 6605 section 4.
	PublicBytes    = 64
	SignatureBytes = 64

	protocol = 3
)

// KeyTTL is the TTL of the DNSKEY, CDS and CDNSKEY records, in seconds.
const KeyTTL = 3600

// Times of a key roll, which are needed because resolvers cache records and secondary
// servers may miss a NOTIFY.
const (
	// secondaryTime is how late a secondary server may be: the refresh time of the SOA
	// record.
	secondaryTime = 2 * time.Hour
	// PublishTime is how long a new key is published before it signs. After that,
	// no resolver has DNSKEY records without it.
	PublishTime = secondaryTime + 2*KeyTTL*time.Second
	// RollTime is how long the old key stays published at least. After that, no
	// resolver has a signature by it: copies have those of the key that signed at the
	// beginning of the day, and the longest TTL of a record is two days.
	RollTime = PublishTime + 24*time.Hour + secondaryTime + 48*time.Hour
)

// Key is a key of a zone. The private half is sealed, so the store or a backup is not
// sufficient to sign.
type Key struct {
	Public  [PublicBytes]byte // the point, x before y
	Sealed  string
	Created int64 // milliseconds since 1970
}

// Keys are the keys of one zone: none if it is not signed, and two during a roll, the
// new one last. It must not be changed.
type Keys []Key

// Active returns the key that signs at a time in milliseconds since 1970. The zone must
// have a key.
func (k Keys) Active(now int64) *Key {
	last := &k[len(k)-1]
	if len(k) > 1 && now < last.Created+PublishTime.Milliseconds() {
		return &k[len(k)-2]
	}
	return last
}

// DNSKEY returns the data of the key's DNSKEY record, and of its CDNSKEY record.
func (k *Key) DNSKEY() [4 + PublicBytes]byte {
	var b [4 + PublicBytes]byte
	binary.BigEndian.PutUint16(b[:], Flags)
	b[2], b[3] = protocol, Algorithm
	copy(b[4:], k.Public[:])
	return b
}

// Tag returns the key tag: RFC 4034 appendix B.
func (k *Key) Tag() uint16 {
	sum := uint32(0)
	for i, c := range k.DNSKEY() {
		if i%2 == 0 {
			sum += uint32(c) << 8
		} else {
			sum += uint32(c)
		}
	}
	return uint16(sum + sum>>16)
}

// DS returns the data of the DS record for the key of a zone, and of its CDS
// record: RFC 4034 section 5.1.4. The apex is in wire form and lower case.
func (k *Key) DS(apex string) [4 + sha256.Size]byte {
	var b [4 + sha256.Size]byte
	key := k.DNSKEY()
	binary.BigEndian.PutUint16(b[:], k.Tag())
	b[2], b[3] = Algorithm, Digest
	sum := sha256.Sum256(append([]byte(apex), key[:]...))
	copy(b[4:], sum[:])
	return b
}

// DSText returns the data of the DS record in the form of zone files.
func (k *Key) DSText(apex string) string {
	ds := k.DS(apex)
	return fmt.Sprintf("%d %d %d %X", k.Tag(), Algorithm, Digest, ds[4:])
}

// DNSKEYText returns the data of the DNSKEY record in the form of zone files.
func (k *Key) DNSKEYText() string {
	return fmt.Sprintf("%d %d %d %s", Flags, protocol, Algorithm, base64.StdEncoding.EncodeToString(k.Public[:]))
}
