package e2e

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/smithy-go"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/internal/testtool"
)

const adminToken = "the token of the end-to-end test"

// guardedNode is a node that asks who its callers are, and its operator's
// command line.
type guardedNode struct {
	*testing.T
	*process
	program, dir, data string
	sealKey            string
	issuer             *tokenIssuer
}

const guardedConfig = `
auth: {mode: sigv4, seal_key_file: DIR/seal.key}
admin_token_file: DIR/token
log_level: debug
accounts:
  - id: "123456789012"
    oidc_providers: [{issuer: "https://issuer.example", jwks_url: JWKS}]
    users:
      - name: filed
        managed_policies: [AWSCloudMapFullAccess]
        access_keys: [{id: AKIAFILED, secret: "the secret of the file"}, {id: AKIADISABLED, secret: "another one", inactive: true}]
    roles:
      - name: pod
        managed_policies: [AWSCloudMapReadOnlyAccess]
        trust_policy:
          Version: 2012-10-17
          Statement:
            Effect: Allow
            Principal: {Federated: "arn:aws:iam::123456789012:oidc-provider/issuer.example"}
            Action: sts:AssumeRoleWithWebIdentity
            Condition:
              StringEquals: {"issuer.example:sub": "system:serviceaccount:shop:web", "issuer.example:aud": sts.amazonaws.com}
`

func startGuarded(t *testing.T) *guardedNode {
	t.Helper()
	dir := t.TempDir()
	n := &guardedNode{T: t, program: build(t), dir: dir, data: filepath.Join(dir, "data"), issuer: newIssuer(t)}
	n.write("token", adminToken)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, n.issuer.keySet(t)) }))
	t.Cleanup(keys.Close)
	n.write("cairn.yaml", strings.NewReplacer("DIR", dir, "JWKS", keys.URL).Replace(guardedConfig))
	run(t, dir, nil, n.program, "key", "generate-seal-key", "--file", "seal.key")
	key, err := os.ReadFile(filepath.Join(dir, "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	n.sealKey = strings.TrimSpace(string(key))
	n.start()
	return n
}

func (n *guardedNode) start() {
	n.Helper()
	n.process = serve(n.T, n.program, n.data, "--config", filepath.Join(n.dir, "cairn.yaml"))
}

func (n *guardedNode) write(name, text string) {
	n.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
		n.Fatal(err)
	}
}

// cairn runs a command of the operator.
func (n *guardedNode) cairn(args ...string) string {
	n.Helper()
	return run(n.T, n.dir, []string{"CAIRN_ADMIN=" + n.admin, "CAIRN_ADMIN_TOKEN=" + adminToken, "CAIRN_ACCOUNT=123456789012"}, n.program, args...)
}

// createdKey is what "cairn key create --output json" prints.
type createdKey struct{ AccessKeyId, SecretAccessKey string }

func (n *guardedNode) createKey(user string) (k createdKey) {
	n.Helper()
	if err := json.Unmarshal([]byte(n.cairn("key", "create", "--user", user, "--output", "json")), &k); err != nil {
		n.Fatal(err)
	}
	return k
}

// aws runs the AWS CLI with a key and returns all it prints.
func (n *guardedNode) aws(k createdKey, args ...string) (string, error) {
	n.Helper()
	cmd := exec.CommandContext(n.Context(), testtool.Need(n.T, "aws", "awscli"), append([]string{"--endpoint-url", n.url, "--output", "text"}, args...)...)
	cmd.Dir = n.dir
	cmd.Env = append(append(os.Environ(), awsEnv(n.dir)...), "AWS_ACCESS_KEY_ID="+k.AccessKeyId, "AWS_SECRET_ACCESS_KEY="+k.SecretAccessKey)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (n *guardedNode) awsWants(k createdKey, want string, args ...string) {
	n.Helper()
	if out, _ := n.aws(k, args...); !strings.Contains(out, want) {
		n.Errorf("aws %v: %s, want %q", args, out, want)
	}
}

const (
	pactTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/web"},
		"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":"pact"}}}}`
	ownTeam = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["servicediscovery:List*","servicediscovery:Get*"],"Resource":"*"},
		{"Effect":"Allow","Action":["servicediscovery:CreateHttpNamespace","servicediscovery:TagResource"],"Resource":"*",
		 "Condition":{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}}]}`
	denyOperations = `{"Version":"2012-10-17","Statement":{"Sid":"NotThis","Effect":"Deny","Action":"servicediscovery:ListOperations","Resource":"*"}}`
)

