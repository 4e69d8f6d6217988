package registry

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// encodedPrefix begins labels that are not the text of the id itself.
const encodedPrefix = "x--"

// HostLabels returns the labels of the host of an instance in wire form, without
// the name of the service that follows them: SRV records point to this name. It
// returns false if a label of the id is longer than 63 octets.
//
// Dots in the id separate labels. A label of letters, digits, underscores and inner
// hyphens is used as it is. Others are encoded, since resolvers ignore answers with
// targets that are not host names (golang.org/issue/10631): "x--", and then each
// other octet, and each hyphen, as a hyphen and two hexadecimal digits. An encoded
// label that is too long is "x--h" and a hash; an empty label is "x--0". Different
// ids never have the same labels, except for the case of letters.
func (id InstanceID) HostLabels() (string, bool) {
	b := make([]byte, 0, len(id)+2)
	ok := true
	for label := range strings.SplitSeq(string(id), ".") {
		ok = ok && len(label) <= maxLabel
		label = hostLabel(label)
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	return string(b), ok
}

// maxLabel and maxWireName are limits of RFC 1035 section 2.3.4, for wire form.
const (
	maxLabel    = 63
	maxWireName = 255
)

func hostLabel(label string) string {
	if label == "" {
		return encodedPrefix + "0"
	}
	if isHostLabel(label) {
		return label
	}
	b := []byte(encodedPrefix)
	for i := range len(label) {
		if c := label[i]; isHostOctet(c) {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, "-%02x", c)
		}
	}
	if len(b) > maxLabel {
		return fmt.Sprintf("%sh%x", encodedPrefix, sha256.Sum256([]byte(label)))[:maxLabel]
	}
	return string(b)
}

// isHostLabel reports whether a label can be used as it is.
func isHostLabel(label string) bool {
	if len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' ||
		len(label) >= len(encodedPrefix) && strings.EqualFold(label[:len(encodedPrefix)], encodedPrefix) {
		return false
	}
	for i := range len(label) {
		if c := label[i]; !isHostOctet(c) && c != '-' {
			return false
		}
	}
	return true
}

// isHostOctet reports whether an octet can be in a label. The underscore is in no
// name of RFC 952, but in names of SRV records, and resolvers accept it.
func isHostOctet(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// hostNameProblem returns why an SRV record cannot point to the name of the
// instance (RFC 1035 section 2.3.4), or "". Limits count octets; escapes in the text
// form do not count.
func hostNameProblem(ns *Namespace, svc *Service, id InstanceID) string {
	if !svc.DNS.Has(RecordSRV) {
		return ""
	}
	labels, ok := id.HostLabels()
	if !ok {
		return "with SRV records it is a label of a host name, which has at most 63 octets"
	}
	if len(labels)+1+len(svc.Name)+1+len(ns.Name)+1 > maxWireName {
		return "with SRV records it is part of a host name, which has at most 253 octets"
	}
	return ""
}
