package identity

import (
	"crypto/rand"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
)

const (
	acct  = "123456789012"
	other = "210987654321"
	allOK = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	trust = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`
)

// fixture decides and applies commands.
type fixture struct {
	*testing.T
	s *State
}

func (w *fixture) do(c command.Command) error {
	var m command.Meta
	rand.Read(m.Entropy[:])
	decision, err := c.Decide(testView{w.s}, &m)
	if err != nil {
		return err
	}
	if len(decision.Changes) > 0 && len(decision.Reads) == 0 {
		w.Errorf("%#v rests on nothing", c)
	}
	d := NewDraft(w.s)
	for _, c := range decision.Changes {
		value, put := c.Value(nil)
		if !put {
			value = nil
		} else if value == nil {
			value = []byte{}
		}
		decoded, err := Slice().Decode(c.Key(), value)
		if err != nil {
			w.Fatal(err)
		}
		d.Apply(1, decoded) // as followers do
	}
	w.s = d.State()
	return nil
}

func (w *fixture) must(c command.Command) {
	w.Helper()
	if err := w.do(c); err != nil {
		w.Fatalf("%#v: %v", c, err)
	}
}

func (w *fixture) refused(c command.Command, want error, text string) {
	w.Helper()
	before := w.s
	err := w.do(c)
	if reflect.TypeOf(err) != reflect.TypeOf(want) || !strings.Contains(err.Error(), text) {
		w.Errorf("%#v: got %T %v, want %T with %q", c, err, err, want, text)
	}
	if w.s != before {
		w.Error("a refusal changed something")
	}
}

func inline(name, text string) PolicyAttachments {
	return PolicyAttachments{Inline: []Inline{{name, text}}}
}

func TestCommands(t *testing.T) {
	w := &fixture{t, new(State)}
	w.must(&PutPolicy{Policy{acct, "readers", allOK}, true})
	w.refused(&PutPolicy{Policy{acct, "readers", allOK}, true}, &command.AlreadyExists{}, "policy readers")
	w.refused(&PutPolicy{Policy{acct, "broken", `{"Statement":{"Efect":"Allow"}}`}, true}, &command.InvalidInput{}, "Statement.Efect")
	w.refused(&PutPolicy{Policy{acct, "AWSCloudMapFullAccess", allOK}, true}, &command.InvalidInput{}, "AWS managed")
	w.must(&PutGroup{Group{acct, "team", PolicyAttachments{Managed: []string{"readers"}}}, true})
	w.refused(&PutGroup{Group{acct, "team2", PolicyAttachments{Managed: []string{"missing"}}}, true}, &command.NotFound{}, "policy missing")
	w.refused(&PutUser{User{Account: acct, Name: "ann", Groups: []string{"missing"}}, true}, &command.NotFound{}, "group missing")
	w.refused(&PutUser{User{Account: "12", Name: "ann"}, true}, &command.InvalidInput{}, "twelve digits")
	w.refused(&PutUser{User{Account: acct, Name: "a/b"}, true}, &command.InvalidInput{}, "letters")
	w.refused(&PutUser{User{Account: acct, Name: "ann", Tags: map[string]string{"A": "", "a": ""}}, true}, &command.InvalidInput{}, "case")
	w.refused(&PutUser{User{Account: acct, Name: "ann"}, false}, &command.NotFound{}, "user ann")
	w.must(&PutUser{User{Account: acct, Name: "ann", Groups: []string{"team"}, PolicyAttachments: PolicyAttachments{Boundary: "AWSCloudMapReadOnlyAccess"}}, true})
	w.refused(&DeleteGroup{acct, "team"}, &command.Conflict{}, "such as ann")
	w.refused(&DeletePolicy{acct, "readers"}, &command.Conflict{}, "such as to group team")
	w.keys()
	w.must(&PutRole{Role{Account: acct, Name: "deployer", Trust: trust, MaxSession: 7200, PolicyAttachments: inline("p", allOK), Tags: map[string]string{"a": "b"}}, true})
	w.refused(&PutRole{Role{Account: acct, Name: "r", Trust: allOK}, true}, &command.InvalidInput{}, "trust policy: Statement.Resource")
	w.refused(&PutRole{Role{Account: acct, Name: "r", Trust: trust, MaxSession: 60}, true}, &command.InvalidInput{}, "seconds")
	w.must(&PutAccount{Account{ID: acct, Quotas: map[string]int{"instances_per_service": 5}, Rates: map[string]command.Rate{"discover": {PerSecond: 1.5, Burst: 3}}}})
	w.refused(&PutAccount{Account{ID: acct, Quotas: map[string]int{"x": 5}}}, &command.InvalidInput{}, "quota")
	w.refused(&PutAccount{Account{ID: acct, Rates: map[string]command.Rate{"read": {PerSecond: -1}}}}, &command.InvalidInput{}, "rate")
	if a, ok := w.s.Settings(acct); !ok || a.Quotas["instances_per_service"] != 5 || a.Rates["discover"] != (command.Rate{PerSecond: 1.5, Burst: 3}) {
		t.Errorf("settings %+v", a)
	}
	w.reloaded()
	w.must(&PutAccount{Account{ID: acct}})
	w.must(&DeleteUser{acct, "ann"})
	w.must(&DeleteGroup{acct, "team"})
	w.must(&DeletePolicy{acct, "readers"})
	w.must(&DeleteRole{acct, "deployer"})
	for c := range Slice().All(w.s) {
		t.Errorf("%s is left", c.Change.Key())
	}
}

func (w *fixture) keys() {
	key := AccessKey{ID: "AKIA1", Account: acct, User: "ann", Sealed: []byte("sealed")}
	w.must(&PutKey{key, true})
	w.refused(&PutKey{AccessKey{ID: "AKIA2", Account: acct, User: "ann", Secret: "clear", Sealed: []byte("x")}, true}, &command.InvalidInput{}, "sealed only")
	w.refused(&PutKey{AccessKey{ID: "AKIA2", Account: acct, User: "bob", Sealed: []byte("x")}, true}, &command.NotFound{}, "user bob")
	w.must(&PutKey{AccessKey{ID: "AKIA2", Account: acct, User: "ann", Sealed: []byte("x")}, true})
	w.refused(&PutKey{AccessKey{ID: "AKIA3", Account: acct, User: "ann", Sealed: []byte("x")}, true}, &command.Conflict{}, "2 access keys")
	w.refused(&DeleteKey{other, "AKIA1"}, &command.NotFound{}, "AKIA1")
	key.Inactive = true
	w.must(&PutKey{key, false})
}

// reloaded loads the state from what is stored.
func (w *fixture) reloaded() {
	d := NewDraft(new(State))
	for c := range Slice().All(w.s) {
		value, _ := c.Change.Value(nil)
		decoded, err := Slice().Decode(c.Change.Key(), append([]byte{}, value...))
		if err != nil {
			w.Fatal(err)
		}
		d.Apply(1, decoded)
	}
	if a, b := w.s.Source(), d.State().Source(); !reflect.DeepEqual(a, b) {
		w.Errorf("loaded\n%+v\nwant\n%+v", b, a)
	}
}

// TestPlainSecretsAreNotEncoded: even a key with one is stored without.
func TestPlainSecretsAreNotEncoded(t *testing.T) {
	k := &AccessKey{ID: "A", Secret: "in clear", Sealed: []byte("x")}
	if strings.Contains(string(k.encode(nil)), "clear") {
		t.Error("a secret in clear")
	}
}

// TestDirectory: who is what, and what a problem does.
func TestDirectory(t *testing.T) {
	file := &Source{
		Users: []User{{Account: acct, Name: "ann", PolicyAttachments: inline("p", allOK)}, {Account: acct, Name: "lost", PolicyAttachments: PolicyAttachments{Managed: []string{"missing"}}}},
		Keys:  []AccessKey{{ID: "A", Account: acct, User: "ann", Secret: "s"}},
	}
	stored := &Source{
		Users: []User{{Account: acct, Name: "ann"}, {Account: other, Name: "bob", Groups: []string{"g"}}},
		Keys: []AccessKey{{ID: "A", Account: other, User: "bob", Sealed: []byte("x")}, {ID: "B", Account: other, User: "bob", Sealed: []byte("x")},
			{ID: "C", Account: other, User: "bob", Sealed: []byte("bad")}, {ID: "D", Account: other, User: "nobody", Sealed: []byte("x")}},
		Groups: []Group{{Account: other, Name: "g", PolicyAttachments: inline("p", allOK)}},
	}
	d, problems := Compile(nil, func(k *AccessKey) (string, error) {
		if string(k.Sealed) == "bad" {
			return "", errors.New("not sealed here")
		}
		return "opened", nil
	}, file, stored)
	if len(problems) != 2 {
		t.Errorf("problems %v", problems)
	}
	if k, ok := d.Key("A"); !ok || k.Owner.Name != "ann" || k.Secret != "s" || k.Owner.Identity == nil {
		t.Errorf("the file does not win: %+v", k)
	}
	if k, ok := d.Key("B"); !ok || k.Owner.ARN != "arn:aws:iam::210987654321:user/bob" || k.Secret != "opened" {
		t.Errorf("B: %+v", k)
	}
	for _, id := range []string{"C", "D", "E", ""} {
		if _, ok := d.Key(id); ok {
			t.Errorf("key %q is there", id)
		}
	}
	p, ok := d.Principal("arn:aws:iam::123456789012:user/lost")
	if !ok {
		t.Fatal("the user with a missing policy is not there")
	}
	got := p.Evaluate(&access.Request{Action: "sts:GetCallerIdentity", Resources: []access.Resource{{ARN: "*"}}})
	if got.Allowed || got.Why != access.ExplicitDeny {
		t.Errorf("lost: %+v", got)
	}
}

func TestSessionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		s := &Session{
			Role: text.Draw(t, "role"), Name: text.Draw(t, "name"), AccessKeyID: text.Draw(t, "key"), Secret: text.Draw(t, "secret"),
			Issued: rapid.Int64Range(0, 1<<40).Draw(t, "issued"), Expires: rapid.Int64Range(0, 1<<40).Draw(t, "expires"),
			SourceIdentity: text.Draw(t, "source"), Provider: text.Draw(t, "provider"),
		}
		if tags := rapid.MapOfN(rapid.StringN(1, 5, 20), text, 0, 3).Draw(t, "tags"); len(tags) > 0 {
			s.Tags = tags
		}
		got, err := DecodeSession(s.Encode(nil))
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%v\n%+v\n%+v", err, got, s)
		}
	})
}

// FuzzDecode: whatever is in a store, decoding it must not panic, and what
// decodes keeps its key.
func FuzzDecode(f *testing.F) {
	f.Add("iu/123456789012/ann", []byte{1, 2, 3})
	f.Add("ia/123456789012", []byte("x"))
	f.Add("ik/AKIA", []byte{})
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		DecodeSession(value)
		c, err := Slice().Decode(key, value)
		if err != nil {
			return
		}
		d := NewDraft(new(State))
		d.Apply(1, c)
		d.State().Source()
		if c.Key() != key {
			t.Errorf("key %q became %q", key, c.Key())
		}
	})
}
