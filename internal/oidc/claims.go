package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Claims are the claims of a token that are used here.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string

	expires, notBefore time.Time // zero: there is none
}

// readClaims reads a payload. Names are compared exactly, and a name that comes
// twice is an error (RFC 7519 section 4): otherwise two readers of one token could
// see two subjects.
func readClaims(payload []byte) (*Claims, error) {
	members, err := readMembers(payload)
	if err != nil {
		return nil, err
	}
	c := new(Claims)
	for name, to := range map[string]any{"iss": &c.Issuer, "sub": &c.Subject} {
		if raw, ok := members[name]; ok && json.Unmarshal(raw, to) != nil {
			return nil, fmt.Errorf("oidc: the claim %s is not a string", name)
		}
	}
	if c.Audience, err = readAudience(members["aud"]); err != nil {
		return nil, err
	}
	for name, to := range map[string]*time.Time{"exp": &c.expires, "nbf": &c.notBefore} {
		if *to, err = readTime(members[name]); err != nil {
			return nil, fmt.Errorf("oidc: the claim %s is not a number of seconds", name)
		}
	}
	return c, nil
}

// readMembers reads the members of a JSON object.
func readMembers(text []byte) (map[string]json.RawMessage, error) {
	malformed := errors.New("oidc: the payload of the token is not a JSON object")
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, malformed
		}
		key := name.(string) // the decoder accepts nothing else here
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("oidc: the token has the claim %.40q twice", key)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, malformed
		}
		members[key] = value
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, malformed
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, malformed
	}
	return members, nil
}

// readAudience reads one string or a list of them (RFC 7519 section 4.1.3).
func readAudience(raw json.RawMessage) ([]string, error) {
	if raw == nil {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		return nil, errors.New("oidc: the claim aud is neither a string nor a list of strings")
	}
	return all, nil
}

// readTime reads seconds since 1970, which may have a fraction.
func readTime(raw json.RawMessage) (time.Time, error) {
	if raw == nil {
		return time.Time{}, nil
	}
	const limit = 1 << 40 // 34,000 years; more would overflow a time.Time
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err != nil {
		return time.Time{}, err
	}
	return time.Unix(int64(max(-limit, min(seconds, limit))), 0), nil
}
