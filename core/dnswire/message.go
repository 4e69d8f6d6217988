package dnswire

import "encoding/binary"

// HeaderLen is the length of a message's header.
const HeaderLen = 12

// Bits of Header.Flags: RFC 1035 section 4.1.1, RFC 4035 section 3.
const (
	FlagQR = 1 << 15 // response
	FlagAA = 1 << 10 // authoritative answer
	FlagTC = 1 << 9  // truncated
	FlagRD = 1 << 8  // recursion desired
	FlagRA = 1 << 7  // recursion available
	FlagAD = 1 << 5  // authentic data
	FlagCD = 1 << 4  // checking disabled

	OpcodeMask   = 0xf << 11
	OpcodeQuery  = 0 << 11
	OpcodeNotify = 4 << 11 // RFC 1996
	OpcodeUpdate = 5 << 11 // RFC 2136

	RcodeMask = 0xf
)

// Header is the header of a message, with the field names of RFC 1035 section
// 4.1.1.
type Header struct {
	ID    uint16
	Flags uint16
	// QDCount, ANCount, NSCount and ARCount are the numbers of questions and of
	// records in the answer, authority and additional sections.
	QDCount, ANCount, NSCount, ARCount uint16
}

// ParseHeader reads the header of a message. It returns false if the message is
// shorter than that.
func ParseHeader(msg []byte) (Header, bool) {
	if len(msg) < HeaderLen {
		return Header{}, false
	}
	return Header{
		ID:      binary.BigEndian.Uint16(msg),
		Flags:   binary.BigEndian.Uint16(msg[2:]),
		QDCount: binary.BigEndian.Uint16(msg[4:]),
		ANCount: binary.BigEndian.Uint16(msg[6:]),
		NSCount: binary.BigEndian.Uint16(msg[8:]),
		ARCount: binary.BigEndian.Uint16(msg[10:]),
	}, true
}

// Put writes the header over the first HeaderLen octets of a message, which must
// have so many.
func (h Header) Put(msg []byte) {
	_ = msg[HeaderLen-1]
	binary.BigEndian.PutUint16(msg, h.ID)
	binary.BigEndian.PutUint16(msg[2:], h.Flags)
	binary.BigEndian.PutUint16(msg[4:], h.QDCount)
	binary.BigEndian.PutUint16(msg[6:], h.ANCount)
	binary.BigEndian.PutUint16(msg[8:], h.NSCount)
	binary.BigEndian.PutUint16(msg[10:], h.ARCount)
}

// Append appends the header.
func (h Header) Append(b []byte) []byte {
	b = append(b, make([]byte, HeaderLen)...)
	h.Put(b[len(b)-HeaderLen:])
	return b
}

// Records returns the number of records in all sections.
func (h Header) Records() int { return int(h.ANCount) + int(h.NSCount) + int(h.ARCount) }

// Question is an entry of the question section.
type Question struct {
	Name        []byte // points into the message, in its case
	Type, Class uint16
	End         int // offset of what follows
}

// ParseQuestion reads the question at an offset. It returns false if the question
// is malformed or its name is compressed: nothing stands before the first
// question that it could point to.
func ParseQuestion(msg []byte, at int) (Question, bool) {
	if at < 0 || at > len(msg) {
		return Question{}, false
	}
	n := NameLen(msg[at:])
	end := at + n
	if n < 0 || len(msg)-end < 4 {
		return Question{}, false
	}
	return Question{
		Name:  msg[at:end:end],
		Type:  binary.BigEndian.Uint16(msg[end:]),
		Class: binary.BigEndian.Uint16(msg[end+2:]),
		End:   end + 4,
	}, true
}

// AppendQuestion appends a question. The name is in wire form.
func AppendQuestion[T string | []byte](b []byte, name T, qtype, qclass uint16) []byte {
	b = append(b, name...)
	b = binary.BigEndian.AppendUint16(b, qtype)
	return binary.BigEndian.AppendUint16(b, qclass)
}
