package identity

import (
	"reflect"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
)

func TestEdit(t *testing.T) {
	w := &fixture{t, new(State)}
	w.must(&PutPolicy{Policy{acct, "readers", allOK}, true})
	w.must(&PutGroup{Group{Account: acct, Name: "team"}, true})
	w.must(&PutUser{User{Account: acct, Name: "ann", Tags: map[string]string{"a": "1"}}, true})
	w.must(&PutRole{Role{Account: acct, Name: "ci", Trust: trust}, true})
	before := w.s

	w.must(&Edit{Account: acct, Kind: "user", Name: "ann", Attach: []string{"readers", "readers", "AWSCloudMapReadOnlyAccess"}, AddGroups: []string{"team"},
		Inline: []Inline{{"own", allOK}}, Tag: map[string]string{"b": "2"}, Untag: []string{"a"}, Boundary: new("readers")})
	want := User{Account: acct, Name: "ann", Groups: []string{"team"}, Tags: map[string]string{"b": "2"},
		PolicyAttachments: PolicyAttachments{Managed: []string{"readers", "AWSCloudMapReadOnlyAccess"}, Inline: []Inline{{"own", allOK}}, Boundary: "readers"}}
	created, _ := before.users.Get(acct + "/ann")
	want.UniqueID = created.UniqueID
	if got, _ := w.s.users.Get(acct + "/ann"); !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if old, _ := before.users.Get(acct + "/ann"); len(old.Managed) > 0 || old.Tags["a"] != "1" {
		t.Errorf("the state before was changed: %+v", old)
	}
	w.must(&Edit{Account: acct, Kind: "user", Name: "ann", Detach: []string{PolicyARN(acct, "readers")}, RemoveGroups: []string{"team"}, DeleteInline: []string{"own"}, Boundary: new("")})
	want = User{Account: acct, Name: "ann", Groups: []string{}, Tags: map[string]string{"b": "2"}, PolicyAttachments: PolicyAttachments{Managed: []string{"AWSCloudMapReadOnlyAccess"}}}
	if got, _ := w.s.users.Get(acct + "/ann"); !reflect.DeepEqual(got.Managed, want.Managed) || len(got.Groups)+len(got.Inline) > 0 || got.Boundary != "" {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	w.must(&Edit{Account: acct, Kind: "group", Name: "team", Inline: []Inline{{"g", allOK}}})
	w.must(&Edit{Account: acct, Kind: "group", Name: "team", Inline: []Inline{{"g", allOK}, {"h", allOK}}})
	if g, _ := w.s.groups.Get(acct + "/team"); len(g.Inline) != 2 {
		t.Errorf("%+v", g)
	}
	w.must(&Edit{Account: acct, Kind: "role", Name: "ci", MaxSession: new(int64(7200)), Trust: new(trust)})
	if r, _ := w.s.roles.Get(acct + "/ci"); r.MaxSession != 7200 {
		t.Errorf("%+v", r)
	}
}

func TestEditRefuses(t *testing.T) {
	w := &fixture{t, new(State)}
	w.must(&PutUser{User{Account: acct, Name: "ann"}, true})
	w.must(&PutGroup{Group{Account: acct, Name: "team"}, true})
	w.must(&PutRole{Role{Account: acct, Name: "ci", Trust: trust}, true})
	for _, c := range []struct {
		edit Edit
		want error
		text string
	}{
		{Edit{Kind: "user", Name: "bob"}, &command.NotFound{}, "user bob"},
		{Edit{Kind: "robot", Name: "ann"}, &command.InvalidInput{}, "not a user"},
		{Edit{Kind: "user", Name: "ann", Attach: []string{"missing"}}, &command.NotFound{}, "policy missing"},
		{Edit{Kind: "user", Name: "ann", Detach: []string{"missing"}}, &command.NotFound{}, "policy missing"},
		{Edit{Kind: "user", Name: "ann", DeleteInline: []string{"missing"}}, &command.NotFound{}, "policy missing"},
		{Edit{Kind: "user", Name: "ann", AddGroups: []string{"missing"}}, &command.NotFound{}, "group missing"},
		{Edit{Kind: "user", Name: "ann", RemoveGroups: []string{"team"}}, &command.NotFound{}, "group team"},
		{Edit{Kind: "user", Name: "ann", Untag: []string{"x"}}, &command.NotFound{}, "tag x"},
		{Edit{Kind: "user", Name: "ann", Trust: new(trust)}, &command.InvalidInput{}, "only a role"},
		{Edit{Kind: "user", Name: "ann", Inline: []Inline{{"p", `{"Statement":{"Efect":"Allow"}}`}}}, &command.InvalidInput{}, "Efect"},
		{Edit{Kind: "group", Name: "team", Tag: map[string]string{"a": "b"}}, &command.InvalidInput{}, "no tags"},
		{Edit{Kind: "group", Name: "team", Boundary: new("AWSCloudMapReadOnlyAccess")}, &command.InvalidInput{}, "boundary"},
		{Edit{Kind: "role", Name: "ci", AddGroups: []string{"team"}}, &command.InvalidInput{}, "only a user"},
		{Edit{Kind: "role", Name: "ci", Trust: new(allOK)}, &command.InvalidInput{}, "trust"},
		{Edit{Kind: "role", Name: "ci", MaxSession: new(int64(1))}, &command.InvalidInput{}, "seconds"},
	} {
		c.edit.Account = acct
		w.refused(&c.edit, c.want, c.text)
	}
}
