package node_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

const trustAccount = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}`

// TestNoSecretInClear runs a node with everything on that writes anything down,
// uses every kind of secret, well and badly, and looks for them everywhere: log,
// metrics, audit, profiles, backup, and the folder of the store.
func TestNoSecretInClear(t *testing.T) {
	dir := t.TempDir()
	log := &logBuffer{}
	n := nodetest.Start(t, nodetest.With(func(c *node.Config) {
		twoAccounts(c)
		c.Auth.Mode, c.LogOutput, c.LogLevel = "sigv4", log, "debug"
		c.Auth.SealKey = config.Secret(sealKey)
		c.Accounts[0].Users[0].ManagedPolicies = []string{"AWSCloudMapFullAccess"}
		c.Accounts[0].Users[0].Policies = []config.Policy{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`}
		c.Accounts[0].Roles = []config.Role{{Name: "role", TrustPolicy: trustAccount, ManagedPolicies: []string{"AWSCloudMapFullAccess"}}}
		c.Audit.File, c.Audit.Reads = filepath.Join(dir, "audit.log"), true
	}))
	secrets := useSecrets(t, n)
	read := map[string]string{}
	for _, path := range []string{"/metrics", "/backup", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1"} {
		r, err := http.NewRequest(http.MethodGet, n.AdminURL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+adminToken)
		status, text := send(t, r)
		if status != http.StatusOK {
			t.Fatalf("%s: %d", path, status)
		}
		read[path] = text
	}
	n.Stop(t)
	read["log"] = log.String()
	readFolder(t, dir, read)
	readFolder(t, n.DataDir, read)
	for what, secret := range secrets {
		for form, text := range map[string]string{
			"plain": secret, "base64": base64.StdEncoding.EncodeToString([]byte(secret)), "hex": hex.EncodeToString([]byte(secret)), "escaped": url.QueryEscape(secret),
		} {
			for where, all := range read {
				if strings.Contains(all, text) {
					t.Errorf("%s is in %s (%s)", what, where, form)
				}
			}
		}
	}
	if !strings.Contains(read["log"], "CreateHttpNamespace") || !strings.Contains(read[filepath.Join(dir, "audit.log")], "AssumeRole") || len(read["/backup"]) == 0 {
		t.Error("there was nothing to look at")
	}
}

// useSecrets makes and uses secrets, and returns them by what they are.
func useSecrets(t *testing.T, n *nodetest.Node) map[string]string {
	t.Helper()
	secrets := map[string]string{"secret of the file": "secret-of-" + ownerAccount, "admin token": adminToken, "seal key": sealKey, "web identity token": "aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl"}
	operate(t, n, "put-user", `{"Account":"`+ownerAccount+`","Name":"bob","New":true,"Managed":["AWSCloudMapFullAccess"]}`)
	var key struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(operate(t, n, "create-key", `{"Account":"`+ownerAccount+`","User":"bob"}`)), &key); err != nil {
		t.Fatal(err)
	}
	secrets["secret of the store"] = key.Secret
	ctx := t.Context()
	create := func(name, id, secret, token string) error {
		_, err := servicediscovery.New(servicediscovery.Options{
			Region: "us-east-1", BaseEndpoint: &n.URL, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
		}).CreateHttpNamespace(ctx, &servicediscovery.CreateHttpNamespaceInput{Name: &name})
		return err
	}
	if err := create("bobs", key.ID, key.Secret, ""); err != nil {
		t.Error(err)
	}
	tokens := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &n.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("KEY1", "secret-of-"+ownerAccount, "")})
	out, err := tokens.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: sdk.String("arn:aws:iam::111111111111:role/role"), RoleSessionName: sdk.String("me")})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	secrets["secret of the session"], secrets["session token"] = *c.SecretAccessKey, *c.SessionToken
	if err := create("sessions", *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken); err != nil {
		t.Error(err)
	}
	for _, bad := range [][3]string{
		{*c.AccessKeyId, "wrong", *c.SessionToken}, {*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken + "x"}, {key.ID, "wrong", ""},
	} {
		if err := create("n", bad[0], bad[1], bad[2]); err == nil {
			t.Error("wrong credentials are taken")
		}
	}
	_, err = tokens.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: sdk.String("arn:aws:iam::111111111111:role/role"), RoleSessionName: sdk.String("ci"), WebIdentityToken: sdk.String(secrets["web identity token"]),
	})
	if err == nil {
		t.Error("a forged token is taken")
	}
	garbled(t, n, secrets)
	return secrets
}

// garbled sends secrets where they do not belong.
func garbled(t *testing.T, n *nodetest.Node, secrets map[string]string) {
	t.Helper()
	for _, body := range []string{`{"Account":"` + ownerAccount + `","Secret":"` + secrets["secret of the store"] + `"}`, `{"Sealed":"` + secrets["secret of the store"]} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.AdminURL+"/identity/create-key", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+adminToken)
		if status, _ := send(t, r); status == http.StatusOK {
			t.Errorf("%s is taken", body)
		}
	}
	r, err := http.NewRequest(http.MethodPost, n.URL+"/?X-Amz-Security-Token="+url.QueryEscape(secrets["session token"]), io.NopCloser(bytes.NewReader(nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314.CreateHttpNamespace")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense")
	send(t, r)
}

// readFolder reads every file below a folder.
func readFolder(t *testing.T, dir string, into map[string]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		into[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
