// Package floattext reads and writes floating-point numbers as text in the form
// of AWS's protocols, where NaN, Infinity and -Infinity are numbers too.
package floattext

import (
	"math"
	"strconv"
	"strings"
)

// Parse reads a number, and reports whether text is one.
func Parse(text string) (float64, bool) {
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	if strings.Trim(text, "0123456789.eE+-") != "" {
		return 0, false // strconv also reads hexadecimal, underscores and "inf"
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// Append appends a number as Parse reads it.
func Append(b []byte, n float64) []byte {
	switch {
	case math.IsNaN(n):
		return append(b, "NaN"...)
	case math.IsInf(n, 1):
		return append(b, "Infinity"...)
	case math.IsInf(n, -1):
		return append(b, "-Infinity"...)
	}
	return strconv.AppendFloat(b, n, 'g', -1, 64)
}
