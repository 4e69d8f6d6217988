package sigv4

import (
	"strconv"
	"time"
)

// fromQuery reads a presigned request: the same as the Authorization header
// says, in query parameters. See "Authenticating Requests: Using Query
// Parameters" in the AWS documentation.
func (c *Claim) fromQuery(r *Request) error {
	var values [7]string
	names := [7]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders",
		"X-Amz-Signature", "X-Amz-Expires", "X-Amz-Security-Token"}
	for i, name := range names {
		value, n := parameter(r.RawQuery, name)
		if n > 1 {
			return incomplete("The query has more than one %s parameter", name)
		}
		if n == 0 && i < 5 {
			return incomplete("AWS query-string parameters must include '%s'", name)
		}
		values[i] = value
	}
	if len(r.Header["X-Amz-Security-Token"]) > 0 {
		return incomplete("A presigned request has its X-Amz-Security-Token in the query")
	}
	if err := checkAlgorithm(values[0]); err != nil {
		return err
	}
	c.Presigned, c.signedHeaders, c.signature, c.Token = true, values[3], values[4], values[6]
	if err := c.checkSignature(); err != nil {
		return err
	}
	if err := c.setCredential(values[1]); err != nil {
		return err
	}
	if err := c.setExpires(values[5]); err != nil {
		return err
	}
	return c.setTime(values[2])
}

// setExpires takes the seconds for which a presigned request is good. STS and
// others accept a query without them; it is good for the window, then.
func (c *Claim) setExpires(value string) error {
	if value == "" {
		c.Expires = window
		return nil
	}
	seconds, err := strconv.ParseUint(value, 10, 32)
	if err != nil || seconds < 1 || seconds > uint64(maxExpires/time.Second) {
		return incomplete("X-Amz-Expires must be 1 to %d seconds, not '%s'", maxExpires/time.Second, shown(value))
	}
	c.Expires = time.Duration(seconds) * time.Second
	return nil
}
