package mesh

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Operators of the formats of access logs in Envoy 1.40, by the parts that they have; see
// "Command operators" in its documentation. Envoy refuses a listener, and with it all that
// the listener serves, for one that it does not know.
const (
	// bareOperators have a name only: %NAME%.
	bareOperators = `
	ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID
	CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DOWNSTREAM_CX_RTT
	DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT
	DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS
	DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_DIRECT_LOCAL_PORT
	DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_HANDSHAKE_DURATION
	DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_LOCAL_ADDRESS
	DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_LOCAL_CLOSE_REASON DOWNSTREAM_LOCAL_DNS_SAN
	DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN
	DOWNSTREAM_LOCAL_PORT DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT
	DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256
	DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN
	DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN
	DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL
	DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT
	DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER
	DOWNSTREAM_TLS_GROUP DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_VERSION
	DOWNSTREAM_TRANSPORT_FAILURE_REASON DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT
	DURATION FILTER_CHAIN_NAME GRPC_STATUS GRPC_STATUS_NUMBER HOSTNAME LISTENER_NAME LOCAL_REPLY_BODY
	PACKETS_RETRANSMITTED PROTOCOL REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADERS_BYTES
	REQUEST_TX_DURATION RESPONSE_CODE RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG
	RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME
	ROUTE_RESOLUTION_COUNT ROUTE_RESOLUTION_TIME_US SPAN_ID STREAM_ID TLS_JA3_FINGERPRINT
	TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID
	UPSTREAM_CONNECTION_IDS_ATTEMPTED UPSTREAM_CONNECTION_POOL_READY_DURATION
	UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT
	UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT
	UPSTREAM_HOST UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAME
	UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT
	UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_CLOSE_REASON
	UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN
	UPSTREAM_PEER_CERT UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER
	UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS
	UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT
	UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER UPSTREAM_TLS_GROUP UPSTREAM_TLS_SESSION_ID
	UPSTREAM_TLS_VERSION UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_RECEIVED
	UPSTREAM_WIRE_BYTES_SENT VIRTUAL_CLUSTER_NAME`
	// optionalOperators may have parameters: %NAME% or %NAME(X)%.
	optionalOperators = `
	DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT
	DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_PEER_CERT_V_END DOWNSTREAM_PEER_CERT_V_START
	DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT EMIT_TIME EMIT_TIME_LOCAL RESPONSE_CODE_DETAILS START_TIME
	START_TIME_LOCAL UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_PEER_CERT_V_END
	UPSTREAM_PEER_CERT_V_START UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT`
	// lengthOperators may have a length: %NAME% or %NAME:LENGTH%.
	lengthOperators = `
	PATH QUERY_PARAMS`
	// parameterOperators have parameters and maybe a length: %NAME(X)% or %NAME(X):LENGTH%.
	parameterOperators = `
	CEL DYNAMIC_METADATA ENVIRONMENT FILTER_STATE QUERY_PARAM REQ REQUEST_HEADER RESP RESPONSE_HEADER
	RESPONSE_TRAILER STREAM_INFO_REQ TRAILER UPSTREAM_FILTER_STATE`
	// fixedOperators have parameters and no length: %NAME(X)%.
	fixedOperators = `
	CLUSTER_METADATA COALESCE COMMON_DURATION METADATA UPSTREAM_METADATA`
)

// operator says which parts an operator has.
type operator struct{ parameters, noParameters, length bool }

var operators = func() map[string]operator {
	all := map[string]operator{}
	for names, o := range map[string]operator{
		bareOperators:      {noParameters: true},
		optionalOperators:  {noParameters: true, parameters: true},
		lengthOperators:    {noParameters: true, length: true},
		parameterOperators: {parameters: true, length: true},
		fixedOperators:     {parameters: true},
	} {
		for _, name := range strings.Fields(names) {
			all[name] = o
		}
	}
	return all
}()

// check checks the format of access logs.
func (l *Logging) check() error {
	if l == nil || l.AccessLog == nil || l.AccessLog.File == nil {
		return nil
	}
	return l.AccessLog.File.Format.Check()
}

// Check returns an error for a format that Envoy does not accept. Parameters of operators
// are not checked. A format in a store may be older than this check.
func (f *LoggingFormat) Check() error {
	if f == nil {
		return nil
	}
	if err := checkFormat(f.Text); err != nil {
		return err
	}
	for _, member := range f.JSON {
		if err := checkFormat(member.Value); err != nil {
			return err
		}
	}
	return nil
}

// checkFormat checks a text with operators. Two percent signs are one in the log.
func checkFormat(text string) error {
	for left := text; ; {
		at := strings.IndexByte(left, '%')
		if at < 0 {
			return nil
		}
		left = left[at+1:]
		if rest, ok := strings.CutPrefix(left, "%"); ok {
			left = rest
			continue
		}
		n, err := checkOperator(left)
		if err != nil {
			return err
		}
		left = left[n:]
	}
}

// checkOperator checks the operator that text begins with, without its first percent sign,
// and returns its length.
func checkOperator(text string) (int, error) {
	end := strings.IndexFunc(text, func(c rune) bool { return c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') })
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return 0, command.Invalid("The format of the access log has a %% that begins no operator: write %%%% for the character")
	}
	name, n := text[:end], end
	parameters, length := false, false
	if strings.HasPrefix(text[n:], "(") {
		closing := closingParenthesis(text[n:])
		if closing < 0 {
			return 0, command.Invalid("The format of the access log has the operator %s without an end: write it as %%%s(…)%%", name, name)
		}
		parameters, n = true, n+closing+1
	}
	if digits := lengthAt(text[n:]); digits > 0 {
		length, n = true, n+digits
	}
	if n >= len(text) || text[n] != '%' {
		return 0, command.Invalid("The format of the access log has the operator %s without an end: write it as %%%s%%", name, name)
	}
	o, known := operators[name]
	switch {
	case !known:
		return 0, command.Invalid("The format of the access log has the operator %%%s%%, which Envoy does not have", name)
	case parameters && !o.parameters:
		return 0, command.Invalid("The operator %%%s%% in the format of the access log cannot have parameters", name)
	case !parameters && !o.noParameters:
		return 0, command.Invalid("The operator %%%s%% in the format of the access log needs parameters: %%%s(…)%%", name, name)
	case length && !o.length:
		return 0, command.Invalid("The operator %%%s%% in the format of the access log cannot have a length", name)
	}
	return n + 1, nil
}

// closingParenthesis returns the index of the parenthesis that ends the parameters with
// which text begins, or -1: the first one that is followed by the end of the operator.
func closingParenthesis(text string) int {
	for i := range len(text) {
		if text[i] != ')' {
			continue
		}
		rest := text[i+1:]
		rest = rest[lengthAt(rest):]
		if strings.HasPrefix(rest, "%") {
			return i
		}
	}
	return -1
}

// lengthAt returns how many characters of ":123" text begins with.
func lengthAt(text string) int {
	digits, ok := strings.CutPrefix(text, ":")
	if !ok {
		return 0
	}
	rest := strings.TrimLeft(digits, "0123456789")
	if len(rest) == len(digits) {
		return 0
	}
	return len(text) - len(rest)
}
