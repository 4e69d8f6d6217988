package node_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// failingStore is a store whose commits fail once err is set, with errors that name a
// file.
type failingStore struct {
	store.Store
	err atomic.Pointer[error]
}

func (b *failingStore) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if err := b.err.Load(); err != nil {
		return 0, *err
	}
	return b.Store.Commit(ctx, txn)
}

// texts has what the node said to clients.
type texts struct {
	*testing.T
	n   *nodetest.Node
	all bytes.Buffer
}

// TestErrorsNameNothingOfTheOperator drives the errors that clients can get and looks in
// all of them for files, addresses and keys of the operator.
func TestErrorsNameNothingOfTheOperator(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// An issuer that takes connections and never answers, and one that is not there.
	hanging, err := net.Listen("tcp", "127.0.0.77:0")
	if err != nil {
		t.Skipf("127.0.0.77 cannot be used: %v", err)
	}
	defer hanging.Close()
	failing := &failingStore{Store: memory.New()}
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		twoAccounts(c)
		c.Auth.Mode, c.Auth.SealKey, c.Auth.FailuresPerSecond = config.AuthSigV4, config.Secret(sealKey), 0
		c.OpenStore = func() (store.Store, error) { return failing, nil }
		first := &c.Accounts[0]
		first.Users[0].ManagedPolicies = []string{"AWSCloudMapFullAccess"}
		first.Users[0].Policies = []config.Policy{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}
		first.OIDCProviders = []config.OIDCProvider{
			{Issuer: "https://file.example", JWKSFile: file("keys-of-the-issuer.json", `{"keys":[]}`)},
			{Issuer: "https://hangs.example", JWKSURL: "http://" + hanging.Addr().String() + "/hidden-path"},
			{Issuer: "https://gone.example", JWKSURL: "http://127.0.0.76:1/hidden-path"},
		}
		first.Roles = []config.Role{{Name: "role", TrustPolicy: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
			"Principal":{"Federated":["arn:aws:iam::111111111111:oidc-provider/file.example","arn:aws:iam::111111111111:oidc-provider/hangs.example","arn:aws:iam::111111111111:oidc-provider/gone.example"]}}}`}}
		c.Audit.File = filepath.Join(dir, "audit-of-the-operator.log")
		c.DNS.Forward = []string{"127.0.0.78:1"}
		c.DNS.ForwardTimeout.Duration = 200 * time.Millisecond
	}))
	if err := os.Remove(filepath.Join(dir, "keys-of-the-issuer.json")); err != nil {
		t.Fatal(err)
	}
	x := &texts{T: t, n: n}
	x.everyOperation()
	x.tokens()
	x.names()
	x.adminRequests()
	for _, class := range []error{nil, store.ErrFull, store.ErrUncertain} {
		detail := fmt.Errorf("write %s/segment-of-the-log: no space on /dev/hidden", dir)
		if class != nil {
			detail = fmt.Errorf("write %s/segment-of-the-log: %w", dir, class)
		}
		failing.err.Store(&detail)
		x.everyOperation()
	}
	failing.err.Store(nil)
	said := x.all.String()
	for _, hidden := range []string{
		dir, "keys-of-the-issuer", "audit-of-the-operator", "segment-of-the-log", "/dev/", "hidden-path", "127.0.0.76", "127.0.0.77", "127.0.0.78",
		"KEY2", "secret-of-", sealKey, adminToken, "goroutine", ".go:",
	} {
		if i := strings.Index(said, hidden); i >= 0 {
			t.Errorf("%q is in %s", hidden, said[max(0, i-300):min(len(said), i+100)])
		}
	}
	for _, expected := range []string{"ServiceUnavailable", "InvalidIdentityToken", "NamespaceNotFound", "UnknownOperationException", "SERVFAIL", "disk is full"} {
		if !strings.Contains(said, expected) {
			t.Errorf("no error said %q: there was nothing to look at", expected)
		}
	}
}

// do keeps what a request is answered.
func (x *texts) do(r *http.Request) {
	x.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		x.Fatal(err)
	}
	defer response.Body.Close()
	fmt.Fprintf(&x.all, "%s %s: %v ", r.Method, r.Header.Get("X-Amz-Target"), response.Header)
	if _, err := io.Copy(&x.all, response.Body); err != nil {
		x.Fatal(err)
	}
	x.all.WriteString("\n")
}

// everyOperation calls each operation of every API: with inputs that are malformed, that
// name nothing, and that are right.
func (x *texts) everyOperation() {
	x.Helper()
	catalog, err := aws.Catalog()
	if err != nil {
		x.Fatal(err)
	}
	prefixes := map[string]string{"servicediscovery": "Route53AutoNaming_v20170314.", "ecs": "AmazonEC2ContainerServiceV20141113."}
	bodies := []string{
		``, `{`, `[]`, `{}`, `{"Id":"x"}`, `{"Name":"n","CreatorRequestId":"r"}`,
		`{"Id":"ns-aaaaaaaaaaaaaaaa","NamespaceId":"ns-aaaaaaaaaaaaaaaa","ServiceId":"srv-aaaaaaaaaaaaaaaa","InstanceId":"i","Name":"n","NamespaceName":"n",
			"ServiceName":"s","OperationId":"o","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"},"Namespace":{"Description":"d"},"Service":{"Description":"d"},
			"ResourceARN":"arn:aws:servicediscovery:us-east-1:111111111111:namespace/ns-aaaaaaaaaaaaaaaa","Tags":[{"Key":"k","Value":"v"}],"TagKeys":["k"],"Status":"HEALTHY","Vpc":"vpc-1"}`,
	}
	for _, action := range catalog.Actions() {
		api, name, _ := strings.Cut(action.Name, ":")
		prefix, ok := prefixes[api]
		if !ok {
			continue
		}
		for _, body := range bodies {
			x.call(api, prefix+name, body, "KEY1", "secret-of-111111111111")
		}
		x.call(api, prefix+name, `{}`, "KEY1", "wrong")
		x.call(api, prefix+name, `{}`, "UNKNOWN", "wrong")
		x.call(api, prefix+name, `{}`, "", "")
	}
	x.call("servicediscovery", prefixes["servicediscovery"]+"Nonsense", `{}`, "KEY1", "secret-of-111111111111")
	for _, path := range []string{"/v20190125/meshes", "/2013-04-01/hostedzone", "/nowhere"} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			x.do(x.request(method, path, "{"))
		}
	}
}

func (x *texts) request(method, path, body string) *http.Request {
	x.Helper()
	r, err := http.NewRequestWithContext(x.Context(), method, x.n.URL+path, strings.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	return r
}

func (x *texts) call(api, target, body, key, secret string) {
	x.Helper()
	r := x.request(http.MethodPost, "/", body)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	if key != "" {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		if err := v4.NewSigner().SignHTTP(x.Context(), sdk.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, sum, api, "us-east-1", time.Now()); err != nil {
			x.Fatal(err)
		}
	}
	x.do(r)
}

// tokens calls STS with tokens of every issuer, none of which is valid.
func (x *texts) tokens() {
	x.Helper()
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	tokens := []string{"", "nonsense", "a.b.c", part(`{"alg":"none"}`) + "." + part(`{}`) + "."}
	for _, issuer := range []string{"file", "hangs", "gone", "unknown"} {
		for _, claims := range []string{
			`{"iss":"https://` + issuer + `.example","sub":"s","aud":"sts.amazonaws.com","exp":9999999999}`,
			`{"iss":"https://` + issuer + `.example","sub":"s","aud":"other","exp":1}`,
			`{"iss":"https://` + issuer + `.example","sub":"s","sub":"t","aud":5}`,
		} {
			tokens = append(tokens, part(`{"alg":"RS256","kid":"unknown"}`)+"."+part(claims)+"."+part(strings.Repeat("s", 256)))
		}
	}
	forms := []string{
		"Action=GetCallerIdentity&Version=2011-06-15", "Action=Nonsense&Version=2011-06-15", "Action=AssumeRole&Version=2011-06-15",
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::111111111111:role/role&RoleSessionName=job&Policy=%7B",
	}
	for _, token := range tokens {
		for _, role := range []string{"111111111111:role/role", "111111111111:role/other", "333333333333:role/role"} {
			forms = append(forms, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=job&RoleArn=arn:aws:iam::"+role+"&WebIdentityToken="+token)
		}
	}
	for _, form := range forms {
		r := x.request(http.MethodPost, "/", form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// A caller does not wait for an issuer that hangs longer than this.
		x.do(r)
	}
}

// names asks DNS for what it refuses and for what the upstream resolver does not answer.
func (x *texts) names() {
	x.Helper()
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: 10 * time.Second}
		for _, name := range []string{"www.example.com.", "version.bind.", "hostname.bind.", "id.server.", "1.0.0.127.in-addr.arpa.", "."} {
			for _, class := range []uint16{dns.ClassINET, dns.ClassCHAOS} {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeAXFR, dns.TypeANY} {
					m := new(dns.Msg).SetQuestion(name, qtype)
					m.Question[0].Qclass = class
					m.SetEdns0(1232, true)
					answer, _, err := client.ExchangeContext(x.Context(), m, x.n.Addrs().DNS)
					if err == nil {
						fmt.Fprintln(&x.all, answer)
					}
				}
			}
		}
	}
}

// adminRequests are those of clients without the admin token.
func (x *texts) adminRequests() {
	x.Helper()
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/backup", "/explain?name=x", "/identity/list-users", "/identity/nonsense", "/debug/pprof/", "/../etc/passwd"} {
		for _, token := range []string{"", "Bearer wrong"} {
			r, err := http.NewRequestWithContext(x.Context(), http.MethodGet, x.n.AdminURL+path, nil)
			if err != nil {
				x.Fatal(err)
			}
			r.Header.Set("Authorization", token)
			x.do(r)
		}
	}
}
