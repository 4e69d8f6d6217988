package sigv4

import (
	"slices"
	"strings"
	"time"
)

// Check tells whether the claim can be good at all: whether its scope is this
// region and service, and its time within the window. It costs nothing, so it
// comes before the body is read.
func (c *Claim) Check(region, service string, now time.Time) error {
	if c.Region != region {
		return fail(Scope, "Credential should be scoped to a valid region, not '%s'.", shown(c.Region))
	}
	if c.Service != service {
		return fail(Scope, "Credential should be scoped to correct service: '%s'.", service)
	}
	return c.checkTime(now.UTC())
}

// checkTime words refusals as AWS does; SDKs correct their clocks by the code
// and the Date header of the answer.
func (c *Claim) checkTime(now time.Time) error {
	if latest := now.Add(window); c.Time.After(latest) {
		return fail(NotYet, "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			c.stamp, latest.Format(isoBasic), now.Format(isoBasic))
	}
	if c.Presigned {
		if end := c.Time.Add(c.Expires); now.After(end) {
			return fail(Expired, "Signature expired: %s is now earlier than %s", end.Format(isoBasic), now.Format(isoBasic))
		}
		return nil
	}
	if earliest := now.Add(-window); c.Time.Before(earliest) {
		return fail(Expired, "Signature expired: %s is now earlier than %s (%s - 5 min.)",
			c.stamp, earliest.Format(isoBasic), now.Format(isoBasic))
	}
	return nil
}

// checkHeaders checks that the signature covers everything that says what
// the request is: the host, the content type and every X-Amz- header. A target
// that is not signed, for one, could be exchanged for another.
func (c *Claim) checkHeaders(r *Request) error {
	if c.signedHeaders == "" {
		return incomplete("'SignedHeaders' names no header")
	}
	vital, host, last := 0, false, ""
	for name := range strings.SplitSeq(c.signedHeaders, ";") {
		if name <= last || !isHeaderName(name) {
			return incomplete("'SignedHeaders' must be names in lower case, sorted, each once, with semicolons between them")
		}
		last = name
		switch {
		case name == "host":
			host = true
		case name == "content-type" || strings.HasPrefix(name, "x-amz-"):
			if values(r, name) != nil {
				vital++
			}
		}
	}
	if !host {
		return incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for key := range r.Header {
		if key == "Content-Type" || strings.HasPrefix(key, "X-Amz-") {
			vital--
		}
	}
	if vital < 0 {
		return incomplete("The headers %s were sent but not signed", strings.Join(c.unsigned(r), ", "))
	}
	return nil
}

func (c *Claim) unsigned(r *Request) []string {
	var names []string
	for key := range r.Header {
		if key == "Content-Type" || strings.HasPrefix(key, "X-Amz-") {
			if name := strings.ToLower(key); !c.signs(name) {
				names = append(names, shown(name))
			}
		}
	}
	slices.Sort(names)
	return names[:min(len(names), 5)]
}

// signs reports whether a header, in lower case, is among those signed.
func (c *Claim) signs(name string) bool {
	for signed := range strings.SplitSeq(c.signedHeaders, ";") {
		if signed == name {
			return true
		}
	}
	return false
}

// isHeaderName reports whether s is a token of RFC 9110 section 5.6.2 in lower
// case.
func isHeaderName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
			continue
		}
		if !strings.ContainsRune("!#$%&'*+.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// checkPayload refuses payloads that are not signed as a whole. The APIs here
// take small bodies, all of which the signature covers.
func (c *Claim) checkPayload(r *Request) error {
	for _, encoding := range r.Header["Content-Encoding"] {
		if strings.Contains(strings.ToLower(encoding), "aws-chunked") {
			return fail(Unsupported, "Content-Encoding aws-chunked is not supported: sign the whole body")
		}
	}
	for _, hash := range r.Header["X-Amz-Content-Sha256"] {
		if r.Stream && hash == unsignedPayload {
			continue
		}
		if err := checkPayloadHash(hash); err != nil {
			return err
		}
	}
	if !c.Presigned {
		return nil
	}
	hash, _ := parameter(r.RawQuery, "X-Amz-Content-Sha256")
	return checkPayloadHash(hash)
}

// unsignedPayload takes the place of the hash of a body that is not signed.
const unsignedPayload = "UNSIGNED-PAYLOAD"

func checkPayloadHash(hash string) error {
	switch {
	case hash == unsignedPayload:
		return fail(Unsupported, "x-amz-content-sha256 UNSIGNED-PAYLOAD is not supported: sign the body")
	case strings.HasPrefix(hash, "STREAMING-"):
		return fail(Unsupported, "x-amz-content-sha256 %s is not supported: sign the whole body", shown(hash))
	}
	return nil
}
