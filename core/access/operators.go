package access

import (
	"encoding/base64"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/arn"
)

// operator is one of the condition operators, without IfExists and set
// qualifier.
type operator struct {
	// negated operators hold when no value matches, and when there is no key.
	negated bool
	// read compiles a value of the policy.
	read func(c *conditionReader, text string) (operand, error)
}

// operand is one compiled value of a condition.
type operand interface {
	// matches compares with a value of the request. The second result is false
	// if the operand has a variable without a value.
	matches(e *evaluation, value string) (ok, resolved bool)
}

// operators is the table of "IAM JSON policy elements: Condition operators".
// Null is not in it; see condition.go.
func operators(name string) (operator, bool) {
	stringly := func(negated, wildcards, fold bool) (operator, bool) {
		return operator{negated, func(c *conditionReader, text string) (operand, error) {
			p, err := compilePattern(c.path, text, options{wildcards, c.variables, fold, c.catalog})
			return &stringOperand{p}, err
		}}, true
	}
	arn := func(negated bool) (operator, bool) { return operator{negated, readARN}, true }
	if cmp, negated, ok := comparison(name, "Numeric"); ok {
		return operator{negated, func(c *conditionReader, text string) (operand, error) { return readNumber(c, text, cmp) }}, true
	}
	if cmp, negated, ok := comparison(name, "Date"); ok {
		return operator{negated, func(c *conditionReader, text string) (operand, error) { return readDate(c, text, cmp) }}, true
	}
	switch name {
	case "StringEquals":
		return stringly(false, false, false)
	case "StringNotEquals":
		return stringly(true, false, false)
	case "StringEqualsIgnoreCase":
		return stringly(false, false, true)
	case "StringNotEqualsIgnoreCase":
		return stringly(true, false, true)
	case "StringLike":
		return stringly(false, true, false)
	case "StringNotLike":
		return stringly(true, true, false)
	case "ArnEquals", "ArnLike": // the two are the same
		return arn(false)
	case "ArnNotEquals", "ArnNotLike":
		return arn(true)
	case "Bool":
		return operator{false, readBool}, true
	case "BinaryEquals":
		return operator{false, readBinary}, true
	case "IpAddress":
		return operator{false, readPrefix}, true
	case "NotIpAddress":
		return operator{true, readPrefix}, true
	}
	return operator{}, false
}

// comparison finds the six comparisons that numbers and dates have.
func comparison(name, family string) (accepts func(int) bool, negated, ok bool) {
	rest, ok := strings.CutPrefix(name, family)
	if !ok {
		return nil, false, false
	}
	switch rest {
	case "Equals":
		return func(c int) bool { return c == 0 }, false, true
	case "NotEquals":
		return func(c int) bool { return c == 0 }, true, true
	case "LessThan":
		return func(c int) bool { return c < 0 }, false, true
	case "LessThanEquals":
		return func(c int) bool { return c <= 0 }, false, true
	case "GreaterThan":
		return func(c int) bool { return c > 0 }, false, true
	case "GreaterThanEquals":
		return func(c int) bool { return c >= 0 }, false, true
	}
	return nil, false, false
}

type stringOperand struct{ pattern }

func (o *stringOperand) matches(e *evaluation, value string) (bool, bool) {
	p, ok := o.resolve(e)
	return ok && p.match(value), ok
}

// arnOperand compares the six parts of an ARN each by itself.
type arnOperand struct {
	any   bool // the pattern is a lone *
	parts [6]pattern
}

func readARN(c *conditionReader, text string) (operand, error) {
	if text == "*" {
		return &arnOperand{any: true}, nil
	}
	parts := splitARN(text)
	if parts == nil {
		return nil, syntaxErr(c.path, "%q is not an ARN", truncate(text))
	}
	o := new(arnOperand)
	for i, part := range parts {
		p, err := compilePattern(c.path, part, options{true, c.variables, false, c.catalog})
		if err != nil {
			return nil, err
		}
		o.parts[i] = p
	}
	return o, nil
}

