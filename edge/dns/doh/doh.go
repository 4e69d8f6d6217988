// Package doh is DNS over HTTPS (RFC 8484): it takes a DNS message out of an
// HTTP request and puts the answer into the response. What to answer is not
// its matter.
package doh

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Path is where the service stands by custom.
const Path = "/dns-query"

// mediaType is the form of requests and responses (RFC 8484 section 6).
const mediaType = "application/dns-message"

const (
	// maxQuery bounds queries, which are a question and a few options; the
	// largest in practice are padded to 128 octets (RFC 8467).
	maxQuery = 4096
)

// Answer answers a query from a client, or returns nil if it deserves no
// answer. The answer is appended to out or made anew. Out is the caller's again
// afterwards, and query was never anybody else's.
type Answer func(ctx context.Context, query []byte, from netip.AddrPort, out []byte) []byte

// Handler returns a handler that answers GET and POST requests.
//
// The client is who the connection comes from. What a proxy says about who is
// behind it is not believed, for that decides what the client may see.
func Handler(answer Answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := queryOf(w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			// A listener that is not of the internet.
			refuse(w, &statusError{http.StatusInternalServerError, "the client's address is not known"})
			return
		}
		respond(w, answer(r.Context(), query, from, make([]byte, 0, initialAnswer)))
	})
}

// initialAnswer is room for nearly all answers.
const initialAnswer = 1500

// statusError is a request that cannot be answered.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// queryOf takes the query out of a request (RFC 8484 section 4.1).
func queryOf(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var query []byte
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		query, err = fromURL(r.URL)
	case http.MethodPost:
		query, err = fromBody(w, r)
	default:
		return nil, &statusError{http.StatusMethodNotAllowed, "the method must be GET or POST"}
	}
	if err == nil && len(query) < dnswire.HeaderLen {
		err = &statusError{http.StatusBadRequest, "the query is shorter than a DNS header"}
	}
	return query, err
}

func fromURL(u *url.URL) ([]byte, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(values["dns"]) != 1 {
		return nil, &statusError{http.StatusBadRequest, "there must be one parameter dns"}
	}
	text := values.Get("dns")
	if base64.RawURLEncoding.DecodedLen(len(text)) > maxQuery {
		return nil, &statusError{http.StatusRequestURITooLong, tooLong()}
	}
	query, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The decoder passes over line ends.
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, &statusError{http.StatusBadRequest, "the parameter dns must be base64url without padding"}
	}
	return query, nil
}

func fromBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if given, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || given != mediaType {
		return nil, &statusError{http.StatusUnsupportedMediaType, "the Content-Type must be " + mediaType}
	}
	query, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &statusError{http.StatusRequestEntityTooLarge, tooLong()}
	}
	if err != nil {
		return nil, &statusError{http.StatusBadRequest, "the body cannot be read"}
	}
	return query, nil
}

func tooLong() string { return fmt.Sprintf("the query is longer than %d octets", maxQuery) }

// respond writes an answer. The error codes of DNS are answers, too: their
// status is 200 (RFC 8484 section 4.2.1).
func respond(w http.ResponseWriter, answer []byte) {
	if len(answer) < dnswire.HeaderLen {
		refuse(w, &statusError{http.StatusBadRequest, "the query is not a DNS query"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", fmt.Sprint(len(answer)))
	h.Set("Cache-Control", cacheControl(answer))
	// An error here means that the client has gone.
	_, _ = w.Write(answer)
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*statusError](err); ok {
		status = e.status
	}
	h := w.Header()
	if status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST")
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, err)
}
