package mesh

import (
	"fmt"
	"iter"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
	"github.com/cairn-discovery/cairn/internal/record"
)

// Authority is the built-in certificate authority of a mesh. App Mesh has nothing like
// it. It is immutable. Times are milliseconds since 1970.
type Authority struct {
	Mesh Ref
	// Roots are the certificates that proxies trust, the oldest first. While one is
	// replaced, there are two.
	Roots []Root
	// Rotate is when somebody has asked for a new root. Older roots go when nothing that they
	// have signed is valid any more. 0: nobody has.
	Rotate int64

	others []byte // fields of newer versions
}

// Root is a root certificate with its private key.
type Root struct {
	Certificate []byte // X.509 in DER
	// Key is the private key, sealed for SealContext.
	Key              []byte
	Created, Expires int64

	others []byte
}

// SealContext is what the keys of the authority are sealed for.
func (a *Authority) SealContext() string { return "mesh authority " + a.Mesh.ID() }

// Signer returns the root that signs certificates which begin at a time. It is the newest
// one that is older than settle, so that all proxies trust a new root before it is used.
// If there is none, the oldest one signs. It returns nil without roots.
func (a *Authority) Signer(at, settle int64) *Root {
	for i := len(a.Roots) - 1; i > 0; i-- {
		if a.Roots[i].Created+settle <= at {
			return &a.Roots[i]
		}
	}
	if len(a.Roots) == 0 {
		return nil
	}
	return &a.Roots[0]
}

// Stale reports whether a root must be added or removed. One is added when the newest is
// past half of its life, or on request. Settle is that of Signer.
func (a *Authority) Stale(now, settle int64) (add, remove bool) {
	n := len(a.Roots)
	add = n == 0 || now >= a.Roots[n-1].Created/2+a.Roots[n-1].Expires/2 || a.Rotate > a.Roots[n-1].Created
	return add, slices.ContainsFunc(a.Roots, func(r Root) bool { return a.gone(&r, now, settle) })
}

// gone reports whether a root is not needed any more: it has expired, or was replaced by
// request so long ago that no certificate of it is valid. Its successor signs after settle,
// which is also how long certificates are valid.
func (a *Authority) gone(r *Root, now, settle int64) bool {
	replaced := r.Created < a.Rotate && slices.ContainsFunc(a.Roots, func(next Root) bool {
		return next.Created >= a.Rotate && next.Created+2*settle <= now
	})
	return replaced || r.Expires <= now
}

// With returns the authority with a further root, unless it is nil, and without those that
// are not needed any more.
func (a *Authority) With(root *Root, now, settle int64) *Authority {
	next := &Authority{Mesh: a.Mesh, Rotate: a.Rotate, others: a.others}
	next.Roots = slices.DeleteFunc(slices.Clone(a.Roots), func(r Root) bool { return a.gone(&r, now, settle) })
	if root != nil {
		next.Roots = append(next.Roots, *root)
	}
	return next
}

// authorities is the kind of records of authorities. Keys of the store:
//
//	md/OWNER/MESH    certificate authority of the mesh
var authorities = &table.Kind[State, *Authority]{
	Prefix: "md/", In: func(s *State) *table.Map[*Authority] { return &s.authorities },
	Name:   func(a *Authority) string { return a.Mesh.ID() },
	New:    func(name string) *Authority { return &Authority{Mesh: parseID(name).meshRef()} },
	Encode: (*Authority).encode, Decode: (*Authority).decode,
}

// The fields of a record of an authority, and of a root. The numbers are permanent.
const (
	fieldRoot   = 1
	fieldRotate = 2

	fieldRootCertificate = 1
	fieldRootKey         = 2
	fieldRootCreated     = 3
	fieldRootExpires     = 4
)

func (a *Authority) encode(b []byte) []byte {
	for i := range a.Roots {
		b = record.AppendNested(b, fieldRoot, a.Roots[i].encode)
	}
	if a.Rotate != 0 {
		b = record.AppendUint(b, fieldRotate, uint64(a.Rotate))
	}
	return append(b, a.others...)
}

