package node_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

const (
	ownerAccount    = "111111111111"
	consumerAccount = "222222222222"
	adminToken      = "a token that nobody guesses"
)

// twoAccounts has a user with a key each: KEY and the account's first digit.
func twoAccounts(c *node.Config) {
	c.AdminToken = adminToken
	for _, id := range []string{ownerAccount, consumerAccount} {
		c.Accounts = append(c.Accounts, config.Account{ID: id, Users: []config.User{{
			Name: "user", AccessKeys: []config.AccessKey{{ID: "KEY" + id[:1], Secret: config.Secret("secret-of-" + id)}},
		}}})
	}
}

// as calls with the key of an account, in open mode.
func as(t *testing.T, n *nodetest.Node, account, operation, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=KEY"+account[:1]+"/20260101/us-east-1/servicediscovery/aws4_request, SignedHeaders=host, Signature=00")
	return send(t, r)
}

func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// operate carries out an operation on identities, and expects success.
func operate(t *testing.T, n *nodetest.Node, operation, body string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.AdminURL+"/identity/"+operation, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	status, text := send(t, r)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", operation, body, status, text)
	}
	return text
}

// expect calls and checks status and text of the answer, which it returns.
func expect(t *testing.T, n *nodetest.Node, account, operation, body string, status int, text string) string {
	t.Helper()
	got, answer := as(t, n, account, operation, body)
	if got != status || !strings.Contains(answer, text) {
		t.Errorf("%s as %s: %d %s, want %d %s", operation, account, got, answer, status, text)
	}
	return answer
}

// namespaceARN makes a namespace and returns its ARN.
func namespaceARN(t *testing.T, n *nodetest.Node, name string) string {
	t.Helper()
	expect(t, n, ownerAccount, "CreateHttpNamespace", `{"Name":"`+name+`"}`, 200, "OperationId")
	var out struct{ Namespaces []struct{ Arn string } }
	answer := expect(t, n, ownerAccount, "ListNamespaces", `{"Filters":[{"Name":"NAME","Values":["`+name+`"]}]}`, 200, name)
	if err := json.Unmarshal([]byte(answer), &out); err != nil || len(out.Namespaces) != 1 {
		t.Fatalf("%s: %v", answer, err)
	}
	return out.Namespaces[0].Arn
}

// TestSharesOfTheConfiguration: a reload shares and ends it, in open mode.
func TestSharesOfTheConfiguration(t *testing.T) {
	n := nodetest.Start(t, nodetest.With(twoAccounts), nodetest.WithMemoryStore())
	arn := namespaceARN(t, n, "shop")
	get := `{"Id":"` + arn + `"}`
	expect(t, n, consumerAccount, "GetNamespace", get, 400, "NamespaceNotFound")
	cfg := nodetest.Config(t)
	twoAccounts(&cfg)
	cfg.Shares = []config.Share{{Namespace: "shop", Owner: ownerAccount, With: []string{consumerAccount}}}
	if err := n.Reload(loaded(cfg.Config)); err != nil {
		t.Fatal(err)
	}
	expect(t, n, consumerAccount, "GetNamespace", get, 200, `"ResourceOwner":"`+ownerAccount+`"`)
	expect(t, n, consumerAccount, "CreateService", `{"Name":"web","NamespaceId":"`+arn+`"}`, 200, `"CreatedByAccount":"`+consumerAccount+`"`)
	cfg.Shares = nil
	if err := n.Reload(loaded(cfg.Config)); err != nil {
		t.Fatal(err)
	}
	expect(t, n, consumerAccount, "GetNamespace", get, 400, "NamespaceNotFound")
}

// TestSharesAtRunTime: operators share, and it is still so after a restart.
func TestSharesAtRunTime(t *testing.T) {
	dir := t.TempDir()
	n := nodetest.Start(t, nodetest.With(twoAccounts), nodetest.WithDataDir(dir))
	arn := namespaceARN(t, n, "shop")
	operate(t, n, "share-namespace", `{"Account":"`+ownerAccount+`","Namespace":"shop","With":["`+consumerAccount+`"]}`)
	expect(t, n, consumerAccount, "GetNamespace", `{"Id":"`+arn+`"}`, 200, arn)
	n.Stop(t)
	n = nodetest.Start(t, nodetest.With(twoAccounts), nodetest.WithDataDir(dir))
	expect(t, n, consumerAccount, "GetNamespace", `{"Id":"`+arn+`"}`, 200, arn)
	if list := operate(t, n, "list-shares", `{"Account":"`+ownerAccount+`"}`); !strings.Contains(list, consumerAccount) {
		t.Errorf("shares %s", list)
	}
	operate(t, n, "share-namespace", `{"Account":"`+ownerAccount+`","Namespace":"shop","With":["`+consumerAccount+`"],"Stop":true}`)
	expect(t, n, consumerAccount, "GetNamespace", `{"Id":"`+arn+`"}`, 400, "NamespaceNotFound")
}