// populate makes the user web, who reads, and a role for it.
func (n *guardedNode) populate() createdKey {
	n.Helper()
	n.cairn("user", "create", "web", "--attach", "AWSCloudMapReadOnlyAccess")
	n.cairn("user", "put-policy", "web", "own", "--document", denyOperations)
	n.cairn("role", "create", "deployer", "--trust-policy", pactTrust)
	n.cairn("role", "put-policy", "deployer", "team", "--document", ownTeam)
	return n.createKey("web")
}

// TestIdentityBoto3 has boto3 prove who it is; see the script.
func TestIdentityBoto3(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := startGuarded(t)
	key := n.populate()
	now := time.Now()
	in, err := json.Marshal(object{
		"key": key.AccessKeyId, "secret": key.SecretAccessKey, "arn": "arn:aws:iam::123456789012:user/web",
		"disabled": "AKIADISABLED", "expired": n.expiredSession(),
		"rs256":          n.issuer.token(t, "RS256", object{"exp": now.Add(time.Hour).Unix()}),
		"es256":          n.issuer.token(t, "ES256", object{"exp": now.Add(time.Hour).Unix()}),
		"old":            n.issuer.token(t, "ES256", object{"exp": now.Add(-time.Hour).Unix()}),
		"other_audience": n.issuer.token(t, "ES256", object{"aud": "elsewhere"}),
		"other_issuer":   n.issuer.token(t, "ES256", object{"iss": "https://elsewhere.example"}),
		"other_subject":  n.issuer.token(t, "ES256", object{"sub": "system:serviceaccount:shop:db"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/identity.py", n.url)
	cmd.Env, cmd.Stdin = append(os.Environ(), awsEnv(n.dir)...), bytes.NewReader(in)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, errors.String(), n.log.text())
	}
	var answer struct{ Secrets []string }
	if err := json.Unmarshal(out, &answer); err != nil || len(answer.Secrets) != 2 {
		t.Fatalf("%s: %v", out, err)
	}
	n.noSecrets(append(answer.Secrets, key.SecretAccessKey, "the secret of the file", "another one", n.sealKey, adminToken)...)
}

// expiredSession is a session whose time was over before the node started.
func (n *guardedNode) expiredSession() object {
	n.Helper()
	key, err := seal.ParseKey(n.sealKey)
	if err != nil {
		n.Fatal(err)
	}
	s := identity.Session{Role: "arn:aws:iam::123456789012:role/deployer", Name: "old", AccessKeyID: "ASIAOLD", Secret: "old",
		Issued: time.Now().Add(-2 * time.Hour).Unix(), Expires: time.Now().Add(-time.Hour).Unix()}
	return object{"AccessKeyId": s.AccessKeyID, "SecretAccessKey": s.Secret,
		"SessionToken": base64.StdEncoding.EncodeToString(key.Seal(nil, s.Encode(nil), "sts session token"))}
}

// listCode returns the error code that ListNamespaces with a key ends with, "" for none.
func (n *guardedNode) listCode(k createdKey) string {
	n.Helper()
	client := sdk(n.url, http.DefaultTransport, withoutPrefix, func(o *servicediscovery.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(k.AccessKeyId, k.SecretAccessKey, "")
	})
	_, err := client.ListNamespaces(n.Context(), nil)
	if err == nil {
		return ""
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		n.Fatal(err)
	}
	return answer.ErrorCode()
}

func (n *guardedNode) listWants(k createdKey, code string) {
	n.Helper()
	if got := n.listCode(k); got != code {
		n.Errorf("ListNamespaces ends with %q, want %q", got, code)
	}
}

// TestKeyLife: a key is good from its creation to its end, over restarts.
func TestKeyLife(t *testing.T) {
	t.Parallel()
	n := startGuarded(t)
	first := n.populate()
	const unknown, mismatch, denied = "UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException"
	n.listWants(first, "")
	n.awsWants(first, "arn:aws:iam::123456789012:user/web", "sts", "get-caller-identity")
	n.awsWants(first, "("+denied+")", "servicediscovery", "create-http-namespace", "--name", "x")
	n.listWants(createdKey{first.AccessKeyId, "wrong"}, mismatch)
	n.awsWants(createdKey{first.AccessKeyId, "wrong"}, "("+mismatch+")", "servicediscovery", "list-namespaces")
	n.listWants(createdKey{"AKIAUNKNOWN", "wrong"}, unknown)
	n.cairn("key", "disable", first.AccessKeyId)
	n.listWants(first, unknown)
	n.cairn("key", "enable", first.AccessKeyId)

	var second createdKey
	if err := json.Unmarshal([]byte(n.cairn("key", "rotate", first.AccessKeyId, "--output", "json")), &second); err != nil {
		t.Fatal(err)
	}
	n.cairn("key", "delete", first.AccessKeyId)
	n.kill()
	n.start()
	n.listWants(first, unknown)
	n.listWants(second, "")
	n.cairn("user", "detach-policy", "web", "AWSCloudMapReadOnlyAccess")
	n.listWants(second, denied)
	n.noSecrets(first.SecretAccessKey, second.SecretAccessKey, n.sealKey, adminToken, "the secret of the file")
	n.restored(second)
}

// restored: a backup has keys too, good on a node with the same seal key.
func (n *guardedNode) restored(k createdKey) {
	n.Helper()
	n.cairn("user", "attach-policy", "web", "AWSCloudMapReadOnlyAccess")
	n.cairn("backup", "--force", "copy")
	n.kill()
	n.data = filepath.Join(n.dir, "restored")
	n.cairn("restore", "copy", "--data-dir", n.data)
	n.start()
	if out, err := n.aws(k, "sts", "get-caller-identity"); err != nil {
		n.Errorf("after restore: %s", out)
	}
}

// noSecrets looks for secrets in everything that a node shows and keeps, at the
// end also in what it prints when it crashes.
func (n *guardedNode) noSecrets(secrets ...string) {
	n.Helper()
	n.cairn("backup", "copy")
	metrics := n.metrics()
	n.process.cmd.Process.Signal(syscall.SIGQUIT)
	<-n.ended
	if !strings.Contains(n.log.text(), "SIGQUIT") {
		n.Error("no crash dump in the log")
	}
	places := map[string]string{"log": n.log.text(), "metrics": metrics}
	for _, root := range []string{n.data, filepath.Join(n.dir, "copy")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			places[path] = string(text)
			return err
		})
		if err != nil {
			n.Fatal(err)
		}
	}
	if len(places) < 4 {
		n.Errorf("looked at little: %d places", len(places))
	}
	for place, text := range places {
		for i, secret := range secrets {
			if len(secret) < 8 || strings.Contains(text, secret) {
				n.Errorf("secret %d is in clear in %s", i, place)
			}
		}
	}
	n.start()
}

