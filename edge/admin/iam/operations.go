package iam

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"

	"cairn/core/identity"
	"cairn/core/registry"
)

// fresh returns a new zero value of a command's type.
func fresh(c identity.Command) identity.Command {
	return reflect.New(reflect.TypeOf(c).Elem()).Interface().(identity.Command)
}

// inAccount is the input of operations that list what an account has.
type inAccount struct{ Account, User string }

func (h *Handler) identities() *identity.State { return &h.cfg.Replica.Current().Identity }

// list collects what one account has.
func list[T any](body []byte, of func(account string) iter.Seq[T]) (any, error) {
	var in inAccount
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	return map[string]any{"Items": append([]T{}, slices.Collect(of(in.Account))...)}, nil
}

func (h *Handler) listUsers(_ context.Context, body []byte) (any, error) {
	return list(body, h.identities().Users)
}

func (h *Handler) listGroups(_ context.Context, body []byte) (any, error) {
	return list(body, h.identities().Groups)
}

func (h *Handler) listRoles(_ context.Context, body []byte) (any, error) {
	return list(body, h.identities().Roles)
}

func (h *Handler) listPolicies(_ context.Context, body []byte) (any, error) {
	return list(body, h.identities().Policies)
}

func (h *Handler) listAccounts(context.Context, []byte) (any, error) {
	items := []*identity.Account{}
	for _, a := range h.identities().Accounts() {
		items = append(items, a)
	}
	return map[string]any{"Items": items}, nil
}

// keyView is what is told of an access key: not its secret, sealed or not.
type keyView struct {
	ID, Account, User string
	Active            bool
	Created           time.Time
}

func (h *Handler) listKeys(_ context.Context, body []byte) (any, error) {
	var in inAccount
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	items := []keyView{}
	for k := range h.identities().Keys(in.Account, in.User) {
		items = append(items, keyView{k.ID, k.Account, k.User, !k.Inactive, time.UnixMilli(k.Created).UTC()})
	}
	return map[string]any{"Items": items}, nil
}

// SealContext binds a sealed secret to its access key.
func SealContext(keyID string) string { return "secret of access key " + keyID }

// createKey makes an access key, and tells its secret this once.
func (h *Handler) createKey(ctx context.Context, body []byte) (any, error) {
	var in inAccount
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if h.cfg.Seal == nil {
		return nil, &badRequest{"there is no key to seal secrets with: give auth.seal_key_file, or the key in CAIRN_SEAL_KEY"}
	}
	var raw [10 + 30]byte
	rand.Read(raw[:]) // never fails
	id := "AKIA" + base32.StdEncoding.EncodeToString(raw[:10])
	secret := base64.StdEncoding.EncodeToString(raw[10:])
	err := h.cfg.Replica.ProposeIdentity(ctx, &identity.PutKey{New: true, AccessKey: identity.AccessKey{
		ID: id, Account: in.Account, User: in.User, Created: time.Now().UnixMilli(),
		Sealed: h.cfg.Seal.Seal(nil, []byte(secret), SealContext(id)),
	}})
	return map[string]string{"ID": id, "Secret": secret}, err
}

// updateKey enables or disables an access key.
func (h *Handler) updateKey(ctx context.Context, body []byte) (any, error) {
	var in struct {
		Account, ID string
		Active      bool
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	for k := range h.identities().Keys(in.Account, "") {
		if k.ID == in.ID {
			next := *k
			next.Inactive = !in.Active
			return struct{}{}, h.cfg.Replica.ProposeIdentity(ctx, &identity.PutKey{AccessKey: next})
		}
	}
	return nil, &identity.NotFound{What: "access key " + in.ID}
}

func (h *Handler) shareNamespace(ctx context.Context, body []byte) (any, error) {
	var in struct {
		Account, Namespace string // the owner; id, ARN or name of the namespace
		With               []registry.AccountID
		Stop               bool
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	owner := registry.AccountID(in.Account)
	ref := in.Namespace
	if !strings.HasPrefix(ref, "arn:") {
		ref = h.namespaceID(owner, ref)
	}
	_, err := h.cfg.Replica.Propose(ctx, owner, &registry.ShareNamespace{Ref: ref, With: in.With, Stop: in.Stop})
	return struct{}{}, err
}

// namespaceID finds a namespace by its name.
func (h *Handler) namespaceID(owner registry.AccountID, name string) string {
	for id, ns := range h.cfg.Replica.Current().Registry.Namespaces(owner, "") {
		if ns.Name == name || ns.HTTPName == name {
			return string(id)
		}
	}
	return name
}

type shareView struct {
	Namespace, ARN string
	With           []registry.AccountID
}

func (h *Handler) listShares(_ context.Context, body []byte) (any, error) {
	var in inAccount
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	items := []shareView{}
	for ns, with := range h.cfg.Replica.Current().Registry.NamespaceShares(registry.AccountID(in.Account)) {
		items = append(items, shareView{ns.Name, h.cfg.Rules().NamespaceARN(ns.Account, ns.ID), with})
	}
	return map[string]any{"Items": items}, nil
}
