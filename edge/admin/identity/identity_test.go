package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

const account = "123456789012"

// fixture is a handler on a registry in memory, with one user, filed, in its
// configuration file.
type fixture struct {
	*testing.T
	mux     *http.ServeMux
	replica *replica.Replica
	key     *seal.Key
	log     *buffer
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T, sealed bool) *fixture {
	t.Helper()
	w := &fixture{T: t, mux: http.NewServeMux(), log: new(buffer)}
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	rules := &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
	current := func() *state.Rules { return rules }
	var err error
	if w.replica, err = replica.New(replica.Config{Store: memory.New(), Rules: current, Logger: logger}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.replica.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-w.replica.Loaded()
	if sealed {
		if w.key, err = seal.ParseKey(seal.NewKey()); err != nil {
			t.Fatal(err)
		}
	}
	file := &identity.Source{
		Users: []identity.User{{Account: account, Name: "filed", PolicyAttachments: identity.PolicyAttachments{Managed: []string{"AWSCloudMapReadOnlyAccess"}}}},
		Keys:  []identity.AccessKey{{ID: "AKIAFILED", Account: account, User: "filed", Secret: "of the file"}},
	}
	catalog, err := aws.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	rules.Identity.Catalog = catalog
	h, err := New(Config{
		Known: func(arn string) (access.Tagged, access.MapContext, error) {
			k, err := aws.Known(w.replica.Current().State, rules, arn)
			return k.Tags, k.Keys, err
		},
		Replica: w.replica, Rules: current, Seal: w.key, Logger: logger, File: func() *identity.Source { return file },
		Directory: func() *identity.Directory {
			d, _ := identity.Compile(catalog, func(*identity.AccessKey) (string, error) { return "x", nil }, file, w.replica.Current().Identity.Source())
			return d
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("POST /identity/{operation}", h)
	return w
}

// post sends an operation.
func (w *fixture) post(operation, body string) (status int, answer string) {
	r := httptest.NewRequest("POST", "/identity/"+operation, strings.NewReader(body))
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	if rec.Header().Get("Content-Type") != "application/json" || rec.Header().Get("Cache-Control") != "no-store" {
		w.Errorf("%s: header %v", operation, rec.Header())
	}
	return rec.Code, rec.Body.String()
}

func (w *fixture) must(operation, body string) string {
	w.Helper()
	status, answer := w.post(operation, body)
	if status != http.StatusOK {
		w.Fatalf("%s %s: %d %s", operation, body, status, answer)
	}
	return answer
}

func (w *fixture) refused(operation, body string, want int, text string) {
	w.Helper()
	if status, answer := w.post(operation, body); status != want || !strings.Contains(answer, text) {
		w.Errorf("%s %s: %d %s, want %d with %q", operation, body, status, answer, want, text)
	}
}

func TestOperations(t *testing.T) {
	w := start(t, true)
	w.must("put-policy", `{"Account":"123456789012","Name":"all","Text":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}","New":true}`)
	w.must("put-user", `{"Account":"123456789012","Name":"ann","Managed":["all"],"New":true}`)
	w.refused("put-user", `{"Account":"123456789012","Name":"ann","New":true}`, 409, "user ann already exists")
	w.refused("put-user", `{"Account":"123456789012","Name":"filed","New":true}`, 409, "in the configuration file")
	w.refused("delete-user", `{"Account":"123456789012","Name":"filed"}`, 409, "in the configuration file")
	w.refused("edit", `{"Account":"123456789012","Kind":"user","Name":"filed","Attach":["all"]}`, 409, "in the configuration file")
	w.refused("delete-user", `{"Account":"123456789012","Name":"bob"}`, 404, "user bob does not exist")
	w.refused("put-user", `{"Account":"1","Name":"bob","New":true}`, 400, "twelve digits")
	w.refused("put-user", `{"Account":"123456789012","Nam":"bob"}`, 400, `unknown field \"Nam\"`)
	w.refused("put-user", `{} {}`, 400, "after the request")
	w.refused("put-user", `[]`, 400, "not of the form")
	w.refused("put-user", `{"Name":"`+strings.Repeat("x", maxBody)+`"}`, 400, "too long")
	w.refused("become-root", `{}`, 404, "no such operation")
	users := w.must("list-users", `{"Account":"123456789012"}`)
	for _, want := range []string{`"Name":"filed"`, `"Name":"ann"`, `"ARN":"arn:aws:iam::123456789012:user/ann"`, `"File":true`, `"File":false`} {
		if !strings.Contains(users, want) {
			t.Errorf("no %s in %s", want, users)
		}
	}
	if got := w.must("list-users", `{"Account":"210987654321"}`); got != "{\"Items\":[]}\n" {
		t.Errorf("another account has users: %s", got)
	}
	if got := w.must("list-accounts", ""); !strings.Contains(got, `"ID":"123456789012","Quotas":null,"Rates":null,"Users":2,"Roles":0,"Keys":1`) {
		t.Errorf("accounts: %s", got)
	}
	if got := w.must("list-managed-policies", `{}`); !strings.Contains(got, `"Name":"AWSCloudMapFullAccess"`) {
		t.Errorf("managed policies: %s", got)
	}
}

// A secret is in the answer that makes it, and nowhere after.
func TestKeys(t *testing.T) {
	w := start(t, true)
	w.must("put-user", `{"Account":"123456789012","Name":"ann","New":true}`)
	var made newKey
	if err := json.Unmarshal([]byte(w.must("create-key", `{"Account":"123456789012","User":"ann"}`)), &made); err != nil || len(made.Secret) != 40 || made.User != "ann" {
		t.Fatalf("%+v %v", made, err)
	}
	var stored *identity.AccessKey
	for k := range w.replica.Current().Identity.Keys(account, "ann") {
		stored = k
	}
	if plain, err := w.key.Open(stored.Sealed, SealContext(made.ID)); err != nil || string(plain) != made.Secret || stored.Secret != "" {
		t.Errorf("stored %+v: %q %v", stored, plain, err)
	}
	if _, err := w.key.Open(stored.Sealed, SealContext("AKIAOTHER")); err == nil {
		t.Error("a sealed secret can be moved to another key")
	}
	if got := w.must("list-keys", `{"Account":"123456789012"}`); strings.Contains(got, "Sealed") || strings.Contains(got, "of the file") || !strings.Contains(got, "AKIAFILED") {
		t.Errorf("keys: %s", got)
	}
	w.must("update-key", `{"Account":"123456789012","ID":"`+made.ID+`","Active":false}`)
	if got := w.must("list-keys", `{"Account":"123456789012","User":"ann"}`); !strings.Contains(got, `"Active":false`) {
		t.Errorf("keys: %s", got)
	}
	var second newKey
	if err := json.Unmarshal([]byte(w.must("rotate-key", `{"Account":"123456789012","ID":"`+made.ID+`"}`)), &second); err != nil || second.Secret == made.Secret || second.User != "ann" {
		t.Errorf("%+v %v", second, err)
	}
	w.refused("create-key", `{"Account":"123456789012","User":"ann"}`, 409, "has 2 access keys already")
	w.refused("create-key", `{"Account":"123456789012","User":"filed"}`, 409, "in the configuration file")
	w.refused("update-key", `{"Account":"210987654321","ID":"`+made.ID+`"}`, 404, "does not exist")
	w.refused("delete-key", `{"Account":"210987654321","ID":"`+made.ID+`"}`, 404, "does not exist")
	w.refused("delete-key", `{"Account":"123456789012","ID":"AKIAFILED"}`, 409, "in the configuration file")
	w.must("delete-key", `{"Account":"123456789012","ID":"`+made.ID+`"}`)
	if strings.Contains(w.log.String(), made.Secret) || strings.Contains(w.log.String(), second.Secret) {
		t.Error("a secret is in the log")
	}
}

func TestNoSealKey(t *testing.T) {
	w := start(t, false)
	w.must("put-user", `{"Account":"123456789012","Name":"ann","New":true}`)
	w.refused("create-key", `{"Account":"123456789012","User":"ann"}`, 400, "give auth.seal_key_file, or the key in CAIRN_SEAL_KEY")
}

// What the registry knows of a resource is known to a simulation too.
func TestSimulateKnowsTheRegistry(t *testing.T) {
	w := start(t, true)
	const policy = `{\"Version\":\"2012-10-17\",\"Statement\":[` +
		`{\"Sid\":\"Tagged\",\"Effect\":\"Allow\",\"Action\":\"servicediscovery:DeleteNamespace\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/stage\":\"test\"}}},` +
		`{\"Sid\":\"Named\",\"Effect\":\"Allow\",\"Action\":\"servicediscovery:DiscoverInstances\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"servicediscovery:NamespaceName\":\"shop\"}}},` +
		`{\"Sid\":\"Inside\",\"Effect\":\"Allow\",\"Action\":\"servicediscovery:GetNamespace\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"servicediscovery:NamespaceName\":\"shop\"}}},` +
		`{\"Sid\":\"NotHere\",\"Effect\":\"Allow\",\"Action\":\"servicediscovery:ListServices\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"servicediscovery:NamespaceName\":\"shop\"}}}]}`
	w.must("put-user", `{"Account":"123456789012","Name":"ann","New":true,"Inline":[{"Name":"p","Text":"`+policy+`"}]}`)
	if _, err := w.replica.Propose(t.Context(), account, &registry.CreateNamespace{Name: "shop", Type: registry.HTTP, Tags: []registry.Tag{{Key: "Stage", Value: "test"}}}); err != nil {
		t.Fatal(err)
	}
	var arn string
	for id := range w.replica.Current().Registry.Namespaces(account, "") {
		arn = "arn:aws:servicediscovery:us-east-1:123456789012:namespace/" + string(id)
	}
	ask := func(action, resource, more string) string {
		return w.must("simulate", `{"Principal":"arn:aws:iam::123456789012:user/ann","Action":"servicediscovery:`+action+`","Resources":["`+resource+`"]`+more+`}`)
	}
	for _, c := range []struct{ action, resource, more, want string }{
		{"DeleteNamespace", arn, "", `"Statement":"Tagged"`},
		{"DeleteNamespace", arn + "x", "", `"Allowed":false`},
		{"DeleteNamespace", arn + "x", `,"ResourceTags":{"stage":"test"}`, `"Allowed":true`},
		{"DeleteNamespace", arn, `,"ResourceTags":{"stage":"prod"}`, `"Allowed":false`},
		{"DiscoverInstances", arn, "", `"Statement":"Named"`},
		{"DiscoverInstances", "*", `,"Context":{"servicediscovery:NamespaceName":["shop"]}`, `"Statement":"Named"`},
		{"GetNamespace", arn, "", `"Statement":"Inside"`},
		{"ListServices", arn, "", `"Allowed":false`}, // the action does not have the key
	} {
		if got := ask(c.action, c.resource, c.more); !strings.Contains(got, c.want) {
			t.Errorf("%s on %s%s: %s", c.action, c.resource, c.more, got)
		}
	}
	w.refused("simulate", `{"Principal":"arn:aws:iam::123456789012:user/ann","Action":"servicediscovery:Get*"}`, 400, "not served here")
	w.refused("simulate", `{"Principal":"arn:aws:iam::123456789012:user/ann","Action":"sts:AssumeRole","SessionPolicy":"{"}`, 400, "session policy")
}

// After the end no change is taken, and the answer says that none was made.
func TestStopped(t *testing.T) {
	w := start(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/identity/put-user", strings.NewReader(`{"Account":"123456789012","Name":"ann","New":true}`))
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	if rec.Code == http.StatusOK && !strings.Contains(w.must("list-users", `{"Account":"123456789012"}`), "ann") {
		t.Error("acknowledged and not done")
	}
}

func FuzzOperations(f *testing.F) {
	f.Add("put-user", `{"Account":"123456789012","Name":"ann","New":true}`)
	f.Add("simulate", `{"Principal":"arn:aws:iam::123456789012:user/filed","Action":"servicediscovery:GetNamespace","Resources":["arn:aws:servicediscovery:::service/x"]}`)
	f.Add("put-account", `{"ID":"123456789012","Rates":{"discover":{"PerSecond":1e400}}}`)
	f.Add("edit", `{"Account":"123456789012","Kind":"role","Name":"x","Trust":"{}"}`)
	f.Fuzz(func(t *testing.T, operation, body string) {
		if strings.Trim(operation, "abcdefghijklmnopqrstuvwxyz-") != "" || operation == "" {
			return
		}
		w := start(t, true)
		if status, answer := w.post(operation, body); status >= 500 || !json.Valid([]byte(answer)) {
			t.Errorf("%s %s: %d %s", operation, body, status, answer)
		}
	})
}
