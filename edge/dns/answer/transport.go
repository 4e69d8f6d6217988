package answer

import (
	"encoding/binary"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Transport is how a query arrived.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	TLS   // RFC 7858
	HTTPS // RFC 8484
	// Transports is the number of transports.
	Transports
)

func (t Transport) String() string { return [...]string{"udp", "tcp", "tls", "https"}[t] }

// encrypted reports whether padding is useful.
func (t Transport) encrypted() bool { return t == TLS || t == HTTPS }

const (
	headerLen = dnswire.HeaderLen
	maxName   = dnswire.MaxName
	// fixedLen is the length of a record with a pointer for its name and without
	// data.
	fixedLen = 12
	// srvFixed is the length of what precedes the target in the data of an SRV
	// record: RFC 2782.
	srvFixed = 6

	// Offsets of the flags and counts in the header: RFC 1035 section 4.1.1.
	flagsAt   = 2
	qdCountAt = 4
	anCountAt = 6
	nsCountAt = 8
	arCountAt = 10
)

func get16(b []byte) uint16           { return binary.BigEndian.Uint16(b) }
func put16(b []byte, v uint16)        { binary.BigEndian.PutUint16(b, v) }
func add16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }
func add32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func add64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }
