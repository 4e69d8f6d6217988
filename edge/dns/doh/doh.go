// Package doh implements DNS over HTTPS (RFC 8484): it reads a DNS message from an
// HTTP request, calls an Answer function, and writes its answer into the response.
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

// path is the usual path of the service.
const path = "/dns-query"

// mediaType is the type of requests and responses (RFC 8484 section 6).
const mediaType = "application/dns-message"

const (
	// maxQuery is the maximum length of a query. A query has a question and a few
	// options, and is usually padded to 128 octets (RFC 8467).
	maxQuery = 4096
)

// Answer answers a query from a client. It returns nil if the query gets no answer.
// The answer is appended to out or is a new slice. The function must not keep query or
// out.
type Answer func(ctx context.Context, query []byte, from netip.AddrPort, out []byte) []byte

// handler returns a handler that answers GET and POST requests.
//
// The client's address is that of the connection. Header fields of proxies are
// ignored, because the address decides which zones the client sees.
func handler(answer Answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := queryOf(w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			// The listener is not a TCP listener.
			refuse(w, &statusError{http.StatusInternalServerError, "the client's address is not known"})
			return
		}
		respond(w, answer(r.Context(), query, from, make([]byte, 0, initialAnswer)))
	})
}

// initialAnswer is the initial size of the buffer for an answer.
const initialAnswer = 1500

// statusError is the error of a request that cannot be answered.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// queryOf returns the query of a request (RFC 8484 section 4.1).
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
	// The decoder ignores line ends.
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

// respond writes an answer. Answers with a DNS error code have status 200 too (RFC 8484
// section 4.2.1).
func respond(w http.ResponseWriter, answer []byte) {
	if len(answer) < dnswire.HeaderLen {
		refuse(w, &statusError{http.StatusBadRequest, "the query is not a DNS query"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", fmt.Sprint(len(answer)))
	h.Set("Cache-Control", cacheControl(answer))
	// An error means that the client has closed the connection.
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
