package dns

import "encoding/binary"

// Transport is how a query came in.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
	TLS   // RFC 7858
	HTTPS // RFC 8484
	transports
)

func (t Transport) String() string { return [...]string{"udp", "tcp", "tls", "https"}[t] }

// encrypted transports are worth padding for.
func (t Transport) encrypted() bool { return t == TLS || t == HTTPS }

// Types of records, by RFC 1035, 3596, 2782, 6891, 8945 and 5936.
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typeSOA   = 6
	typeHINFO = 13
	typeTXT   = 16
	typeAAAA  = 28
	typeSRV   = 33
	typeOPT   = 41
	typeTKEY  = 249
	typeTSIG  = 250
	typeIXFR  = 251
	typeAXFR  = 252
	typeMAILB = 253
	typeMAILA = 254
	typeANY   = 255
)

const (
	classIN  = 1
	classCH  = 3
	classANY = 255
)

// Response codes, by RFC 1035, 6891, 7873 and 8945.
const (
	rcodeNoError   = 0
	rcodeFormErr   = 1
	rcodeServFail  = 2
	rcodeNXDomain  = 3
	rcodeNotImp    = 4
	rcodeRefused   = 5
	rcodeNotAuth   = 9
	rcodeBadVers   = 16
	rcodeBadCookie = 23
	rcodes         = 24
)

// Bits of the second word of the header: RFC 1035 section 4.1.1, RFC 4035.
const (
	flagQR = 1 << 15
	flagAA = 1 << 10
	flagTC = 1 << 9
	flagRD = 1 << 8
	flagRA = 1 << 7
	flagCD = 1 << 4

	opcodeMask  = 0xf << 11
	opcodeQuery = 0
)

const (
	headerLen = 12
	// maxName is the greatest length of a name on the wire.
	maxName = 255
	// toQuestion points to the name in the question, which always stands at the
	// same place.
	toQuestion = 0xc000 | headerLen
	maxPointer = 0x3fff

	// Places in the header.
	atFlags   = 2
	atQDCount = 4
	atANCount = 6
	atNSCount = 8
	atARCount = 10
)

func get16(b []byte) uint16           { return binary.BigEndian.Uint16(b) }
func put16(b []byte, v uint16)        { binary.BigEndian.PutUint16(b, v) }
func add16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }
func add32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func add64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }
