package sts

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/internal/gencache"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// maxToken keeps a session token within what fits a request's header beside the
// rest.
const maxToken = 8192

// keptSessions is how many opened tokens are remembered, at least.
const keptSessions = 4096

// sealContext binds what is sealed to being a session.
const sealContext = "sts session token"

// errInvalidToken means that a session token was not made here, or was changed.
var errInvalidToken = errors.New("sts: the session token is invalid")

// Sessions makes and opens session tokens. It is safe for concurrent use.
type Sessions struct {
	key    *seal.Key
	opened *gencache.Cache[string, *identity.Session]
}

// NewSessions returns Sessions under a key that all nodes have.
func NewSessions(key *seal.Key) *Sessions {
	return &Sessions{key, gencache.New[string, *identity.Session](keptSessions)}
}

// Issue gives a session its key and secret, and returns its token. It is for sessions
// that nobody has asked the API for, such as those of tasks.
func (s *Sessions) Issue(session *identity.Session) (token string, err error) {
	return s.issue(session)
}

// issue gives a session its key and secret, and returns its token.
func (s *Sessions) issue(session *identity.Session) (string, error) {
	var raw [10 + 30]byte
	rand.Read(raw[:]) // never fails
	session.AccessKeyID = "ASIA" + base32.StdEncoding.EncodeToString(raw[:10])
	session.Secret = base64.StdEncoding.EncodeToString(raw[10:])
	token := base64.StdEncoding.EncodeToString(s.key.Seal(nil, session.Encode(nil), sealContext))
	if len(token) > maxToken {
		return "", fault("PackedPolicyTooLarge", http.StatusBadRequest, "Policies and tags of the session are too long together")
	}
	return token, nil
}

// Open returns the session of a token, whether it has expired or not, or errInvalidToken.
// It caches tokens that it has opened.
func (s *Sessions) Open(token string) (*identity.Session, error) {
	if session, ok := s.opened.Get(token); ok {
		return session, nil
	}
	if len(token) > maxToken {
		return nil, errInvalidToken
	}
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, errInvalidToken
	}
	plain, err := s.key.Open(sealed, sealContext)
	if err != nil {
		return nil, errInvalidToken
	}
	session, err := identity.DecodeSession(plain)
	if err != nil {
		return nil, errInvalidToken
	}
	s.opened.Put(strings.Clone(token), session)
	return session, nil
}
