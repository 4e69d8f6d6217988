package dnssec

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Set is an RRset of class IN that is to be signed.
type Set struct {
	// Owner is the name in wire form and lower case.
	Owner []byte
	Type  uint16
	// TTL is the original TTL, which the signature covers. It must not be less
	// than the TTL of the records in the answer.
	TTL uint32
	// Data has the data of the records in canonical form and order, without
	// duplicates: see Add.
	Data [][]byte
}

// Add adds the data of a record, in which names are not compressed. It converts the
// data to canonical form in place and keeps it. It returns false if the set already
// has the record.
func (s *Set) Add(data []byte) bool {
	dnswire.LowerData(s.Type, data)
	at, found := slices.BinarySearchFunc(s.Data, data, bytes.Compare)
	if found {
		return false
	}
	s.Data = slices.Insert(s.Data, at, data)
	return true
}

// AppendRecords appends the records in the form that is signed: RFC 4034 section
// 3.1.8.1.
func (s *Set) AppendRecords(b []byte) []byte {
	for _, data := range s.Data {
		b = append(b, s.Owner...)
		b = dnswire.AppendFixed(b, s.Type, dnswire.ClassIN, s.TTL, len(data))
		b = append(b, data...)
	}
	return b
}

// Period is the validity of a signature in seconds since 1970 (RFC 1982 arithmetic).
type Period struct{ Inception, Expiration uint32 }

// SignatureLength returns the length of the data of an RRSIG record. The signer is a
// name in wire form.
func SignatureLength(signer string) int { return 18 + len(signer) + SignatureBytes }

// AppendSignature appends the data of an RRSIG record before the signature: RFC 4034
// section 3.1. The signer is the apex in wire form and lower case.
func (s *Set) AppendSignature(b []byte, p Period, k *Key, signer string) []byte {
	b = binary.BigEndian.AppendUint16(b, s.Type)
	b = append(b, Algorithm, byte(dnswire.CountLabels(s.Owner)))
	b = binary.BigEndian.AppendUint32(b, s.TTL)
	b = binary.BigEndian.AppendUint32(b, p.Expiration)
	b = binary.BigEndian.AppendUint32(b, p.Inception)
	b = binary.BigEndian.AppendUint16(b, k.Tag())
	return append(b, signer...)
}
