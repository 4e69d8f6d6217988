package identity

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/registry"
)

// inAccount is the input of operations that list what an account has.
type inAccount struct{ Account, User string }

// ofAccount is the input of operations that list entities of an account.
type ofAccount struct{ Account string }

// none is the input of operations that need none. An account is accepted and not
// used, since clients send one with every request.
type none struct{ Account string }

func (h *Handler) identities() *identity.State { return &h.cfg.Replica.Current().Identity }

// Views show entities with their ARN and whether the configuration file has them.
type (
	userView struct {
		ARN string
		identity.User
		File bool
	}
	groupView struct {
		identity.Group
		File bool
	}
	roleView struct {
		ARN string
		identity.Role
		File bool
	}
	policyView struct {
		ARN string
		identity.Policy
		// File is set for a policy of the configuration file, AWS for a managed
		// policy of AWS.
		File, AWS bool
	}
)

// list collects what one account has, in the file and then in the store.
func list[T, V any](wanted string, file []T, stored func(account string) iter.Seq[*T], account func(*T) string, view func(*T, bool) V) (any, error) {
	items := []V{}
	for i := range file {
		if account(&file[i]) == wanted {
			items = append(items, view(&file[i], true))
		}
	}
	for x := range stored(wanted) {
		items = append(items, view(x, false))
	}
	return map[string]any{"Items": items}, nil
}

func (h *Handler) listUsers(_ context.Context, in *ofAccount) (any, error) {
	return list(in.Account, h.cfg.File().Users, h.identities().Users, func(u *identity.User) string { return u.Account },
		func(u *identity.User, file bool) userView {
			return userView{identity.UserARN(u.Account, u.Name), *u, file}
		})
}

func (h *Handler) listGroups(_ context.Context, in *ofAccount) (any, error) {
	return list(in.Account, h.cfg.File().Groups, h.identities().Groups, func(g *identity.Group) string { return g.Account },
		func(g *identity.Group, file bool) groupView { return groupView{*g, file} })
}

func (h *Handler) listRoles(_ context.Context, in *ofAccount) (any, error) {
	return list(in.Account, h.cfg.File().Roles, h.identities().Roles, func(r *identity.Role) string { return r.Account },
		func(r *identity.Role, file bool) roleView {
			return roleView{identity.RoleARN(r.Account, r.Name), *r, file}
		})
}

func (h *Handler) listPolicies(_ context.Context, in *ofAccount) (any, error) {
	return list(in.Account, h.cfg.File().Policies, h.identities().Policies, func(p *identity.Policy) string { return p.Account },
		func(p *identity.Policy, file bool) policyView {
			return policyView{ARN: identity.PolicyARN(p.Account, p.Name), Policy: *p, File: file}
		})
}

// listManaged lists the AWS managed policies that can be attached by name.
func (h *Handler) listManaged(context.Context, *none) (any, error) {
	items := []policyView{}
	for _, name := range access.ManagedNames() {
		arn, text, _ := access.ManagedText(name)
		items = append(items, policyView{ARN: arn, Policy: identity.Policy{Name: name, Text: text}, AWS: true})
	}
	return map[string]any{"Items": items}, nil
}

// accountView shows an account that has settings, entities or namespaces.
type accountView struct {
	identity.Account
	Users, Roles, Keys, Namespaces int
}

func (h *Handler) listAccounts(context.Context, *none) (any, error) {
	found := map[string]*accountView{}
	of := func(id string) *accountView {
		if found[id] == nil {
			found[id] = &accountView{Account: identity.Account{ID: id}}
		}
		return found[id]
	}
	for _, s := range []*identity.Source{h.cfg.File(), h.identities().Source()} {
		for _, u := range s.Users {
			of(u.Account).Users++
		}
		for _, r := range s.Roles {
			of(r.Account).Roles++
		}
		for _, k := range s.Keys {
			of(k.Account).Keys++
		}
	}
	for id, a := range h.identities().Accounts() {
		of(id).Account = *a
	}
	reg := &h.cfg.Replica.Current().Registry
	for id := range reg.Accounts() {
		for range reg.Namespaces(id, "") {
			of(string(id)).Namespaces++
		}
	}
	items := []*accountView{}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		items = append(items, found[id])
	}
	return map[string]any{"Items": items}, nil
}

// keyView shows an access key without its secret.
type keyView struct {
	ID, Account, User string
	Active            bool
	Created           time.Time `json:",omitzero"` // not known of a key of the file
	File              bool
}

func (h *Handler) listKeys(_ context.Context, in *inAccount) (any, error) {
	items := []keyView{}
	for _, k := range h.cfg.File().Keys {
		if k.Account == in.Account && (in.User == "" || in.User == k.User) {
			items = append(items, keyView{ID: k.ID, Account: k.Account, User: k.User, Active: !k.Inactive, File: true})
		}
	}
	for k := range h.identities().Keys(in.Account, in.User) {
		items = append(items, keyView{ID: k.ID, Account: k.Account, User: k.User, Active: !k.Inactive, Created: time.UnixMilli(k.Created).UTC()})
	}
	return map[string]any{"Items": items}, nil
}

// SealContext binds a sealed secret to its access key.
func SealContext(keyID string) string { return "secret of access key " + keyID }

