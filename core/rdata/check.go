package rdata

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// digestSizes are the lengths in octets of the digest of a DS record by its type: RFC 4034
// section 5.1.4, RFC 5933, RFC 4509, RFC 6605.
var digestSizes = map[byte]int{1: 20, 2: 32, 3: 32, 4: 48}

// fingerprintSizes are the lengths in octets of the fingerprint of an SSHFP record by its
// type: RFC 4255 section 3.1.2, RFC 6594.
var fingerprintSizes = map[byte]int{1: 20, 2: 32}

// Check returns an error for data that has the fields of its type, but that resolvers and
// secondary servers refuse to read: a digest of a wrong length (DS, SSHFP) and a
// substitution that is not one (NAPTR). It is for new records. Parse accepts such data,
// because it may be in a store.
func Check(t uint16, data string) error {
	var problem string
	switch t {
	case dnswire.TypeDS:
		problem = checkSize("digest", digestSizes, data, 3)
	case dnswire.TypeSSHFP:
		problem = checkSize("fingerprint", fingerprintSizes, data, 1)
	case dnswire.TypeNAPTR:
		problem = checkSubstitution(data)
	}
	if problem == "" {
		return nil
	}
	return fail(TypeName(t)+"RRDATAInvalid", problem, Octal.Text(t, data))
}

// checkSize checks the length of what follows the octet of its type.
func checkSize(what string, sizes map[byte]int, data string, at int) string {
	if len(data) <= at {
		return "Value has too few fields"
	}
	size, known := sizes[data[at]]
	if have := len(data) - at - 1; known && have != size {
		return fmt.Sprintf("The %s of type %d has %d octets and must have %d", what, data[at], have, size)
	}
	return ""
}

// checkSubstitution checks the third text of NAPTR, a substitution: RFC 3402 section 3.2.
func checkSubstitution(data string) string {
	const afterNumbers = 4
	left := data[min(afterNumbers, len(data)):]
	var texts [3]string // flags, services, the substitution
	for i := range texts {
		if len(left) == 0 || len(left) < 1+int(left[0]) {
			return "Value has too few fields"
		}
		texts[i], left = left[1:1+int(left[0])], left[1+int(left[0]):]
	}
	s := texts[2]
	if s == "" {
		return ""
	}
	delimiter := s[0]
	if isDigit(delimiter) || strings.IndexByte("\\i\x00", delimiter) >= 0 {
		return "The substitution begins with a character that cannot be a delimiter"
	}
	parts := 0
	for i := 1; i < len(s); i++ {
		switch {
		case parts == 2:
			if s[i] != 'i' {
				return "The substitution can have the flag i only"
			}
		case s[i] == '\\':
			i++
		case s[i] == delimiter:
			parts++
		}
	}
	if parts != 2 {
		return "The substitution must be an expression and a replacement, each ended by the first character"
	}
	return ""
}
