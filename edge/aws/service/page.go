package service

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Page is one page of a list. A token holds the last key of the page before, so
// that items which are added or removed between two pages disturb neither. It is
// bound to the call that it came from: account, operation and filters.
type Page struct {
	After string // the list continues behind this key
	Next  string // the token of the following page, or ""

	left  int
	last  string
	bound string
}

// NewPage begins a page of at most size items. Filters are what must not change
// between two pages. A token that is unusable is a validation error.
func (c *Call) NewPage(filters any, size int, token *string) (*Page, error) {
	p := &Page{left: size, bound: c.binding(filters)}
	if token == nil || *token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(raw) < len(p.bound) || string(raw[:len(p.bound)]) != p.bound {
		return nil, &wire.Fault{Kind: wire.Validation, Message: "NextToken is not one that this operation has given for the same request"}
	}
	p.After = string(raw[len(p.bound):])
	return p, nil
}

// binding is a hash of what must not change between two pages.
func (c *Call) binding(filters any) string {
	h := sha256.New()
	// Encoding shapes, which are strings, lists and structs of them, cannot fail.
	_ = json.NewEncoder(h).Encode([]any{c.Account, c.Operation.Name, filters})
	return string(h.Sum(nil)[:12])
}

// Add reports whether the item with that key goes on the page. If not, the page is
// full, and Next is set.
func (p *Page) Add(key string) bool {
	if p.left == 0 {
		p.Next = base64.RawURLEncoding.EncodeToString([]byte(p.bound + p.last))
		return false
	}
	p.left--
	p.last = key
	return true
}
