// Package tsig checks and signs DNS messages with shared secret keys: RFC 8945.
//
// It works on messages in wire form. A Signature belongs to one exchange: Verify
// creates it from a received request, or Request for a request to send; it then
// signs or checks the messages that follow.
//
//	var sig tsig.Signature
//	ok := keys.Verify(msg, at, now, &sig) // ok: not malformed; sig.Error: not accepted
//	answer = sig.Sign(answer, now)
package tsig

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// fudge is the permitted difference between clocks in seconds: RFC 8945 section 10.
const fudge = 300

// Values of the error field: RFC 8945 section 3.
const (
	badSig   = 16
	badKey   = 17
	badTime  = 18
	badTrunc = 22
)

// algorithms has the supported algorithms by name. HMAC-MD5 and GSS-TSIG are not.
var algorithms = map[string]struct {
	wire string
	hash func() hash.Hash
}{
	"hmac-sha1":   {"\x09hmac-sha1\x00", sha1.New},
	"hmac-sha224": {"\x0bhmac-sha224\x00", sha256.New224},
	"hmac-sha256": {"\x0bhmac-sha256\x00", sha256.New},
	"hmac-sha384": {"\x0bhmac-sha384\x00", sha512.New384},
	"hmac-sha512": {"\x0bhmac-sha512\x00", sha512.New},
}

// Algorithms returns the names of the supported algorithms, sorted.
func Algorithms() []string {
	var names []string
	for name := range algorithms {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Key is a shared secret with its name. It is safe for concurrent use.
type Key struct {
	name      string // in wire form and lower case
	algorithm string // the same
	hash      func() hash.Hash
	secret    []byte
	macLen    int
}

// NewKey returns a key. Its name is a domain name, the algorithm is one of
// Algorithms or empty for hmac-sha256, and the secret must not be empty.
func NewKey(name, algorithm string, secret []byte) (*Key, error) {
	wire, ok := dnswire.ParseName(name)
	if !ok || len(wire) == 1 {
		return nil, fmt.Errorf("tsig: %q is not a domain name", name)
	}
	if algorithm == "" {
		algorithm = "hmac-sha256"
	}
	a, ok := algorithms[algorithm]
	if !ok {
		return nil, fmt.Errorf("tsig: algorithm %q is not one of %v", algorithm, Algorithms())
	}
	if len(secret) == 0 {
		return nil, errors.New("tsig: the secret is empty")
	}
	return &Key{name: dnswire.Lowered(wire), algorithm: a.wire, hash: a.hash, secret: secret, macLen: a.hash().Size()}, nil
}

// Name returns the name of the key in text form.
func (k *Key) Name() string { return dnswire.Text(k.name) }

// Keys is a set of keys. Nil is empty.
type Keys map[string]*Key

// NewKeys returns a set of keys. Their names must differ.
func NewKeys(keys ...*Key) (Keys, error) {
	ks := Keys{}
	for _, k := range keys {
		if ks[k.name] != nil {
			return nil, fmt.Errorf("tsig: two keys have the name %s", k.Name())
		}
		ks[k.name] = k
	}
	return ks, nil
}

// record is a parsed TSIG record: RFC 8945 section 4.2. Its slices point into the
// message.
type record struct {
	name      []byte // without compression, in the case of the message
	algorithm []byte
	time      uint64 // 48 bits, in seconds since 1970
	fudge     uint16
	mac       []byte
	id        uint16
	err       uint16
	other     []byte
	counted   bool // the message's header counts it
}

// parse reads the record at an offset, which must be the end of the message. The name of the algorithm is not compressed: RFC 3597 section 4.
func (r *record) parse(msg []byte, at int) bool {
	rr, ok := dnswire.ParseRecord(msg, at)
	if !ok || rr.End != len(msg) || rr.Type != dnswire.TypeTSIG || rr.Class != dnswire.ClassANY || rr.TTL != 0 {
		return false
	}
	var end int
	if r.name, end = dnswire.AppendFullName(nil, msg, at); end < 0 {
		return false
	}
	data := msg[rr.Data:]
	n := dnswire.NameLen(data)
	if n < 0 || len(data)-n < 10 {
		return false
	}
	r.algorithm, data = data[:n], data[n:]
	r.time = uint64(binary.BigEndian.Uint16(data))<<32 | uint64(binary.BigEndian.Uint32(data[2:]))
	r.fudge = binary.BigEndian.Uint16(data[6:])
	size := int(binary.BigEndian.Uint16(data[8:]))
	if data = data[10:]; len(data) < size+6 {
		return false
	}
	r.mac, data = data[:size], data[size:]
	r.id, r.err = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
	other := int(binary.BigEndian.Uint16(data[4:]))
	r.other = data[6:]
	return len(r.other) == other
}

// Signature is the state of an exchange of signed messages.
type Signature struct {
	// Key is the key that signed the request; nil if Error is BadKey or BadSig.
	Key *Key
	// Error is why the request was not accepted: BadKey, BadSig, BadTime or
	// BadTrunc, to be answered with the response code NOTAUTH. Zero: it was
	// accepted.
	Error uint16

	name, algorithm string // in the case of the request
	time            uint64 // when the request was signed
	mac             []byte // of the last message
	later           bool   // the first answer was signed
}

// Verify checks the TSIG record of a request, which begins at an offset and is the
// last record, and sets s. It returns false if the record is malformed. now is in
// seconds since 1970. RFC 8945 section 5.2.
func (ks Keys) Verify(msg []byte, at int, now int64, s *Signature) bool {
	r := record{counted: true}
	if !r.parse(msg, at) {
		return false
	}
	*s = Signature{name: string(r.name), algorithm: string(r.algorithm), time: r.time}
	k := ks[string(dnswire.Lowered(r.name))]
	if k == nil || string(dnswire.Lowered(r.algorithm)) != k.algorithm {
		s.Error = badKey
		return true
	}
	// Section 5.2.2.1: a MAC may be truncated to half its length, but not to less
	// than ten octets.
	if n := len(r.mac); n > k.macLen || n < max(10, k.macLen/2) {
		return false
	}
	mac := k.sum(nil, msg[:at], &r, false)
	s.Key = k
	switch {
	case !hmac.Equal(r.mac, mac[:len(r.mac)]):
		s.Key, s.Error = nil, badSig
	case distance(now, r.time) > uint64(r.fudge):
		s.Error = badTime
	case len(r.mac) < k.macLen:
		s.Error = badTrunc
	}
	s.mac = slices.Clone(r.mac)
	return true
}

func distance(now int64, then uint64) uint64 {
	d := now - int64(then) // 48 bits: no overflow
	return uint64(max(d, -d))
}

// sum returns the MAC of a message without its TSIG record: RFC 8945 section 4.3.
// before is the MAC of the message before. Messages after the first answer (later)
// include only the timers of the record.
func (k *Key) sum(before, msg []byte, r *record, later bool) []byte {
	h := hmac.New(k.hash, k.secret)
	if before != nil {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(before))))
		h.Write(before)
	}
	header, _ := dnswire.ParseHeader(msg)
	header.ID = r.id
	if r.counted {
		header.ARCount--
	}
	b := header.Append(nil)
	h.Write(b)
	h.Write(msg[dnswire.HeaderLen:])
	b = b[:0]
	if !later {
		b = append(b, k.name...)
		b = append(b, 0, dnswire.ClassANY, 0, 0, 0, 0)
		b = append(b, k.algorithm...)
	}
	b = appendTimers(b, r)
	if !later {
		b = binary.BigEndian.AppendUint16(b, r.err)
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.other)))
		b = append(b, r.other...)
	}
	h.Write(b)
	return h.Sum(nil)
}

