package sigv4

import "fmt"

// Kind says what is wrong with a request's authentication. Each API has its own
// code for a kind; see the front door's table.
type Kind int

// The kinds, in the order in which they are found.
const (
	// Missing means that the request is not signed at all.
	Missing Kind = iota + 1
	// Incomplete means that the claim cannot be read, or leaves something out.
	Incomplete
	// Unsupported means a kind of signature or payload that is not taken here.
	Unsupported
	// Expired means that the request's time is too far in the past, or that a
	// presigned request's time is over.
	Expired
	// NotYet means that the request's time is too far in the future.
	NotYet
	// Scope means that the credential is scoped to something else.
	Scope
	// Mismatch means that the signature is not that of the request.
	Mismatch
)

// Error is why a request is not authentic. Its text is AWS's where that is
// known. It holds nothing secret: no signature and no part of one.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return e.Message }

func fail(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

func incomplete(format string, args ...any) error { return fail(Incomplete, format, args...) }

// errMismatch has AWS's text, which SDKs and users know.
func errMismatch() error {
	return &Error{Kind: Mismatch, Message: "The request signature we calculated does not match the signature you provided." +
		" Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
}

// shown bounds and cleans what a client sent before it goes into a text.
func shown(s string) string {
	b := []byte(s)
	if len(b) > 64 {
		b = append(b[:61], "..."...)
	}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
