package sigv4

import (
	"strings"
	"time"
)

// Claim is what a request says about its signature.
type Claim struct {
	AccessKeyID string
	// Region and Service are the credential's scope.
	Region, Service string
	// Token is the session token; empty for a long-lived key.
	Token string
	// Time is when the request was signed.
	Time time.Time
	// Presigned is set when the claim is in the query; Expires is how long
	// after Time it is good, then.
	Presigned bool
	Expires   time.Duration

	date          string // of the scope, YYYYMMDD
	stamp         string // Time as it is signed, in ISO 8601 basic form
	signedHeaders string // lower case, sorted, with semicolons
	signature     string // 64 digits of lower-case base 16
}

// Parse reads what a request claims. It looks at neither body nor clock.
func Parse(r *Request) (Claim, error) {
	auth := r.Header["Authorization"]
	inQuery := strings.Contains(r.RawQuery, "X-Amz-")
	var c Claim
	var err error
	switch {
	case len(auth) > 1:
		err = incomplete("The request has more than one Authorization header")
	case len(auth) == 1 && inQuery && hasParameter(r.RawQuery, "X-Amz-Signature"):
		err = incomplete("The request is signed both in the Authorization header and in the query; use one of the two")
	case len(auth) == 1:
		err = c.fromHeader(r, auth[0])
	case inQuery && (hasParameter(r.RawQuery, "X-Amz-Algorithm") || hasParameter(r.RawQuery, "X-Amz-Signature")):
		err = c.fromQuery(r)
	default:
		err = &Error{Kind: Missing, Message: "Missing Authentication Token"}
	}
	if err == nil {
		err = c.checkHeaders(r)
	}
	return c, err
}

// checkAlgorithm refuses every other algorithm by name, SigV4a among them.
func checkAlgorithm(name string) error {
	switch {
	case name == algorithm:
		return nil
	case strings.HasPrefix(name, "AWS4-ECDSA-"):
		return fail(Unsupported, "Unsupported AWS 'algorithm': '%s': asymmetric signatures (SigV4a) are not accepted; sign with %s", shown(name), algorithm)
	}
	return fail(Unsupported, "Unsupported AWS 'algorithm': '%s'; sign with %s", shown(name), algorithm)
}

// fromHeader reads the Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
func (c *Claim) fromHeader(r *Request, auth string) error {
	name, fields, _ := strings.Cut(auth, " ")
	if err := checkAlgorithm(name); err != nil {
		return err
	}
	credential, err := c.authorizationFields(fields)
	if err != nil {
		return err
	}
	if err := c.setCredential(credential); err != nil {
		return err
	}
	if c.Token, err = single(r, "X-Amz-Security-Token"); err != nil {
		return err
	}
	return c.timeFromHeader(r)
}

func (c *Claim) authorizationFields(fields string) (credential string, err error) {
	var seen [3]bool
	for len(fields) > 0 {
		var field string
		field, fields, _ = strings.Cut(fields, ",")
		name, value, ok := strings.Cut(strings.Trim(field, " \t"), "=")
		if !ok {
			return "", incomplete("Invalid key=value pair (missing equal-sign) in Authorization header")
		}
		n := -1
		switch name {
		case "Credential":
			n, credential = 0, value
		case "SignedHeaders":
			n, c.signedHeaders = 1, value
		case "Signature":
			n, c.signature = 2, value
		default:
			return "", incomplete("Authorization header has the unknown parameter '%s'", shown(name))
		}
		if seen[n] {
			return "", incomplete("Authorization header has more than one '%s' parameter", name)
		}
		seen[n] = true
	}
	for n, name := range [3]string{"Credential", "SignedHeaders", "Signature"} {
		if !seen[n] {
			return "", incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	return credential, c.checkSignature()
}

func (c *Claim) checkSignature() error {
	if len(c.signature) != 64 || strings.Trim(c.signature, "0123456789abcdef") != "" {
		return errMismatch()
	}
	return nil
}

// setCredential takes keyid/date/region/service/aws4_request apart.
func (c *Claim) setCredential(credential string) error {
	if strings.Count(credential, "/") != 4 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", shown(credential))
	}
	var term string
	c.AccessKeyID, term, _ = strings.Cut(credential, "/")
	c.date, term, _ = strings.Cut(term, "/")
	c.Region, term, _ = strings.Cut(term, "/")
	c.Service, term, _ = strings.Cut(term, "/")
	if term != terminator {
		return fail(Scope, "Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, shown(term))
	}
	if c.AccessKeyID == "" || len(c.AccessKeyID) > 128 {
		return incomplete("Credential has no usable access key id")
	}
	return nil
}

// timeFromHeader prefers X-Amz-Date over Date, as the specification says.
func (c *Claim) timeFromHeader(r *Request) error {
	stamp, err := single(r, "X-Amz-Date")
	if err != nil {
		return err
	}
	if stamp != "" {
		return c.setTime(stamp)
	}
	if stamp, err = single(r, "Date"); err != nil {
		return err
	}
	if stamp == "" {
		return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if !c.signs("date") {
		return incomplete("'Date' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if t, err := time.Parse(time.RFC1123, stamp); err == nil {
		stamp = t.UTC().Format(isoBasic)
	}
	return c.setTime(stamp)
}

// setTime takes the time of a request, which must be on the scope's date.
func (c *Claim) setTime(stamp string) error {
	t, err := time.Parse(isoBasic, stamp)
	if err != nil || len(stamp) != len(isoBasic) {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", shown(stamp))
	}
	c.Time, c.stamp = t, stamp
	if stamp[:8] != c.date {
		return fail(Scope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			shown(c.date), stamp[:8], stamp)
	}
	return nil
}

// single returns the value of a header that may be there once.
func single(r *Request, key string) (string, error) {
	switch values := r.Header[key]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", incomplete("The request has more than one %s header", key)
}
