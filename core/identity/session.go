package identity

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/internal/record"
)

// Session is an assumed-role session. It is carried in the sealed session token and
// never stored. See docs/adr/0021-sessions.md.
type Session struct {
	Role string // ARN
	// RoleID is the unique id of the role. A session does not survive its role: a new
	// role of the same name has another id. It is empty in sessions of an earlier
	// version, which are valid for roles of that version alone.
	RoleID string
	Name   string
	// AccessKeyID and Secret sign the requests of the session.
	AccessKeyID, Secret string
	// Issued and Expires are seconds since 1970.
	Issued, Expires int64
	// Policies and Managed limit the session: policies in JSON, and names.
	Policies []string
	Managed  []string
	Tags     map[string]string
	// SourceIdentity identifies the original caller. It may be empty.
	SourceIdentity string
	// Provider is the ARN of the issuer of the caller's token. It is empty if the
	// caller was a principal.
	Provider string
}

const (
	sessionRole = iota + 1
	sessionName
	sessionKey
	sessionSecret
	sessionIssued
	sessionExpires
	sessionPolicy
	sessionManaged
	sessionTag
	sessionSource
	sessionProvider
	sessionRoleID
)

// Encode appends the session in the form that DecodeSession reads.
func (s *Session) Encode(b []byte) []byte {
	b = record.AppendString(b, sessionRole, s.Role)
	b = record.AppendString(b, sessionName, s.Name)
	b = record.AppendString(b, sessionKey, s.AccessKeyID)
	b = record.AppendString(b, sessionSecret, s.Secret)
	b = record.AppendUint(b, sessionIssued, uint64(s.Issued))
	b = record.AppendUint(b, sessionExpires, uint64(s.Expires))
	for _, p := range s.Policies {
		b = record.AppendString(b, sessionPolicy, p)
	}
	for _, p := range s.Managed {
		b = record.AppendString(b, sessionManaged, p)
	}
	b = appendTags(b, sessionTag, s.Tags)
	b = record.AppendString(b, sessionSource, s.SourceIdentity)
	b = record.AppendString(b, sessionProvider, s.Provider)
	return record.AppendString(b, sessionRoleID, s.RoleID)
}

// DecodeSession parses the form that Encode writes.
func DecodeSession(b []byte) (*Session, error) {
	s := new(Session)
	r := record.NewReader(b)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		switch text := string(f.Bytes); f.Number {
		case sessionRole:
			s.Role = text
		case sessionName:
			s.Name = text
		case sessionKey:
			s.AccessKeyID = text
		case sessionSecret:
			s.Secret = text
		case sessionIssued:
			s.Issued = int64(f.Uint)
		case sessionExpires:
			s.Expires = int64(f.Uint)
		case sessionPolicy:
			s.Policies = append(s.Policies, text)
		case sessionManaged:
			s.Managed = append(s.Managed, text)
		case sessionTag:
			readTag(&s.Tags, f.Bytes)
		case sessionSource:
			s.SourceIdentity = text
		case sessionProvider:
			s.Provider = text
		case sessionRoleID:
			s.RoleID = text
		}
	}
	return s, r.Err()
}

// appendTags appends a field with key and value per tag, in order of the keys.
func appendTags(b []byte, field int, tags map[string]string) []byte {
	for _, key := range sortedKeys(tags) {
		b = record.AppendNested(b, field, func(b []byte) []byte {
			b = record.AppendString(b, 1, key)
			return record.AppendString(b, 2, tags[key])
		})
	}
	return b
}

func readTag(tags *map[string]string, b []byte) {
	key, value := "", ""
	r := record.NewReader(b)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		switch f.Number {
		case 1:
			key = string(f.Bytes)
		case 2:
			value = string(f.Bytes)
		}
	}
	if *tags == nil {
		*tags = map[string]string{}
	}
	(*tags)[key] = value
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Session returns the principal of a session. The role is looked up for every request,
// so a session ends with its role and follows the changes of its policies.
func (d *Directory) Session(s *Session) (*Principal, error) {
	role, ok := d.principals[s.Role]
	if !ok || role.Kind != RoleKind || role.ID != cmp.Or(s.RoleID, derivedID(roleIDPrefix, s.Role)) {
		return nil, fmt.Errorf("role %s does not exist", s.Role)
	}
	p := &Principal{
		Kind: SessionKind, Account: role.Account, Name: role.Name, ARN: SessionARN(role.Account, role.Name, s.Name),
		ID: role.ID + ":" + s.Name, Tags: role.Tags, Subject: role.Subject, Session: s, Role: role,
	}
	if len(s.Tags) > 0 {
		p.Tags = mergeTags(role.Tags, s.Tags)
	}
	if len(s.Policies)+len(s.Managed) == 0 {
		return p, nil
	}
	set, err := d.sessionPolicies(s)
	p.Subject.Session = set
	return p, err
}

// mergeTags returns under with the tags of over. Keys ignore case.
func mergeTags(under, over map[string]string) map[string]string {
	tags := maps.Clone(over)
	for k, v := range under {
		same := func(o string) bool { return strings.EqualFold(k, o) }
		if !slices.ContainsFunc(sortedKeys(over), same) {
			tags[k] = v
		}
	}
	return tags
}

// sessionPolicies compiles the policies of a session. Only AWS managed policies
// can be given by name.
func (d *Directory) sessionPolicies(s *Session) (*access.Set, error) {
	var policies []*access.Policy
	for _, text := range s.Policies {
		p, err := d.catalog.Parse("session policy", access.IdentityPolicy, text)
		if err != nil {
			return nil, err
		}
		policies = append(policies, p)
	}
	for _, ref := range s.Managed {
		p, ok := d.catalog.Managed(ref)
		if !ok {
			return nil, fmt.Errorf("policy %q does not exist", ref)
		}
		policies = append(policies, p)
	}
	return d.catalog.NewSet(policies...), nil
}