func (r *Root) encode(b []byte) []byte {
	b = record.AppendString(record.AppendString(b, fieldRootCertificate, r.Certificate), fieldRootKey, r.Key)
	b = record.AppendUint(record.AppendUint(b, fieldRootCreated, uint64(r.Created)), fieldRootExpires, uint64(r.Expires))
	return append(b, r.others...)
}

func (a *Authority) decode(value []byte) error {
	fields := record.NewReader(value)
	for f, ok := fields.Next(); ok; f, ok = fields.Next() {
		if f.Number == fieldRotate {
			a.Rotate = int64(f.Uint)
			continue
		}
		if f.Number != fieldRoot {
			a.others = record.AppendField(a.others, f)
			continue
		}
		var root Root
		if err := root.decode(f.Bytes); err != nil {
			return err
		}
		a.Roots = append(a.Roots, root)
	}
	return fields.Err()
}

func (r *Root) decode(value []byte) error {
	fields := record.NewReader(value)
	for f, ok := fields.Next(); ok; f, ok = fields.Next() {
		switch f.Number {
		case fieldRootCertificate:
			r.Certificate = slices.Clone(f.Bytes)
		case fieldRootKey:
			r.Key = slices.Clone(f.Bytes)
		case fieldRootCreated:
			r.Created = int64(f.Uint)
		case fieldRootExpires:
			r.Expires = int64(f.Uint)
		default:
			r.others = record.AppendField(r.others, f)
		}
	}
	return fields.Err()
}

// Authority returns the certificate authority of a mesh.
func (s *State) Authority(mesh Ref) (*Authority, bool) {
	return s.authorities.Get(mesh.meshRef().ID())
}

// DiffAuthorities calls changed for the mesh of every authority that differs between two
// states. Its cost grows with the number of changes.
func DiffAuthorities(old, now *State, changed func(mesh Ref)) {
	ptree.Diff(old.authorities, now.authorities, func(name string, _, _ *Authority) { changed(parseID(name)) })
}

// PutAuthority stores the authority of a mesh. Nothing is stored if the mesh does not
// exist, or Old is not its authority any more because another node was faster.
type PutAuthority struct {
	Authority *Authority
	Old       *Authority // nil: there is none
}

// Decide implements command.Command.
func (c *PutAuthority) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	now, _ := s.Authority(c.Authority.Mesh)
	mesh, exists := s.Get(c.Authority.Mesh)
	if now != c.Old || !exists {
		return command.Decision{Reply: command.Reply{Unchanged: true}}, nil
	}
	return command.Decision{
		Changes: []command.Change{authorities.Put(c.Authority)},
		Reads:   []command.Read{meshes.Read(mesh, true)},
	}, nil
}

// Authorities yields the authorities of an account; of all accounts if it is empty.
func (s *State) Authorities(account command.AccountID) iter.Seq[*Authority] {
	return func(yield func(*Authority) bool) {
		for _, a := range s.authorities.All() {
			if (account == "" || a.Mesh.Owner == account) && !yield(a) {
				return
			}
		}
	}
}

// RotateAuthority asks for a new root of the authority of a mesh of the account. A node makes
// it; proxies trust it at once, and it signs when all of them can know it.
type RotateAuthority struct{ Mesh string }

// Decide implements command.Command.
func (c *RotateAuthority) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, rules := stateOf(v)
	ref := MeshRef(m.Account, c.Mesh)
	old, ok := s.Authority(ref)
	if !ok || len(old.Roots) == 0 || !rules.Authority.Covers(c.Mesh) {
		return command.Decision{}, &command.NotFound{Message: fmt.Sprintf("mesh %q of account %s has no built-in certificate authority; see xds.authority.meshes", c.Mesh, m.Account)}
	}
	if n := len(old.Roots); old.Rotate > old.Roots[n-1].Created || n > 1 && m.Now < old.Roots[n-1].Created+rules.Authority.LeafLife {
		return command.Decision{}, &command.Conflict{Message: fmt.Sprintf("the newest root of mesh %q does not sign yet: it does when proxies have had leaf_life to learn it", c.Mesh)}
	}
	next := *old
	next.Rotate = m.Now
	return command.Decision{
		Changes: []command.Change{authorities.Put(&next)},
		Reads:   []command.Read{authorities.Read(&next, true)},
	}, nil
}