// newKey is an access key with its secret. No later answer has the secret.
type newKey struct{ ID, Secret, User string }

func (h *Handler) createKey(ctx context.Context, in *inAccount) (any, error) {
	return h.makeKey(ctx, in.Account, in.User)
}

// makeKey makes an access key for a user.
func (h *Handler) makeKey(ctx context.Context, account, user string) (any, error) {
	if h.cfg.Seal == nil {
		return nil, &badRequest{"there is no key to seal secrets with: give auth.seal_key_file, or the key in CAIRN_SEAL_KEY;" +
			" \"cairn key generate-seal-key\" makes one"}
	}
	if inFile(h.cfg.File(), entity{"user", account, user}) {
		return nil, ownedByFile("user " + user)
	}
	var raw [10 + 30]byte
	rand.Read(raw[:]) // never fails
	id := "AKIA" + base32.StdEncoding.EncodeToString(raw[:10])
	secret := base64.StdEncoding.EncodeToString(raw[10:])
	err := h.propose(ctx, &identity.PutKey{New: true, AccessKey: identity.AccessKey{
		ID: id, Account: account, User: user, Created: time.Now().UnixMilli(),
		Sealed: h.cfg.Seal.Seal(nil, []byte(secret), SealContext(id)),
	}})
	return &newKey{id, secret, user}, err
}

// aKey is the input of operations on one access key.
type aKey struct {
	Account, ID string
	Active      bool
}

// findKey finds a key of the store.
func (h *Handler) findKey(in *aKey) (*identity.AccessKey, error) {
	for k := range h.identities().Keys(in.Account, "") {
		if k.ID == in.ID {
			return k, nil
		}
	}
	if slices.ContainsFunc(h.cfg.File().Keys, func(k identity.AccessKey) bool { return k.ID == in.ID && k.Account == in.Account }) {
		return nil, ownedByFile("access key " + in.ID)
	}
	return nil, &command.NotFound{Message: "access key " + in.ID + " does not exist"}
}

// updateKey enables or disables an access key.
func (h *Handler) updateKey(ctx context.Context, in *aKey) (any, error) {
	k, err := h.findKey(in)
	if err != nil {
		return nil, err
	}
	next := *k
	next.Inactive = !in.Active
	return struct{}{}, h.propose(ctx, &identity.PutKey{AccessKey: next})
}

// rotateKey makes a second key for the user of a key. The first stays valid until it
// is disabled, so that its users have time to change.
func (h *Handler) rotateKey(ctx context.Context, in *aKey) (any, error) {
	k, err := h.findKey(in)
	if err != nil {
		return nil, err
	}
	return h.makeKey(ctx, k.Account, k.User)
}

func (h *Handler) deleteKey(ctx context.Context, in *aKey) (any, error) {
	if _, err := h.findKey(in); err != nil {
		return nil, err
	}
	return struct{}{}, h.propose(ctx, &identity.DeleteKey{Account: in.Account, ID: in.ID})
}

// share is the input of share-namespace.
type share struct {
	Account, Namespace string // the owner; id, ARN or name of the namespace
	With               []command.AccountID
	Stop               bool
}

func (h *Handler) shareNamespace(ctx context.Context, in *share) (any, error) {
	owner := command.AccountID(in.Account)
	ref := in.Namespace
	if !strings.HasPrefix(ref, "arn:") {
		ref = h.namespaceID(owner, ref)
	}
	_, err := h.cfg.Replica.Propose(ctx, owner, &registry.ShareNamespace{Ref: ref, With: in.With, Stop: in.Stop})
	return struct{}{}, err
}

// namespaceID finds a namespace by its name.
func (h *Handler) namespaceID(owner command.AccountID, name string) string {
	for id, ns := range h.cfg.Replica.Current().Registry.Namespaces(owner, "") {
		if ns.Name == name || ns.HTTPName == name {
			return string(id)
		}
	}
	return name
}

// meshShare is the input of share-mesh.
type meshShare struct {
	Account, Mesh string // the owner; name of the mesh
	With          []command.AccountID
	Stop          bool
}

func (h *Handler) shareMesh(ctx context.Context, in *meshShare) (any, error) {
	_, err := h.cfg.Replica.Propose(ctx, command.AccountID(in.Account), &mesh.ShareMesh{Mesh: in.Mesh, With: in.With, Stop: in.Stop})
	return struct{}{}, err
}

// shareView is a namespace or a mesh that is shared.
type shareView struct {
	Namespace string `json:",omitempty"`
	Mesh      string `json:",omitempty"`
	ARN       string
	With      []command.AccountID
}

func (h *Handler) listShares(_ context.Context, in *inAccount) (any, error) {
	items := []shareView{}
	s := h.cfg.Replica.Current()
	for ns, with := range s.Registry.NamespaceShares(command.AccountID(in.Account)) {
		items = append(items, shareView{Namespace: ns.Name, ARN: h.cfg.Rules().Registry.NamespaceARN(ns.Account, ns.ID), With: with})
	}
	for r, with := range s.Mesh.Shares(command.AccountID(in.Account)) {
		items = append(items, shareView{Mesh: r.Ref.Mesh, ARN: r.ARN(h.cfg.Rules().Region()), With: with})
	}
	return map[string]any{"Items": items}, nil
}
