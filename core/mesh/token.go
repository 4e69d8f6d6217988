package mesh

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

const (
	// tokenLife is how long a token is known, in milliseconds. AWS does not say how long.
	tokenLife = 24 * 60 * 60 * 1000
	// maxTokens is how many tokens of a resource are known: the newest.
	maxTokens = 16
)

// requestHash identifies what a request asks for.
func requestHash(operation string, account command.AccountID, specText string, tags []Tag) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %q %q", operation, account, specText, tags)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// repeated returns the resource that an earlier request with the token made, or nil if
// there was none. It returns an error if that request was another one.
func (r *Resource) repeated(text, hash string, now int64, spec Spec, tags []Tag) (*Resource, error) {
	i := slices.IndexFunc(r.tokens, func(t token) bool { return t.text == text && now-t.time < tokenLife })
	if text == "" || i < 0 {
		return nil, nil
	}
	t := r.tokens[i]
	if t.hash != hash {
		return nil, &command.AlreadyExists{Message: fmt.Sprintf("The clientToken %q was already used for a request on %s %s with other parameters", text, r.Ref.Kind, r.Ref.ShortName())}
	}
	first := *r
	first.Spec, first.Version, first.Updated = spec, t.version, t.time
	return &first, nil
}

// remember adds a token to those of the resource.
func (r *Resource) remember(text, hash string, now int64) {
	if text == "" {
		return
	}
	tokens := slices.DeleteFunc(slices.Clone(r.tokens), func(t token) bool { return now-t.time >= tokenLife || t.text == text })
	tokens = append(tokens, token{text, hash, r.Version, now})
	r.tokens = tokens[max(0, len(tokens)-maxTokens):]
}
