package service_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
)

// The API "notes" of "Add an API" in ARCHITECTURE.md, with shapes and codecs that
// would be generated.

type putNoteInput struct {
	Name, Text *string
	Tags       []service.Tag
}

type getNoteInput struct{ Name *string }

type noteOutput struct{ Text string }

type listNotesInput struct{ NextToken *string }

type listNotesOutput struct {
	Names     []string
	NextToken string
}

func decodePutNote(r *wire.Request) (any, error) {
	in := new(putNoteInput)
	rd := awsjson.NewReader(r.Body)
	for rd.BeginObject(); rd.NextMember(); {
		switch string(rd.Name()) {
		case "Name":
			in.Name = awsjson.OptionalText[string](rd)
		case "Text":
			in.Text = awsjson.OptionalText[string](rd)
		case "Tag":
			in.Tags = append(in.Tags, service.Tag{Key: "k", Value: rd.Text()})
		default:
			rd.Skip()
		}
	}
	if err := rd.End(); err != nil {
		return nil, err
	}
	if in.Name == nil {
		return in, &wire.Fault{Kind: wire.Validation, Message: "Value null at 'name'"}
	}
	return in, nil
}

func decodeGetNote(r *wire.Request) (any, error) {
	in, err := decodePutNote(r)
	if err != nil {
		return nil, err
	}
	return &getNoteInput{in.(*putNoteInput).Name}, nil
}

func decodeListNotes(r *wire.Request) (any, error) {
	in := new(listNotesInput)
	if len(r.Body) > 0 {
		in.NextToken = new(string(r.Body))
	}
	return in, nil
}

// notes has the handlers.
type notes struct {
	stored map[string]string
	err    error
}

func (n *notes) PutNote(_ context.Context, c *service.Call, in *putNoteInput) error {
	c.Target = *in.Name
	if n.err == nil {
		n.stored[*in.Name] = service.Value(in.Text)
	}
	return n.err
}

func (n *notes) GetNote(_ context.Context, _ *service.Call, in *getNoteInput) (*noteOutput, error) {
	text, ok := n.stored[*in.Name]
	if !ok {
		return nil, &command.NotFound{Message: "no note " + *in.Name}
	}
	return &noteOutput{text}, nil
}