func (n *guardedNode) metrics() string {
	n.Helper()
	r, err := http.NewRequestWithContext(n.Context(), http.MethodGet, n.admin+"/metrics", nil)
	if err != nil {
		n.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		n.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		n.Fatalf("%s: %s %v", resp.Status, text, err)
	}
	return string(text)
}

// tokenIssuer is an issuer of OIDC tokens.
type tokenIssuer struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *tokenIssuer {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &tokenIssuer{r, e}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *tokenIssuer) keySet(t *testing.T) string {
	t.Helper()
	point, err := i.ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(object{"keys": []object{
		{"kty": "RSA", "kid": "RS256", "use": "sig", "alg": "RS256", "n": b64(i.rsa.N.Bytes()), "e": b64(big.NewInt(int64(i.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "ES256", "use": "sig", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// token issues one whose claims are good save those given.
func (i *tokenIssuer) token(t *testing.T, algorithm string, claims object) string {
	t.Helper()
	all := object{"iss": "https://issuer.example", "sub": "system:serviceaccount:shop:web", "aud": "sts.amazonaws.com", "exp": time.Now().Add(time.Hour).Unix()}
	for k, v := range claims {
		all[k] = v
	}
	head, err1 := json.Marshal(object{"alg": algorithm, "kid": algorithm, "typ": "JWT"})
	body, err2 := json.Marshal(all)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	signed := b64(head) + "." + b64(body)
	sum := sha256.Sum256([]byte(signed))
	if algorithm == "RS256" {
		signature, err := rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + b64(signature)
	}
	r, s, err := ecdsa.Sign(rand.Reader, i.ec, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + b64(signature[:])
}
