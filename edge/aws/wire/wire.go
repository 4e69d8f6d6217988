// Package wire is the vocabulary that the protocols of AWS's APIs share: the
// request and the response of one call, errors, and what a protocol is.
//
// It knows no API and no encoding. The codecs (awsjson, query and so on) build on
// it, and so do the APIs, which need not know each other.
package wire

import (
	"net/http"
	"net/url"
)

// Request is what a call brings. It is valid until the call ends.
type Request struct {
	Method   string
	Path     string // escaped, as in the request line
	RawQuery string
	Header   http.Header
	// Labels are the values of the labels in the path of a REST operation, decoded
	// and in the order of its pattern.
	Labels []string
	// Form has the fields of a request of the Query protocol.
	Form url.Values
	Body []byte
	// Strict asks for AWS's own constraints where ours are wider by default.
	Strict bool
}

// Response is the answer to a call that succeeded.
type Response struct {
	// Status is the HTTP status. Zero means 200.
	Status int
	// Header has fields beside those that every answer has.
	Header []Member
	// Body is appended to.
	Body []byte
	// RequestID is for protocols that have it in the body.
	RequestID string
}

// Member is a name with its value: a field of a header, or a member of an error.
type Member struct {
	Name, Value string
	// Values are those of a member that is a list, which has no Value.
	Values []string
}

// Error is an answer that is an error.
type Error struct {
	// Code is the name that clients know the error by, such as InvalidInput.
	Code string
	// Status is the HTTP status.
	Status int
	// Message is for people. It must not name a file or a secret of the operator.
	Message string
	// Members are what else the error's shape has. Their names need no escapes.
	Members []Member
	// Unauthenticated marks the error of a caller that did not prove who it is.
	Unauthenticated bool
	// Cause is what the client is not told. It is for the log.
	Cause error
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Protocol is how the errors of an API are written, and what it calls the errors
// that every API has.
type Protocol interface {
	// ContentType is the media type of every answer.
	ContentType() string
	// AppendError appends the body of an error.
	AppendError(b []byte, e *Error, requestID string) []byte
	// Common returns the code and the HTTP status of an error that every API has.
	Common(k Kind) Code
}

// Code is the name of an error with its HTTP status.
type Code struct {
	Name   string
	Status int
}

// Kind is an error that every API has; see "Common Errors" in the API reference
// of any AWS service. Each protocol has its own codes for them.
type Kind int

// The kinds of common errors.
const (
	// Internal is our fault. Its text tells nothing.
	Internal Kind = iota
	// Unavailable: nothing can be changed now; the call had no effect.
	Unavailable
	// Serialization: the message cannot be decoded.
	Serialization
	// Validation: the input breaks constraints of the API's model.
	Validation
	// UnknownOperation: the request names no operation.
	UnknownOperation
	// TooLarge: the body has more bytes than are allowed.
	TooLarge
	// Throttling: the caller is over its rate.
	Throttling
	// AccessDenied: the caller's policies do not allow the call.
	AccessDenied
	// MissingAuthentication: the request has no signature.
	MissingAuthentication
	// IncompleteSignature: the signature cannot be parsed.
	IncompleteSignature
	// InvalidSignature: the signature is wrong, or not of this time or scope.
	InvalidSignature
	// UnrecognizedClient: there is no such access key.
	UnrecognizedClient
	// ExpiredToken: the session has ended.
	ExpiredToken
	// NotSupported: the operation exists in AWS's API and not here.
	NotSupported
	numKinds
)

// Codes are the codes of a protocol, by kind.
type Codes [numKinds]Code

// Common returns the code of a kind, or that of Internal for one that is unknown.
func (c *Codes) Common(k Kind) Code {
	if k < 0 || k >= numKinds || c[k].Name == "" {
		k = Internal
	}
	return c[k]
}

// KindError is an error that every API has. A codec or a check of constraints
// returns one; the front door gives it the code of the API.
type KindError interface {
	error
	ErrorKind() Kind
}

// Fault is a KindError of a given kind.
type Fault struct {
	Kind    Kind
	Message string
}

func (f *Fault) Error() string { return f.Message }

// ErrorKind implements KindError.
func (f *Fault) ErrorKind() Kind { return f.Kind }