// TestLimitsOfAccounts: quotas and rates of everybody, of an account in the
// configuration, and of the same account at run time, each over the one before.
func TestLimitsOfAccounts(t *testing.T) {
	change := func(c *node.Config) {
		twoAccounts(c)
		c.Quotas = config.Quotas{"namespaces_per_account": 1}
		c.Accounts[1].Quotas = config.Quotas{"namespaces_per_account": 2}
		c.Rates = map[string]config.Rate{"read": {PerSecond: 1e-6, Burst: 3}}
		c.Accounts[1].Rates = map[string]config.Rate{"read": {PerSecond: 1e-6, Burst: 1}}
	}
	n := nodetest.Start(t, nodetest.With(change), nodetest.WithMemoryStore())
	fills := func(account, prefix string, most int) {
		t.Helper()
		for i := range most {
			expect(t, n, account, "CreateHttpNamespace", `{"Name":"`+prefix+string(rune('a'+i))+`"}`, 200, "OperationId")
		}
		expect(t, n, account, "CreateHttpNamespace", `{"Name":"`+prefix+`over"}`, 400, "ResourceLimitExceeded")
	}
	fills(ownerAccount, "x", 1)
	fills(consumerAccount, "x", 2)
	reads := func(account string, most int) {
		t.Helper()
		for range most {
			expect(t, n, account, "ListNamespaces", `{}`, 200, "Namespaces")
		}
		expect(t, n, account, "ListNamespaces", `{}`, 400, `"ThrottlingException"`)
	}
	reads(ownerAccount, 3)
	reads(consumerAccount, 1)
	operate(t, n, "put-account", `{"ID":"`+consumerAccount+`","Quotas":{"namespaces_per_account":4},"Rates":{"read":{"PerSecond":0.000001,"Burst":2}}}`)
	fills(consumerAccount, "y", 2)
	reads(consumerAccount, 2)
	expect(t, n, ownerAccount, "ListNamespaces", `{}`, 400, `"ThrottlingException"`) // its bucket is not filled by that
	r, err := http.NewRequest(http.MethodGet, n.AdminURL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	_, metrics := send(t, r)
	for _, line := range []string{
		`cairn_api_throttled_total{account="` + ownerAccount + `",class="read"} 2`,
		`cairn_quota_used{account="` + consumerAccount + `",quota="namespaces_per_account"} 4`,
		`cairn_quota_limit{account="` + consumerAccount + `",quota="namespaces_per_account"} 4`,
		`cairn_quota_limit{account="` + ownerAccount + `",quota="namespaces_per_account"} 1`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics do not have %s", line)
		}
	}
	// A reload changes them too.
	cfg := nodetest.Config(t)
	twoAccounts(&cfg)
	if err := n.Reload(loaded(cfg.Config)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		expect(t, n, ownerAccount, "ListNamespaces", `{}`, 200, "Namespaces")
	}
}

// TestRatesOfStrictMode are those that AWS publishes.
func TestRatesOfStrictMode(t *testing.T) {
	n := nodetest.Start(t, nodetest.With(func(c *node.Config) {
		c.Compatibility = "strict"
		c.Rates = map[string]config.Rate{"revision": {PerSecond: 1e-6, Burst: 1}}
	}), nodetest.WithMemoryStore())
	const body = `{"NamespaceName":"n","ServiceName":"s"}`
	if _, answer := call(t, n, "DiscoverInstancesRevision", body); !strings.Contains(answer, "NamespaceNotFound") {
		t.Error(answer)
	}
	if _, answer := call(t, n, "DiscoverInstancesRevision", body); !strings.Contains(answer, "RequestLimitExceeded") {
		t.Error(answer)
	}
}

// TestAuditFile: calls and what operators do, SIGHUP's reload opens the file
// again, and a key's secret is in none of it.
func TestAuditFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	change := func(c *node.Config) {
		twoAccounts(c)
		c.Audit.File = name
		c.Auth.SealKey = config.Secret(sealKey)
	}
	n := nodetest.Start(t, nodetest.With(change), nodetest.WithMemoryStore())
	expect(t, n, ownerAccount, "CreateHttpNamespace", `{"Name":"a"}`, 200, "OperationId")
	operate(t, n, "put-user", `{"Account":"`+ownerAccount+`","Name":"bob","New":true}`)
	var key struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(operate(t, n, "create-key", `{"Account":"`+ownerAccount+`","User":"bob"}`)), &key); err != nil || key.Secret == "" {
		t.Fatal(err)
	}
	operate(t, n, "list-keys", `{"Account":"`+ownerAccount+`"}`)
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	cfg := nodetest.Config(t)
	change(&cfg)
	if err := n.Reload(loaded(cfg.Config)); err != nil {
		t.Fatal(err)
	}
	expect(t, n, ownerAccount, "CreateHttpNamespace", `{"Name":"b"}`, 200, "OperationId")
	n.Stop(t)
	old, next := readFile(t, name+".old"), readFile(t, name)
	for _, text := range []string{`"eventName":"CreateHttpNamespace"`, `"eventName":"PutUser"`, `"eventName":"CreateKey"`, `"eventSource":"admin.cairn"`,
		`"type":"AWSAccount"`, `"type":"Operator"`, key.ID, `"Name":"bob"`} {
		if !strings.Contains(old, text) {
			t.Errorf("%s is not in %s", text, old)
		}
	}
	if strings.Contains(old, "ListKeys") || strings.Contains(old, key.Secret) || strings.Contains(old, adminToken) {
		t.Errorf("there is too much in %s", old)
	}
	if strings.Count(next, "\n") != 1 || !strings.Contains(next, `"name":"b"`) {
		t.Errorf("after the reload: %s", next)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sealKey is 32 bytes in base 64.
const sealKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func TestAuditThatCannotBeOpened(t *testing.T) {
	cfg := nodetest.Config(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Audit.File = filepath.Join(file, "audit.log")
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "file/audit.log") {
		t.Errorf("Run() = %v", err)
	}
}
