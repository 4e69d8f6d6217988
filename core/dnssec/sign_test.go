package dnssec_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"testing"

	"encoding/asn1"

	"github.com/miekg/dns"
)

// ecdsaSign signs as RFC 6605 section 4 has it.
func ecdsaSign(t testing.TB, private crypto.Signer, message []byte) []byte {
	t.Helper()
	digest := sha256.Sum256(message)
	der, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var both struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &both); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 64)
	both.R.FillBytes(raw[:32])
	both.S.FillBytes(raw[32:])
	return raw
}

// unpackSignature makes an RRSIG record of its data.
func unpackSignature(t testing.TB, owner []byte, ttl uint32, data []byte) *dns.RRSIG {
	t.Helper()
	b := append([]byte(nil), owner...)
	b = binary.BigEndian.AppendUint16(b, dns.TypeRRSIG)
	b = binary.BigEndian.AppendUint16(b, dns.ClassINET)
	b = binary.BigEndian.AppendUint32(b, ttl)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	rr, _, err := dns.UnpackRR(append(b, data...), 0)
	if err != nil {
		t.Fatal(err)
	}
	return rr.(*dns.RRSIG)
}
