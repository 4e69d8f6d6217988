package answer

import "net/netip"

// Options of EDNS, by their RFCs.
const (
	optionNSID      = 3  // RFC 5001
	optionSubnet    = 8  // RFC 7871
	optionCookie    = 10 // RFC 7873
	optionKeepalive = 11 // RFC 7828
	optionPadding   = 12 // RFC 7830
)

// edns is the content of the OPT record of a query: RFC 6891.
type edns struct {
	present bool
	do      bool // RFC 3225
	flags   byte // the first octet of them, with DO
	version uint8
	size    int // of the largest answer over UDP

	cookie    []byte // client's, and the server's if it came; nil: none
	subnet    subnet
	nsid      bool
	keepalive bool
	padding   bool
}

// subnet is the network of the client as sent by its resolver: RFC 7871.
type subnet struct {
	raw    []byte // the option as it came; nil: none
	prefix netip.Prefix
	scope  uint8 // for the answer
}

// parse reads an OPT record from its class on into the zero value. It is false if the
// record is malformed. Unknown options are ignored: RFC 6891 section 6.1.2.
func (e *edns) parse(b []byte, flags uint16) bool {
	e.present, e.size, e.version = true, int(get16(b)), b[3]
	e.do, e.flags = b[4]&0x80 != 0, b[4]
	if e.version != 0 {
		return true // the options are not ours to understand
	}
	for b = b[8:]; len(b) > 0; {
		if len(b) < 4 {
			return false
		}
		code, n := get16(b), int(get16(b[2:]))
		if n > len(b)-4 || !e.option(code, b[4:4+n]) {
			return false
		}
		b = b[4+n:]
	}
	return true
}

// compact reports whether the client knows compact denial of existence: RFC 9824
// section 5.1.
func (e *edns) compact() bool { return e.flags&0x40 != 0 }

func (e *edns) option(code uint16, data []byte) bool {
	switch code {
	case optionNSID:
		e.nsid = true
	case optionSubnet:
		return e.subnet.parse(data)
	case optionCookie:
		// RFC 7873 section 5.2.2. A second one is ignored.
		if n := len(data); n != 8 && (n < 16 || n > 40) {
			return false
		}
		if e.cookie == nil {
			e.cookie = data
		}
	case optionKeepalive:
		// RFC 7828 section 3.2.1: a client sends no timeout. A wrong one is not
		// worth a refusal over UDP, where the option is ignored anyway.
		e.keepalive = len(data) == 0
	case optionPadding:
		e.padding = true
	}
	return true
}

// parse reads the option: RFC 7871 section 6. A malformed option is answered with FORMERR:
// section 7.1.2.
func (s *subnet) parse(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	family, source, scope, addr := get16(data), int(data[2]), data[3], data[4:]
	if family == 0 && source == 0 && scope == 0 && len(addr) == 0 {
		*s = subnet{raw: data} // BIND's way to ask for no subnet to be used
		return true
	}
	bits := addressBits(family)
	if bits == 0 || source > bits || scope != 0 || len(addr) != (source+7)/8 {
		return false
	}
	if rest := source % 8; rest != 0 && addr[len(addr)-1]<<rest != 0 {
		return false // bits beyond the prefix must be zero
	}
	var full [16]byte
	copy(full[:], addr)
	ip := netip.AddrFrom16(full)
	if bits == 32 {
		ip = netip.AddrFrom4([4]byte(full[:4]))
	}
	*s = subnet{raw: data, prefix: netip.PrefixFrom(ip, source)}
	return true
}

// addressBits returns the length of an address of a family, or 0 if the family is
// not known.
func addressBits(family uint16) int {
	switch family {
	case 1:
		return 32
	case 2:
		return 128
	}
	return 0
}
