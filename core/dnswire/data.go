package dnswire

// Other types whose data holds names, see layout.
const (
	typeMD    = 3
	typeMF    = 4
	typeMB    = 7
	typeMG    = 8
	typeMR    = 9
	typeMINFO = 14
	typeRP    = 17
	typeAFSDB = 18
	typeRT    = 21
	typeSIG   = 24
	typePX    = 26
	typeNXT   = 30
	typeNAPTR = 35
	typeKX    = 36
)

// layout returns which fields the data of a type has: n is a name that may be
// compressed, s a character string, a digit that many octets, and * the rest.
//
// These are the types of RFC 1035 and those that RFC 3597 section 4 adds. Names in the data
// of all later types, known or not, are not compressed, and the canonical form does not
// change them (RFC 3597 section 7, RFC 6840 section 5.1). The signer's name of RRSIG
// records would change; it is written in lower case.
func layout(rrtype uint16) string {
	switch rrtype {
	case TypeA:
		return "4"
	case TypeAAAA:
		return "88"
	case TypeNS, typeMD, typeMF, TypeCNAME, typeMB, typeMG, typeMR, TypePTR, TypeDNAME:
		return "n"
	case typeMINFO, typeRP:
		return "nn"
	case TypeSOA:
		return "nn44444"
	case TypeMX, typeAFSDB, typeRT, typeKX:
		return "2n"
	case typePX:
		return "2nn"
	case TypeSRV:
		return "222n"
	case typeNAPTR:
		return "22sssn"
	case typeSIG:
		return "99n*"
	case typeNXT:
		return "n*"
	default:
		return "*"
	}
}

// AppendFullData appends a record's data with the names in it written in full. It
// returns false if the data is malformed for its type.
func AppendFullData(b, msg []byte, r *Record) ([]byte, bool) {
	start, at := len(b), r.Data
	for _, field := range layout(r.Type) {
		n := 0
		switch field {
		case 'n':
			var end int
			if b, end = AppendFullName(b, msg, at); end < 0 || end > r.End {
				return b[:start], false
			}
			at = end
			continue
		case 's':
			if at >= r.End {
				return b[:start], false
			}
			n = 1 + int(msg[at])
		case '*':
			n = r.End - at
		default:
			n = int(field - '0')
		}
		if n > r.End-at {
			return b[:start], false
		}
		b = append(b, msg[at:at+n]...)
		at += n
	}
	return b, at == r.End && len(b)-start <= 1<<16-1
}

// LowerData converts the names in a record's data to lower case in place, which
// is the canonical form of the data: RFC 4034 section 6.2. The names must not be
// compressed; data that is malformed is left as it is from there on.
func LowerData(rrtype uint16, data []byte) {
	for _, field := range layout(rrtype) {
		n := 0
		switch field {
		case 'n':
			if n = NameLen(data); n < 0 {
				return
			}
			Lower(data[:n])
		case 's':
			if len(data) == 0 {
				return
			}
			n = 1 + int(data[0])
		case '*':
			return
		default:
			n = int(field - '0')
		}
		if n > len(data) {
			return
		}
		data = data[n:]
	}
}
