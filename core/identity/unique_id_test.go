package identity

import "testing"

func openTestKey(*AccessKey) (string, error) { return "secret", nil }

// directory compiles the state with a secret for every key.
func (w *fixture) directory() *Directory {
	w.Helper()
	d, problems := Compile(nil, openTestKey, w.s.Source())
	if len(problems) > 0 {
		w.Fatal(problems)
	}
	return d
}

// TestSessionEndsWithItsRole: a role that is deleted and created again does not revive
// the sessions of the old one.
func TestSessionEndsWithItsRole(t *testing.T) {
	w := &fixture{T: t, s: new(State)}
	role := Role{Account: acct, Name: "deployer", Trust: trust}
	w.must(&PutRole{role, true})
	first, _ := w.directory().Principal(RoleARN(acct, "deployer"))
	s := &Session{Role: first.ARN, RoleID: first.ID, Name: "me"}
	decoded, err := DecodeSession(s.Encode(nil))
	if err != nil || decoded.RoleID != first.ID || first.ID[:4] != "AROA" || len(first.ID) != 21 {
		t.Fatalf("session %+v of role %q: %v", decoded, first.ID, err)
	}
	w.must(&PutRole{Role{Account: acct, Name: "deployer", Trust: trust, MaxSession: 7200}, false})
	w.must(&Edit{Account: acct, Kind: "role", Name: "deployer", Tag: map[string]string{"a": "b"}})
	w.reloaded()
	if _, err := w.directory().Session(decoded); err != nil {
		t.Errorf("a change of the role ends its session: %v", err)
	}
	w.must(&DeleteRole{acct, "deployer"})
	w.must(&PutRole{role, true})
	if p, err := w.directory().Session(decoded); err == nil {
		t.Errorf("the new role %s revives the session of the old one", p.ID)
	}
}

// TestKeyEndsWithItsUser: a key names the unique id of its user.
func TestKeyEndsWithItsUser(t *testing.T) {
	w := &fixture{T: t, s: new(State)}
	w.must(&PutUser{User{Account: acct, Name: "ann"}, true})
	w.must(&PutKey{AccessKey{ID: "AKIA1", Account: acct, User: "ann", Sealed: []byte("x")}, true})
	w.must(&PutKey{AccessKey{ID: "AKIA1", Account: acct, User: "ann", Sealed: []byte("y")}, false})
	w.must(&Edit{Account: acct, Kind: "user", Name: "ann", Tag: map[string]string{"a": "b"}})
	key, ok := w.directory().Key("AKIA1")
	if !ok || key.Owner.ID[:4] != "AIDA" {
		t.Fatalf("key %+v", key)
	}
	var old *AccessKey
	for k := range w.s.Keys(acct, "ann") {
		old = k
	}
	w.must(&DeleteUser{acct, "ann"})
	w.must(&PutUser{User{Account: acct, Name: "ann"}, true})
	source := w.s.Source()
	source.Keys = append(source.Keys, *old) // as if it had been kept
	d, _ := Compile(nil, openTestKey, source)
	if _, ok := d.Key("AKIA1"); ok {
		t.Error("the key of the old user is valid for the new one")
	}
}

// Principals of the configuration and of earlier versions have ids that depend on
// their names.
func TestDerivedIDs(t *testing.T) {
	source := &Source{
		Users: []User{{Account: acct, Name: "ann"}}, Roles: []Role{{Account: acct, Name: "deployer", Trust: trust}},
		Keys: []AccessKey{{ID: "AKIA1", Account: acct, User: "ann", Secret: "s"}},
	}
	d, problems := Compile(nil, openTestKey, source)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, ok := d.Key("AKIA1"); !ok {
		t.Error("the key of the configuration is not there")
	}
	role, _ := d.Principal(RoleARN(acct, "deployer"))
	for _, id := range []string{"", role.ID} {
		if _, err := d.Session(&Session{Role: role.ARN, RoleID: id}); err != nil {
			t.Errorf("session with role id %q: %v", id, err)
		}
	}
}
