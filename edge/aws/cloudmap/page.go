package cloudmap

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/cairn-discovery/cairn/core/command"
)

// defaultPageSize is the page of a list where MaxResults is left out.
const defaultPageSize = 100

// page is one page of a list. A token holds the last key of the page before, so
// what comes and goes between two pages disturbs neither; and it is bound to
// the call it came from: account, operation and filters.
type page struct {
	after string // the list goes on behind this key
	next  string // the token of the following page, or ""

	left  int
	last  string
	bound string
}

// newPage begins a page. An unusable token is an InvalidInput.
func newPage(c *call, operation string, filters any, maxResults *int64, token *string) (*page, error) {
	p := &page{left: defaultPageSize, bound: binding(c, operation, filters)}
	if maxResults != nil {
		p.left = int(*maxResults)
	}
	if token == nil || *token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(raw) < len(p.bound) || string(raw[:len(p.bound)]) != p.bound {
		return nil, &command.InvalidInput{Message: "NextToken is not one that this operation has given for the same request"}
	}
	p.after = string(raw[len(p.bound):])
	return p, nil
}

// binding is a hash of what must not change between two pages.
func binding(c *call, operation string, filters any) string {
	h := sha256.New()
	// Encoding shapes, which are strings, lists and structs of them, cannot fail.
	json.NewEncoder(h).Encode([]any{c.account, operation, filters})
	return string(h.Sum(nil)[:12])
}

// take says whether the item with that key goes on the page. If not, the page is
// full, and next is set.
func (p *page) take(key string) bool {
	if p.left == 0 {
		p.next = base64.RawURLEncoding.EncodeToString([]byte(p.bound + p.last))
		return false
	}
	p.left--
	p.last = key
	return true
}
