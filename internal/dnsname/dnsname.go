// Package dnsname steps over names in DNS messages: RFC 1035 section 4.1.4.
package dnsname

// Skip returns where the name at an offset ends, which may be compressed, or -1
// if there is no whole one. Where a compressed name leads to is not looked at.
func Skip(msg []byte, at int) int {
	for at < len(msg) {
		switch n := int(msg[at]); {
		case n == 0:
			return at + 1
		case n < 64:
			at += 1 + n
		case n >= 0xc0 && at+2 <= len(msg):
			return at + 2
		default:
			return -1
		}
	}
	return -1
}
