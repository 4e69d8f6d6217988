package rdata_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/rdata"
)

// Data that dig and BIND refuse to read is refused in new records.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		rtype, value string
		ok           bool
	}{
		{"DS", "1 13 1 " + strings.Repeat("ab", 20), true},
		{"DS", "1 13 2 " + strings.Repeat("ab", 32), true},
		{"DS", "1 13 2 " + strings.Repeat("ab", 20), false},
		{"DS", "1 13 2 ab", false},
		{"DS", "1 13 4 " + strings.Repeat("ab", 48), true},
		{"DS", "1 13 200 ab", true}, // not known
		{"SSHFP", "4 1 " + strings.Repeat("ab", 20), true},
		{"SSHFP", "4 2 " + strings.Repeat("ab", 32), true},
		{"SSHFP", "1 1 ab", false},
		{"SSHFP", "1 9 ab", true},
		{"NAPTR", `100 10 "S" "SIP+D2U" "" _sip._udp.example.com.`, true},
		{"NAPTR", `100 50 "u" "E2U+sip" "!^(\\+441632960083)$!sip:\\1@example.com!" .`, true},
		{"NAPTR", `100 50 "u" "E2U+sip" "/a\\/b/c/i" .`, true},
		{"NAPTR", `100 50 "u" "E2U+sip" "!a!b!x" .`, false},
		{"NAPTR", `100 50 "u" "E2U+sip" "!a!b" .`, false},
		{"NAPTR", `100 50 "u" "E2U+sip" "x" .`, false},
		{"NAPTR", `100 50 "u" "E2U+sip" "1a1b1" .`, false},
		{"A", "192.0.2.1", true},
	} {
		rtype, _ := rdata.Type(test.rtype)
		data, err := rdata.Octal.Parse(rtype, test.value)
		if err != nil {
			t.Errorf("%s %s: %v", test.rtype, test.value, err)
			continue
		}
		if err := rdata.Check(rtype, data); (err == nil) != test.ok {
			t.Errorf("%s %s: %v", test.rtype, test.value, err)
		}
		for n := range len(data) { // no panic
			_ = rdata.Check(rtype, data[:n])
		}
	}
}
