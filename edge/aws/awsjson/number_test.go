package awsjson

import (
	"math/big"
	"regexp"
	"testing"
)

func TestInt64(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"-0", 0, true},
		{"-0.0e5", 0, true},
		{"0e999999999999999999999999", 0, true},
		{"7", 7, true},
		{"-7", -7, true},
		{"100.0", 100, true},
		{"1e2", 100, true},
		{"1E+2", 100, true},
		{"100e-2", 1, true},
		{"1.50e1", 15, true},
		{"0.001e3", 1, true},
		{"12.5e1", 125, true},
		{"9223372036854775807", 9223372036854775807, true},
		{"-9223372036854775808", -9223372036854775808, true},
		{"922337203685477580.7e1", 9223372036854775807, true},
		{"9223372036854775808", 0, false},
		{"-9223372036854775809", 0, false},
		{"1e19", 0, false},
		{"10000000000000000000000", 0, false},
		{"1e18446744073709551617", 0, false},
		{"1e-18446744073709551617", 0, false},
		{"1.5", 0, false},
		{"1e-1", 0, false},
		{"0.1", 0, false},
	} {
		r := NewReader([]byte(test.text))
		got := r.Int64()
		if err := r.End(); got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: got %d, %v; want %d, ok %v", test.text, got, err, test.want, test.ok)
		}
	}
}

// FuzzInt64 compares with arithmetic on fractions of unlimited size.
func FuzzInt64(f *testing.F) {
	for _, seed := range []string{"0", "-1.20e1", "9223372036854775807", "92233720368547758080e-1", "-9223372036854775808", "1e19", "0.0000e-3"} {
		f.Add(seed)
	}
	number := regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)
	f.Fuzz(func(t *testing.T, text string) {
		if !number.MatchString(text) || len(text) > maxNumberLength {
			return
		}
		exact, _ := new(big.Rat).SetString(text)
		fits := exact.IsInt() && exact.Num().IsInt64()

		r := NewReader([]byte(text))
		got := r.Int64()
		switch err := r.End(); {
		case (err == nil) != fits:
			t.Fatalf("%s: error %v, but it fits: %v", text, err, fits)
		case fits && got != exact.Num().Int64():
			t.Fatalf("%s: got %d", text, got)
		}
	})
}
