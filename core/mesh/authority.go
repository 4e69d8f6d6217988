package mesh

import (
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

// Stale reports whether a root must be added, because the newest one is past half of its
// life, and whether one must be removed, because it has expired.
func (a *Authority) Stale(now int64) (add, remove bool) {
	n := len(a.Roots)
	add = n == 0 || now >= a.Roots[n-1].Created/2+a.Roots[n-1].Expires/2
	return add, slices.ContainsFunc(a.Roots, func(r Root) bool { return r.Expires <= now })
}

// With returns the authority with a further root, unless it is nil, and without those
// that have expired.
func (a *Authority) With(root *Root, now int64) *Authority {
	next := &Authority{Mesh: a.Mesh, others: a.others}
	next.Roots = slices.DeleteFunc(slices.Clone(a.Roots), func(r Root) bool { return r.Expires <= now })
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
	fieldRoot = 1

	fieldRootCertificate = 1
	fieldRootKey         = 2
	fieldRootCreated     = 3
	fieldRootExpires     = 4
)

func (a *Authority) encode(b []byte) []byte {
	for i := range a.Roots {
		b = record.AppendNested(b, fieldRoot, a.Roots[i].encode)
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
	s, _ := of(v)
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