// splitARN cuts at the first five colons that are not inside a variable.
func splitARN(s string) []string {
	var parts []string
	start, depth := 0, 0
	for i := 0; i < len(s) && len(parts) < 5; i++ {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			depth = 1
		case s[i] == '}':
			depth = 0
		case s[i] == ':' && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	if len(parts) < 5 {
		return nil
	}
	return append(parts, s[start:])
}

func (o *arnOperand) matches(e *evaluation, value string) (bool, bool) {
	if o.any {
		return true, true
	}
	a, match := arn.Parse(value)
	parts := [6]string{"arn", a.Partition, a.Service, a.Region, string(a.Account), a.Resource}
	for i := range o.parts {
		p, ok := o.parts[i].resolve(e)
		if !ok {
			return false, false
		}
		match = match && p.match(parts[i])
	}
	return match, true
}

type numberOperand struct {
	number  float64
	accepts func(int) bool
}

func readNumber(c *conditionReader, text string, accepts func(int) bool) (operand, error) {
	n, ok := parseNumber(text)
	if !ok {
		return nil, syntaxErr(c.path, "%q is not a number", truncate(text))
	}
	return &numberOperand{n, accepts}, nil
}

func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false // ParseFloat takes names and base 16 too
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

func (o *numberOperand) matches(_ *evaluation, value string) (bool, bool) {
	n, ok := parseNumber(value)
	if !ok {
		return false, true
	}
	return o.accepts(compare(n, o.number)), true
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

type dateOperand struct {
	date    time.Time
	accepts func(int) bool
}

func readDate(c *conditionReader, text string, accepts func(int) bool) (operand, error) {
	t, ok := parseDate(text)
	if !ok {
		return nil, syntaxErr(c.path, "%q is not a date of ISO 8601 such as 2026-04-01T00:00:00Z, nor a number of seconds since 1970", truncate(text))
	}
	return &dateOperand{t, accepts}, nil
}

// parseDate takes the W3C profile of ISO 8601, as the user guide says, and
// seconds since 1970. A year alone counts as a year.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds < -1<<40 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}

func (o *dateOperand) matches(_ *evaluation, value string) (bool, bool) {
	t, ok := parseDate(value)
	return ok && o.accepts(t.Compare(o.date)), true
}

type boolOperand bool

func readBool(c *conditionReader, text string) (operand, error) {
	switch strings.ToLower(text) {
	case "true":
		return boolOperand(true), nil
	case "false":
		return boolOperand(false), nil
	}
	return nil, syntaxErr(c.path, "%q is neither true nor false", truncate(text))
}

func (o boolOperand) matches(_ *evaluation, value string) (bool, bool) {
	return strings.EqualFold(value, strconv.FormatBool(bool(o))), true
}

type binaryOperand string

func readBinary(c *conditionReader, text string) (operand, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, syntaxErr(c.path, "%q is not base 64", truncate(text))
	}
	return binaryOperand(raw), nil
}

func (o binaryOperand) matches(_ *evaluation, value string) (bool, bool) {
	raw, err := base64.StdEncoding.DecodeString(value)
	return err == nil && string(raw) == string(o), true
}

type prefixOperand netip.Prefix

func readPrefix(c *conditionReader, text string) (operand, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return prefixOperand(p.Masked()), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return nil, syntaxErr(c.path, "%q is not an IP address or a block of them such as 192.0.2.0/24", truncate(text))
	}
	return prefixOperand(netip.PrefixFrom(addr, addr.BitLen())), nil
}

// matches takes an IPv4 address that came in IPv6's form for what it is.
func (o prefixOperand) matches(_ *evaluation, value string) (bool, bool) {
	addr, err := netip.ParseAddr(value)
	return err == nil && netip.Prefix(o).Contains(addr.Unmap().WithZone("")), true
}
