package identity

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/internal/issuer"
)

// authorityView is the built-in certificate authority of a mesh.
type authorityView struct {
	Mesh  string
	Roots []rootView // the oldest first
}

// rootView is a root certificate. Signs means that it signs certificates now.
type rootView struct {
	Certificate      string // in PEM
	Created, Expires time.Time
	Signs            bool
}

func (h *Handler) listAuthorities(_ context.Context, in *inAccount) (any, error) {
	items, now, settle := []authorityView{}, time.Now().UnixMilli(), h.cfg.Rules().Mesh.Authority.LeafLife
	for a := range h.cfg.Replica.Current().Mesh.Authorities(command.AccountID(in.Account)) {
		view, signer := authorityView{Mesh: a.Mesh.Mesh, Roots: []rootView{}}, a.Signer(now, settle)
		for i := range a.Roots {
			r := &a.Roots[i]
			view.Roots = append(view.Roots, rootView{
				string(issuer.CertificatePEM(r.Certificate)), time.UnixMilli(r.Created).UTC(), time.UnixMilli(r.Expires).UTC(), r == signer,
			})
		}
		items = append(items, view)
	}
	return map[string]any{"Items": items}, nil
}

// aMesh is the input of rotate-authority.
type aMesh struct{ Account, Mesh string }

func (h *Handler) rotateAuthority(ctx context.Context, in *aMesh) (any, error) {
	_, err := h.cfg.Replica.Propose(ctx, command.AccountID(in.Account), &mesh.RotateAuthority{Mesh: in.Mesh})
	return struct{}{}, err
}
