package dnssec

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Set is an RRset of class IN that is to be signed.
type Set struct {
	// Owner is in wire form and lower case.
	Owner []byte
	Type  uint16
	// TTL is the one that the signature covers: it must not be less than that
	// of the records as they are sent.
	TTL uint32
	// Data are the records' data in canonical form, in canonical order, and
	// without repetition: see Add.
	Data [][]byte
}

// Add takes in the data of one more record, in which names are not compressed.
// The data is changed to its canonical form in place. Add is false if the set
// has such a record already.
func (s *Set) Add(data []byte) bool {
	dnswire.LowerData(s.Type, data)
	at, found := slices.BinarySearchFunc(s.Data, data, bytes.Compare)
	if found {
		return false
	}
	s.Data = slices.Insert(s.Data, at, data)
	return true
}

// AppendRecords appends the records as they are signed: RFC 4034 section 3.1.8.1.
func (s *Set) AppendRecords(b []byte) []byte {
	for _, data := range s.Data {
		b = append(b, s.Owner...)
		b = dnswire.AppendFixed(b, s.Type, dnswire.ClassIN, s.TTL, len(data))
		b = append(b, data...)
	}
	return b
}

// Period is when a signature holds, in seconds since 1970 (RFC 1982 arithmetic).
type Period struct{ Inception, Expiration uint32 }

// SignatureLength is the length of an RRSIG record's data, by the signer's name.
func SignatureLength(signer string) int { return 18 + len(signer) + SignatureBytes }

// AppendSignature appends the data of an RRSIG record up to the signature: RFC
// 4034 section 3.1. The signer is the apex in wire form and lower case.
func (s *Set) AppendSignature(b []byte, p Period, k *Key, signer string) []byte {
	b = binary.BigEndian.AppendUint16(b, s.Type)
	b = append(b, Algorithm, byte(dnswire.CountLabels(s.Owner)))
	b = binary.BigEndian.AppendUint32(b, s.TTL)
	b = binary.BigEndian.AppendUint32(b, p.Expiration)
	b = binary.BigEndian.AppendUint32(b, p.Inception)
	b = binary.BigEndian.AppendUint16(b, k.Tag())
	return append(b, signer...)
}
