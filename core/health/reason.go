package health

import "fmt"

// Kind is what happened to a probe.
type Kind uint8

// What happens to probes. Those from Forbidden on are no results: they say
// something about the prober and nothing about the instance.
const (
	// None: there was no probe, or it was broken off from this side.
	None Kind = iota
	// Passed: the instance answered as the check wants. Code is the HTTP status,
	// or 0.
	Passed
	// Refused: nothing listens on the port.
	Refused
	// ConnectTimeout: no connection in time.
	ConnectTimeout
	// AnswerTimeout: a connection, but no complete answer in time.
	AnswerTimeout
	// Unreachable: the network has no way there.
	Unreachable
	// Reset: the connection was broken off before the answer was complete.
	Reset
	// BadStatus: an HTTP status that does not pass, in Code.
	BadStatus
	// BadAnswer: what came is not the protocol that was expected.
	BadAnswer
	// LargeHeader: more than 16 KiB of HTTP header.
	LargeHeader
	// TextMissing: the body's beginning does not hold the text looked for.
	TextMissing
	// TLSFailed: the TLS handshake failed; the certificate does not matter.
	TLSFailed
	// TLSTimeout: a connection, but no TLS handshake in time.
	TLSTimeout
	// NotTLS: the other side answered the TLS handshake in another protocol.
	NotTLS
	// WantsCertificate: the server refuses clients without a certificate.
	WantsCertificate
	// NotServing: the gRPC health service gave another status, in Code, than
	// SERVING.
	NotServing
	// CallFailed: the gRPC call failed with the status in Code.
	CallFailed
	// NotResolved: the name of the target has no address.
	NotResolved

	// Forbidden: the address must not be probed.
	Forbidden
	// NoAddress: the instance has no address, or no port.
	NoAddress
	// NoResources: this machine could not open a socket.
	NoResources
)

// Reason is the outcome of one probe as data.
type Reason struct {
	Kind Kind
	Code uint16 // see the kinds
}

// Pass reports whether the probe passed.
func (r Reason) Pass() bool { return r.Kind == Passed }

// Counts reports whether the outcome is a result at all.
func (r Reason) Counts() bool { return r.Kind != None && r.Kind < Forbidden }

// Label is a short name of the kind, for metrics.
func (k Kind) Label() string {
	labels := [...]string{"cancelled", "passed", "refused", "connect_timeout", "answer_timeout", "unreachable", "reset",
		"bad_status", "bad_answer", "large_header", "text_missing", "tls_failed", "tls_timeout", "not_tls", "wants_certificate", "not_serving", "call_failed", "not_resolved",
		"forbidden", "no_address", "no_resources"}
	return labels[k]
}

// Kinds is how many kinds there are.
const Kinds = int(NoResources) + 1

// String says what happened in plain words, to follow the name of what was
// probed: "GET http://10.0.0.1/ " + "answered 404".
func (r Reason) String() string {
	switch r.Kind {
	case Passed:
		if r.Code != 0 {
			return fmt.Sprintf("answered %d", r.Code)
		}
		return "succeeded"
	case BadStatus:
		return fmt.Sprintf("answered %d", r.Code)
	case NotServing:
		return "answered " + servingStatus(r.Code)
	case CallFailed:
		return "failed with gRPC status " + callStatus(r.Code)
	}
	return [...]string{None: "has not been probed yet", Refused: "was refused (nothing listens on that port)",
		ConnectTimeout: "got no connection in time", AnswerTimeout: "connected, but got no answer in time",
		Unreachable: "found no way to the address", Reset: "was broken off by the other side",
		BadAnswer: "got an answer that is not the protocol of the check", LargeHeader: "got more than 16 KiB of header",
		TextMissing: "answered without the text that the check looks for", TLSFailed: "failed in the TLS handshake",
		TLSTimeout: "connected, but the TLS handshake did not end in time", NotTLS: "got an answer that is not TLS",
		NotResolved:      "found no address of the name",
		WantsCertificate: "was refused because probes have no client certificate",
		Forbidden:        "is not allowed (the address must not be probed)", NoAddress: "is not possible (there is no address and port)",
		NoResources: "could not open a socket on this node"}[r.Kind]
}

// callStatus names a status code of gRPC.
func callStatus(code uint16) string {
	names := [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}
	if int(code) < len(names) {
		return fmt.Sprintf("%s (%d)", names[code], code)
	}
	return fmt.Sprint(code)
}

// servingStatus names a ServingStatus of grpc.health.v1.
func servingStatus(code uint16) string {
	switch code {
	case 2:
		return "NOT_SERVING"
	case 3:
		return "SERVICE_UNKNOWN"
	}
	return "UNKNOWN"
}