func appendTimers(b []byte, r *record) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(r.time>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(r.time))
	return binary.BigEndian.AppendUint16(b, r.fudge)
}

// Size returns how many octets Sign adds at most.
func (s *Signature) Size() int {
	n := len(s.name) + 10 + len(s.algorithm) + 16 + 6
	if s.Key != nil {
		n += s.Key.macLen
	}
	return n
}

// Sign appends the TSIG record to a message, which must be complete, and counts it in
// the header. Further calls sign the further messages of the same answer.
func (s *Signature) Sign(msg []byte, now int64) []byte {
	r := record{time: uint64(now), fudge: fudge, id: binary.BigEndian.Uint16(msg), err: s.Error}
	if s.Error == badTime {
		// Section 5.2.3: the client's time, and the server's in the other data.
		r.time = s.time
		r.other = binary.BigEndian.AppendUint16(nil, uint16(now>>32))
		r.other = binary.BigEndian.AppendUint32(r.other, uint32(now))
	}
	if s.Key != nil {
		r.mac = s.Key.sum(s.mac, msg, &r, s.later)
		s.mac, s.later = r.mac, true
	} else {
		r.time = s.time
	}
	header, _ := dnswire.ParseHeader(msg)
	header.ARCount++
	header.Put(msg)
	return s.append(msg, &r)
}

func (s *Signature) append(msg []byte, r *record) []byte {
	msg = append(msg, s.name...)
	msg = dnswire.AppendFixed(msg, dnswire.TypeTSIG, dnswire.ClassANY, 0, len(s.algorithm)+16+len(r.mac)+len(r.other))
	msg = append(msg, s.algorithm...)
	msg = appendTimers(msg, r)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.mac)))
	msg = append(msg, r.mac...)
	msg = binary.BigEndian.AppendUint16(msg, r.id)
	msg = binary.BigEndian.AppendUint16(msg, r.err)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(r.other)))
	return append(msg, r.other...)
}

// Request returns the Signature of a new exchange: Sign signs the request, and Check
// checks the answer.
func (k *Key) Request() *Signature {
	return &Signature{Key: k, name: k.name, algorithm: k.algorithm}
}

// Check checks an answer, whose TSIG record begins at an offset. It returns an error
// if the answer is not signed correctly.
func (s *Signature) Check(msg []byte, at int, now int64) error {
	r := record{counted: true}
	if at < dnswire.HeaderLen || !r.parse(msg, at) {
		return errors.New("tsig: the answer is not signed")
	}
	k := s.Key
	switch {
	case string(dnswire.Lowered(r.name)) != k.name || string(dnswire.Lowered(r.algorithm)) != k.algorithm:
		return errors.New("tsig: the answer is signed by another key")
	case r.err != 0 && len(r.mac) == 0:
		return fmt.Errorf("tsig: the server did not accept the signature: error %d", r.err)
	case len(r.mac) != k.macLen || !hmac.Equal(r.mac, k.sum(s.mac, msg[:at], &r, false)):
		return errors.New("tsig: the signature of the answer is wrong")
	case r.err != 0:
		return fmt.Errorf("tsig: the server did not accept the signature: error %d", r.err)
	case distance(now, r.time) > uint64(r.fudge):
		return errors.New("tsig: the clocks differ by too much")
	}
	return nil
}
