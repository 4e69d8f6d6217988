package dnswire

import "encoding/binary"

// FixedLen is the length of the part of a record between its name and its data:
// type, class, TTL and length.
const FixedLen = 10

// Record is the place of a resource record in a message and its fixed part.
// Start, Data and End are offsets: the name is at Start, the data goes from Data
// to End. The fixed part is in the FixedLen octets before Data.
type Record struct {
	Type, Class      uint16
	TTL              uint32
	Start, Data, End int
}

// ParseRecord reads the record at an offset. It returns false if the record is
// cut off. The name may be compressed, and what it points to is not read; neither
// is the data.
func ParseRecord(msg []byte, at int) (Record, bool) {
	end := SkipName(msg, at)
	if end < 0 || len(msg)-end < FixedLen {
		return Record{}, false
	}
	fixed := msg[end : end+FixedLen]
	r := Record{
		Type:  binary.BigEndian.Uint16(fixed),
		Class: binary.BigEndian.Uint16(fixed[2:]),
		TTL:   binary.BigEndian.Uint32(fixed[4:]),
		Start: at,
		Data:  end + FixedLen,
	}
	r.End = r.Data + int(binary.BigEndian.Uint16(fixed[8:]))
	return r, r.End <= len(msg)
}

// NameEnd returns the offset of the octet after the record's name.
func (r *Record) NameEnd() int { return r.Data - FixedLen }

// SkipRecords returns where n records end that begin at an offset, or -1 if one
// of them is cut off.
func SkipRecords(msg []byte, at, n int) int {
	for range n {
		if at = recordEnd(msg, SkipName(msg, at)); at < 0 {
			return -1
		}
	}
	return at
}

// SkipRecord returns where the record at an offset ends and where its name does, or -1
// if the record is cut off.
func SkipRecord(msg []byte, at int) (end, nameEnd int) {
	if at < len(msg) && msg[at] == 0 { // the root: every OPT record
		return recordEnd(msg, at+1), at + 1
	}
	name := SkipName(msg, at)
	return recordEnd(msg, name), name
}

// recordEnd returns where the record ends whose name ends at an offset, or -1.
func recordEnd(msg []byte, name int) int {
	if name < 0 || len(msg)-name < FixedLen {
		return -1
	}
	end := name + FixedLen + int(binary.BigEndian.Uint16(msg[name+FixedLen-2:]))
	if end > len(msg) {
		return -1
	}
	return end
}

// AppendFixed appends the fixed part of a record: what stands between its name
// and dataLen octets of data.
func AppendFixed(b []byte, rrtype, class uint16, ttl uint32, dataLen int) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(rrtype)<<48|uint64(class)<<32|uint64(ttl))
	return binary.BigEndian.AppendUint16(b, uint16(dataLen))
}

// OPTLen is the length of an OPT record without options.
const OPTLen = 1 + FixedLen

// FlagDO is the bit of an OPT record's TTL by which a client asks for DNSSEC
// records: RFC 3225.
const FlagDO = 1 << 15

// AppendOPT appends an OPT record without options: RFC 6891 section 6.1.2. size
// is the largest message over UDP that its sender takes, ttl has the upper bits
// of the response code, the version and the flags. The caller counts the record
// in the header.
func AppendOPT(b []byte, size uint16, ttl uint32) []byte {
	return AppendFixed(append(b, 0), TypeOPT, size, ttl, 0)
}
