// Package authority keeps the built-in certificate authorities of meshes: it makes a root
// for each mesh that has one by the settings, adds another one at half its life, and removes those
// that have expired. Roots are in the store, so all nodes have the same ones.
package authority

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/internal/issuer"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/replica"
)

// Config has the parameters of New.
type Config struct {
	Replica *replica.Replica
	// Rules returns the settings in force.
	Rules func() *state.Rules
	// Seal encrypts the private keys in the store. Nil: no root is made.
	Seal   *seal.Key
	Logger *slog.Logger
	// Owns reports whether this node does a piece of the work that live nodes share. Nil:
	// it does everything.
	Owns func(key string) bool
}

// Authority keeps the authorities. Create it with New, then call Run.
type Authority struct{ cfg Config }

// every is the time between two looks. A change of the meshes is looked at at once.
const every = 2 * time.Second

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Authority, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Logger == nil {
		return nil, errors.New("authority: Replica, Rules and Logger are required")
	}
	if cfg.Owns == nil {
		cfg.Owns = func(string) bool { return true }
	}
	return &Authority{cfg}, nil
}

// Run keeps the authorities until ctx ends.
func (a *Authority) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.cfg.Replica.Loaded():
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var seen mesh.State
	for {
		snapshot := a.cfg.Replica.Current()
		if snapshot.Mesh != seen {
			seen = snapshot.Mesh
			a.sweep(ctx, snapshot, time.Now())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.changed(snapshot):
		case <-tick.C:
			seen = mesh.State{}
		}
	}
}

// changed returns a channel that is closed by the next change of the state, or nil if no
// mesh has an authority by the settings.
func (a *Authority) changed(s *replica.Snapshot) <-chan struct{} {
	if len(a.cfg.Rules().Mesh.Authority.Meshes) == 0 {
		return nil
	}
	return s.Superseded()
}

// sweep looks at the authorities of all meshes.
func (a *Authority) sweep(ctx context.Context, s *replica.Snapshot, now time.Time) {
	if len(a.cfg.Rules().Mesh.Authority.Meshes) == 0 {
		return
	}
	for r := range s.Mesh.AllMeshes {
		if !a.cfg.Rules().Mesh.Authority.Covers(r.Ref.Mesh) || !a.cfg.Owns("authority/"+r.Ref.ID()) {
			continue
		}
		if err := a.keep(ctx, s, r.Ref, now); err != nil && ctx.Err() == nil {
			a.cfg.Logger.Error("the certificate authority of a mesh cannot be kept", "mesh", r.Ref.ID(), "error", err)
		}
	}
}

// keep adds and removes roots of the authority of a mesh, if it is time.
func (a *Authority) keep(ctx context.Context, s *replica.Snapshot, ref mesh.Ref, now time.Time) error {
	old, found := s.Mesh.Authority(ref)
	current := old
	if !found {
		current = &mesh.Authority{Mesh: ref}
	}
	settle := a.cfg.Rules().Mesh.Authority.LeafLife
	add, remove := current.Stale(now.UnixMilli(), settle)
	if !add && !remove {
		return nil
	}
	var root *mesh.Root
	if add {
		var err error
		// It is not older than the request for it, which another node may have taken.
		if root, err = a.newRoot(current, time.UnixMilli(max(now.UnixMilli(), current.Rotate))); err != nil {
			return err
		}
	}
	reply, err := a.cfg.Replica.Propose(ctx, ref.Owner, &mesh.PutAuthority{Authority: current.With(root, now.UnixMilli(), settle), Old: old})
	if err == nil && add && !reply.Unchanged {
		a.cfg.Logger.Info("root certificate made", "mesh", ref.ID(), "expires", time.UnixMilli(root.Expires).UTC())
	}
	return err
}

func (a *Authority) newRoot(of *mesh.Authority, now time.Time) (*mesh.Root, error) {
	if a.cfg.Seal == nil {
		return nil, errors.New("this node has no seal key to protect private keys")
	}
	life := time.Duration(a.cfg.Rules().Mesh.Authority.RootLife) * time.Millisecond
	pair, err := issuer.NewRoot(mesh.TrustDomain(of.Mesh.Mesh), now, life)
	if err != nil {
		return nil, err
	}
	return &mesh.Root{
		Certificate: pair.Certificate, Key: a.cfg.Seal.Seal(nil, pair.Key, of.SealContext()),
		Created: now.UnixMilli(), Expires: now.Add(life).UnixMilli(),
	}, nil
}