func (n *notes) ListNotes(_ context.Context, c *service.Call, in *listNotesInput) (*listNotesOutput, error) {
	p, err := c.NewPage("all", 2, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := new(listNotesOutput)
	for i := range 5 {
		name := fmt.Sprint("n", i)
		if name <= p.After {
			continue
		}
		if !p.Add(name) {
			break
		}
		out.Names = append(out.Names, name)
	}
	out.NextToken = p.Next
	return out, nil
}

func noteARN(c *service.Call, name string) string {
	return c.ARN(c.Account, "note/"+name)
}

func definition(n *notes) service.Definition {
	keys := []string{"notes:NoteName"}
	return service.Definition{
		Name: "notes", TargetPrefix: "Notes_20261101", Protocol: awsjson.V11, Keys: keys,
		Codes: map[wire.Kind]wire.Code{wire.Validation: {Name: "InvalidNote", Status: 400}},
		Operations: []service.Operation{
			{Name: "PutNote", Decode: decodePutNote, Run: service.RunEmpty(n.PutNote)},
			{Name: "GetNote", Decode: decodeGetNote, Run: service.Run(n.GetNote), Encode: func(w *wire.Response, out any) error {
				w.Body = awsjson.AppendString(append(w.Body, `{"Text":`...), out.(*noteOutput).Text)
				w.Body = append(w.Body, '}')
				return nil
			}},
			{Name: "ListNotes", Decode: decodeListNotes, Run: service.Run(n.ListNotes)},
			{Name: "TagResource", Decode: decodeListNotes, Run: service.Run(n.ListNotes)},
		},
		Policies: map[string]service.Policy{
			"PutNote": {Access: access.Write, Keys: keys, Describe: service.Describe(func(c *service.Call, a *service.Authorization, in *putNoteInput) {
				a.Resource(noteARN(c, *in.Name), nil)
				a.Key("notes:NoteName", *in.Name)
				a.Tags(in.Tags)
				a.TagOnCreation(noteARN(c, "*"))
			})},
			"GetNote": {Access: access.Read, Describe: service.Describe(func(c *service.Call, a *service.Authorization, in *getNoteInput) {
				a.Resource(noteARN(c, *in.Name), nil)
				a.Key("notes:NoteName", *in.Name) // GetNote does not have the key
			})},
			"ListNotes":   {Access: access.List},
			"TagResource": {Access: access.Tagging},
		},
		Errors: func(_ *service.Call, err error) *wire.Error {
			if e, ok := err.(*command.NotFound); ok {
				return &wire.Error{Code: "NoSuchNote", Status: 404, Message: e.Message}
			}
			return nil
		},
	}
}

// policyAccess evaluates a policy.
type policyAccess struct{ subject access.Subject }

func (p *policyAccess) Values(string) []string { return nil }

func (p *policyAccess) Permit(r *access.Request) error {
	if d := p.subject.Evaluate(r); !d.Allowed {
		return &wire.Error{Code: "AccessDeniedException", Status: 400, Message: r.Action + " on " + d.Resource}
	}
	return nil
}

// fixture calls the API as a front door does.
type fixture struct {
	*testing.T
	notes  *notes
	api    *service.API
	policy string // empty: open mode
	call   *service.Call
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{T: t, notes: &notes{stored: map[string]string{}}}
	var err error
	if w.api, err = service.New(definition(w.notes)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *fixture) do(operation, body string) (string, *wire.Error, error) {
	w.Helper()
	w.call = &service.Call{
		Operation: w.api.Operation(operation), Account: "111111111111", Now: time.Unix(0, 0), State: new(state.State),
		Rules: &state.Rules{Registry: registry.Rules{Region: "eu-west-1"}},
	}
	if w.policy != "" {
		catalog, err := access.NewCatalog(w.api.Access())
		if err != nil {
			w.Fatal(err)
		}
		p, err := catalog.Parse("p", access.IdentityPolicy, `{"Version":"2012-10-17","Statement":`+w.policy+`}`)
		if err != nil {
			w.Fatal(err)
		}
		w.call.Caller, w.call.Access = new(identity.Principal), &policyAccess{access.Subject{Identity: catalog.NewSet(p)}}
	}
	r := wire.Response{Body: []byte{}}
	if err := w.call.Serve(context.Background(), &wire.Request{Body: []byte(body)}, &r); err != nil {
		e, cause := w.call.Error(w.api, err)
		return "", e, cause
	}
	return string(r.Body), nil, nil
}

func (w *fixture) want(operation, body, answer, code string) {
	w.Helper()
	got, e, _ := w.do(operation, body)
	if e != nil && e.Code != code || e == nil && (code != "" || got != answer) {
		w.Errorf("%s %s: got %s %v, want %s %s", operation, body, got, e, answer, code)
	}
}

// TestCalls: decoding, validation, handlers and errors of an API in open mode.
func TestCalls(t *testing.T) {
	w := newFixture(t)
	w.want("PutNote", `{"Name":"a","Text":"x"}`, "", "")
	if in, ok := w.call.Input.(*putNoteInput); !ok || *in.Name != "a" || w.call.Target != "a" || w.call.Output != nil {
		t.Errorf("%+v", w.call)
	}
	w.want("GetNote", `{"Name":"a"}`, `{"Text":"x"}`, "")
	w.want("GetNote", `{"Name":"b"}`, "", "NoSuchNote")
	w.want("PutNote", `{}`, "", "InvalidNote")
	if w.call.Input == nil {
		t.Error("an invalid input is not kept for the audit record")
	}
	w.want("PutNote", `{"Name":1}`, "", "SerializationException")
	if w.call.Input != nil {
		t.Error("an input that cannot be decoded is kept")
	}
}

// TestAuthorization: resources and condition keys are those of the typed input, and a
// call with tags needs the permission to tag.
func TestAuthorization(t *testing.T) {
	w := newFixture(t)
	w.policy = `[{"Effect":"Allow","Action":"notes:PutNote","Resource":"arn:aws:notes:*:*:note/a","Condition":{"StringEquals":{"notes:NoteName":"a"}}},
		{"Effect":"Allow","Action":"notes:GetNote","Resource":"*","Condition":{"Null":{"notes:NoteName":"true"}}}]`
	w.want("PutNote", `{"Name":"a"}`, "", "")
	w.want("PutNote", `{"Name":"b"}`, "", "AccessDeniedException")
	w.want("PutNote", `{"Name":"a","Tag":"v"}`, "", "AccessDeniedException")
	w.want("GetNote", `{"Name":"a"}`, `{"Text":""}`, "")
	w.want("ListNotes", ``, "", "AccessDeniedException")
	w.policy = `[{"Effect":"Allow","Action":["notes:PutNote","notes:ListNotes"],"Resource":"*"},
		{"Effect":"Allow","Action":"notes:TagResource","Resource":"arn:aws:notes:*:*:note/*","Condition":{"StringEquals":{"aws:RequestTag/k":"v"},"Null":{"notes:NoteName":"true"}}}]`
	w.want("PutNote", `{"Name":"a","Tag":"v"}`, "", "")
	w.want("PutNote", `{"Name":"a","Tag":"w"}`, "", "AccessDeniedException")
	w.want("ListNotes", ``, "", "")
}

// TestPages: pages continue behind the last item, and a token is bound to its call.
func TestPages(t *testing.T) {
	w := newFixture(t)
	var names []string
	token := ""
	for range 3 {
		if _, e, _ := w.do("ListNotes", token); e != nil {
			t.Fatal(e)
		}
		out := w.call.Output.(*listNotesOutput)
		names, token = append(names, out.Names...), out.NextToken
	}
	if len(names) != 5 || token != "" {
		t.Errorf("%v, then %q", names, token)
	}
	if _, e, _ := w.do("ListNotes", ""); e != nil {
		t.Fatal(e)
	}
	first := w.call.Output.(*listNotesOutput).NextToken
	w.want("TagResource", first, "", "InvalidNote") // a token of another operation
	w.want("ListNotes", "nonsense!", "", "InvalidNote")
}

// TestCommonErrors: errors of replica and store have the same codes in all APIs, and
// nothing else is told to clients.
func TestCommonErrors(t *testing.T) {
	w := newFixture(t)
	secret := errors.New("open /etc/secret: permission denied")
	for _, tt := range []struct {
		err    error
		code   string
		status int
		hidden bool
	}{
		{replica.ErrBusy, "ThrottlingException", 400, false},
		{errors.Join(replica.ErrUnavailable, store.ErrFull), "ServiceUnavailable", 503, false},
		{errors.Join(replica.ErrUnavailable, secret), "ServiceUnavailable", 503, false},
		{replica.ErrStopped, "ServiceUnavailable", 503, false},
		{errors.Join(replica.ErrUnavailable, &store.SizeError{Have: 2001, Limit: 128, Setting: "--max-txn-ops of etcd"}), "InvalidNote", 400, false},
		{errors.Join(replica.ErrUnavailable, store.ErrTooLarge), "InvalidNote", 400, false},
		{errors.Join(replica.ErrUncertain, secret), "ServiceUnavailable", 503, false},
		{context.Canceled, "InternalFailure", 500, false},
		{secret, "InternalFailure", 500, true},
		{&wire.Error{Code: "Own", Status: 418, Cause: secret}, "Own", 418, true},
	} {
		w.notes.err = tt.err
		_, e, cause := w.do("PutNote", `{"Name":"a"}`)
		if e == nil || e.Code != tt.code || e.Status != tt.status || (cause != nil) != tt.hidden {
			t.Errorf("%v: %v, cause %v", tt.err, e, cause)
		} else if len(e.Message) > 200 || strings.Contains(e.Message, "secret") {
			t.Errorf("%v: the client is told %q", tt.err, e.Message)
		}
	}
}

// TestDefinitions: mistakes in the tables of an API stop the start.
func TestDefinitions(t *testing.T) {
	for name, change := range map[string]func(*service.Definition){
		"no name":                        func(d *service.Definition) { d.Name = "" },
		"no protocol":                    func(d *service.Definition) { d.Protocol = nil },
		"an operation without a policy":  func(d *service.Definition) { delete(d.Policies, "GetNote") },
		"a policy without an operation":  func(d *service.Definition) { d.Policies["X"] = service.Policy{Access: access.Read} },
		"a policy without a level":       func(d *service.Definition) { d.Policies["GetNote"] = service.Policy{} },
		"an operation that does not run": func(d *service.Definition) { d.Operations[0].Run = nil },
		"an operation without a decoder": func(d *service.Definition) { d.Operations[0].Decode = nil },
		"no operations":                  func(d *service.Definition) { d.Operations = nil },
	} {
		d := definition(&notes{})
		change(&d)
		if _, err := service.New(d); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
