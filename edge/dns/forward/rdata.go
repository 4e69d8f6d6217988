package forward

import "github.com/miekg/dns"

// A layout says where in a record's data names stand, for they may be
// compressed: n is a name, s a character string, a digit that many octets, and
// * the rest.
//
// These are the types of RFC 1035 and those that RFC 3597 section 4 adds. In
// all later ones names are never compressed, so their data is copied as it is,
// known or not.
func layout(rrtype uint16) string {
	switch rrtype {
	case dns.TypeA:
		return "4"
	case dns.TypeAAAA:
		return "88"
	case dns.TypeNS, dns.TypeMD, dns.TypeMF, dns.TypeCNAME, dns.TypeMB, dns.TypeMG, dns.TypeMR,
		dns.TypePTR, dns.TypeDNAME:
		return "n"
	case dns.TypeMINFO, dns.TypeRP:
		return "nn"
	case dns.TypeSOA:
		return "nn44444"
	case dns.TypeMX, dns.TypeAFSDB, dns.TypeRT, dns.TypeKX:
		return "2n"
	case dns.TypePX:
		return "2nn"
	case dns.TypeSRV:
		return "222n"
	case dns.TypeNAPTR:
		return "22sssn"
	case dns.TypeSIG:
		return "99n*"
	case dns.TypeNXT:
		return "n*"
	default:
		return "*"
	}
}

// data reads a record's data, which ends at end, and takes the compression out
// of it.
func (p *parser) data(rrtype uint16, end int) ([]byte, bool) {
	data, ok := []byte(nil), true
	for _, field := range layout(rrtype) {
		switch field {
		case 'n':
			if data, ok = p.appendName(data); !ok {
				return nil, false
			}
		case 's':
			if p.at >= end {
				return nil, false
			}
			data, ok = p.copy(data, 1+int(p.raw[p.at]), end)
		case '*':
			data, ok = p.copy(data, end-p.at, end)
		default:
			data, ok = p.copy(data, int(field-'0'), end)
		}
		if !ok || len(data) > 1<<16-1 {
			return nil, false
		}
	}
	return data, true
}

// copy appends the next n octets, which must not reach beyond end.
func (p *parser) copy(to []byte, n, end int) ([]byte, bool) {
	if n < 0 || p.at+n > end {
		return nil, false
	}
	to = append(to, p.raw[p.at:p.at+n]...)
	p.at += n
	return to, true
}
