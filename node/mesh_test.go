package node_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// meshWorld is a node with TLS and signed calls. Each user has a key and a certificate.
type meshWorld struct {
	t  *testing.T
	n  *nodetest.Node
	ca *testca.CA
}

const (
	secretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
	// onlyWeb lets a proxy be that of the virtual node web, and of no other one.
	onlyWeb = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"appmesh:StreamAggregatedResources",
		"Resource":"arn:aws:appmesh:us-east-1:111111111111:mesh/shop/virtualNode/web"}]}`
	all = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// userOf returns a user with a policy, whose access key is its name.
func userOf(name, policy string) config.User {
	return config.User{Name: name, AccessKeys: []config.AccessKey{{ID: name, Secret: config.Secret("secret of " + name)}}, Policies: []config.Policy{config.Policy(policy)}}
}

func startMeshWorld(t *testing.T, users ...config.User) *meshWorld {
	w := &meshWorld{t: t, ca: testca.New(t)}
	cert, key := w.ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	w.n = nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Auth.Mode, c.Region, c.Auth.SealKey = config.AuthSigV4, "us-east-1", config.Secret(seal.NewKey())
		c.TLS = config.TLS{CertFile: cert, KeyFile: key, ClientCAFile: w.ca.File, ClientOptional: true}
		c.XDS.Authority.Meshes = []string{"shop"}
		c.AdminToken = adminToken
		c.Accounts = []config.Account{
			{ID: ownerAccount, Users: append(users, userOf("admin", all), userOf("web", onlyWeb))},
			{ID: consumerAccount, Users: []config.User{userOf("other", all)}},
		}
	}))
	return w
}

// call calls App Mesh as a user.
func (w *meshWorld) call(user, method, path, body string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.n.URL+"/v20190125"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	if err := v4.NewSigner().SignHTTP(w.t.Context(), aws.Credentials{AccessKeyID: user, SecretAccessKey: "secret of " + user}, r, sum, "appmesh", "us-east-1", time.Now()); err != nil {
		w.t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool}, DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("X-Amzn-Errortype") + " " + string(text)
}

// must calls App Mesh as admin, and expects success.
func (w *meshWorld) must(method, path, body string) {
	w.t.Helper()
	if got, text := w.call("admin", method, path, body); got != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, got, text)
	}
}

// shop creates a mesh with two virtual nodes.
func (w *meshWorld) shop() {
	w.t.Helper()
	w.must("PUT", "/meshes", `{"meshName":"shop"}`)
	for _, name := range []string{"web", "cart"} {
		w.must("PUT", "/meshes/shop/virtualNodes", `{"virtualNodeName":"`+name+`","spec":{"listeners":[{"portMapping":{"port":80,"protocol":"http"}}],
			"serviceDiscovery":{"awsCloudMap":{"namespaceName":"local","serviceName":"`+name+`"}}}}`)
	}
}

// connect connects to xDS with the certificate of a user, which may be empty.
func (w *meshWorld) connect(account, user string) *grpc.ClientConn {
	w.t.Helper()
	uri := ""
	if user != "" {
		uri = "arn:aws:iam::" + account + ":user/" + user
	}
	conn, err := grpc.NewClient(w.n.Addrs().XDS, grpc.WithTransportCredentials(credentials.NewTLS(w.ca.Client(w.t, uri))))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// secrets asks for secrets on a stream, and returns the first one that comes.
func (w *meshWorld) secrets(conn *grpc.ClientConn, single bool, id string, names ...string) (*tlsv3.Secret, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	if single {
		stream, err = secretv3.NewSecretDiscoveryServiceClient(conn).StreamSecrets(ctx)
	}
	if err != nil {
		return nil, err
	}
	_ = stream.Send(&discoveryv3.DiscoveryRequest{Node: &corev3.Node{Id: id}, TypeUrl: secretType, ResourceNames: names})
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	s := new(tlsv3.Secret)
	if err := answer.GetResources()[0].UnmarshalTo(s); err != nil {
		w.t.Fatal(err)
	}
	if n := len(answer.GetResources()); n != 1 {
		w.t.Errorf("%s gets %d secrets", id, n)
	}
	return s, nil
}

// TestXDSMutualTLS: the listener of xDS knows clients by their certificates. A client sees
// its own account, and gets the certificate of its own virtual node, if it is allowed to
// be its proxy. Without a certificate there is nothing, also no private key.
func TestXDSMutualTLS(t *testing.T) {
	w := startMeshWorld(t, userOf("nothing", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"appmesh:Describe*","Resource":"*"}]}`))
	w.shop()
	const (
		web, cart = "spiffe://shop/ns/local/sv/web", "spiffe://shop/ns/local/sv/cart"
		arn       = "arn:aws:appmesh:us-east-1:111111111111:"
	)
	for _, c := range []struct {
		name, account, user, id string
		want                    codes.Code
	}{
		{"own node", ownerAccount, "web", "mesh/shop/virtualNode/web", codes.OK},
		{"own node by ARN", ownerAccount, "web", arn + "mesh/shop/virtualNode/web", codes.OK},
		{"user who may do everything", ownerAccount, "admin", "mesh/shop/virtualNode/web", codes.OK},
		{"another node of the mesh", ownerAccount, "web", "mesh/shop/virtualNode/cart", codes.PermissionDenied},
		{"another mesh", ownerAccount, "web", "mesh/other/virtualNode/web", codes.InvalidArgument},
		{"not allowed", ownerAccount, "nothing", "mesh/shop/virtualNode/web", codes.PermissionDenied},
		{"another account", consumerAccount, "other", "mesh/shop/virtualNode/web", codes.InvalidArgument},
		{"another account by ARN", consumerAccount, "other", arn + "mesh/shop/virtualNode/web", codes.PermissionDenied},
		{"another account's mesh", consumerAccount, "other", "mesh/shop@111111111111/virtualNode/web", codes.InvalidArgument},
		{"user that does not exist", ownerAccount, "gone", "mesh/shop/virtualNode/web", codes.Unauthenticated},
		{"no certificate", "", "", "mesh/shop/virtualNode/web", codes.Unauthenticated},
	} {
		for _, single := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, single %t", c.name, single), func(t *testing.T) {
				s, err := w.secrets(w.connect(c.account, c.user), single, c.id, cart, web)
				if status.Code(err) != c.want {
					t.Fatalf("%v, want %v", err, c.want)
				}
				if err != nil {
					return
				}
				pair, err := tls.X509KeyPair(s.GetTlsCertificate().GetCertificateChain().GetInlineBytes(), s.GetTlsCertificate().GetPrivateKey().GetInlineBytes())
				if err != nil || s.GetName() != web || pair.Leaf.URIs[0].String() != web {
					t.Errorf("%s: %v", s.GetName(), err)
				}
			})
		}
	}
	t.Run("certificate of another authority", func(t *testing.T) {
		own := w.ca
		defer func() { w.ca = own }()
		w.ca = testca.New(t)
		w.ca.Pool = own.Pool
		if s, err := w.secrets(w.connect(ownerAccount, "web"), false, "mesh/shop/virtualNode/web", web); status.Code(err) != codes.Unavailable {
			t.Errorf("%v, %v", s, err)
		}
	})
}

// TestMeshRoots: a node makes the root of a mesh when there is the mesh, and of no other
// mesh.
func TestMeshRoots(t *testing.T) {
	w := startMeshWorld(t)
	w.shop()
	conn := w.connect(ownerAccount, "admin")
	s, err := w.secrets(conn, false, "mesh/shop/virtualNode/cart", "spiffe://shop")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.GetValidationContext().GetTrustedCa().GetInlineBytes())
	leaf, err := w.secrets(conn, false, "mesh/shop/virtualNode/cart", "spiffe://shop/ns/local/sv/cart")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(leaf.GetTlsCertificate().GetCertificateChain().GetInlineBytes(), leaf.GetTlsCertificate().GetPrivateKey().GetInlineBytes())
	if err == nil {
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "cart.local"})
	}
	if err != nil {
		t.Error(err)
	}
}

// TestMeshPolicies: policies of IAM are in force for the API of App Mesh, by the ARNs of
// resources, of the targets of routes, and by tags.
func TestMeshPolicies(t *testing.T) {
	policy := func(statements string) string { return `{"Version":"2012-10-17","Statement":[` + statements + `]}` }
	w := startMeshWorld(t,
		userOf("reader", policy(`{"Effect":"Allow","Action":["appmesh:Describe*","appmesh:List*"],"Resource":"*"}`)),
		userOf("router", policy(`{"Effect":"Allow","Action":"appmesh:CreateRoute","Resource":["arn:aws:appmesh:us-east-1:111111111111:mesh/shop/virtualRouter/r/route/*",
			"arn:aws:appmesh:us-east-1:111111111111:mesh/shop/virtualNode/web"]}`)),
		userOf("team", policy(`{"Effect":"Allow","Action":["appmesh:DescribeVirtualNode","appmesh:DeleteVirtualNode"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}},
			{"Effect":"Allow","Action":["appmesh:CreateVirtualNode","appmesh:TagResource"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"a"}}}`)),
	)
	w.shop()
	w.must("PUT", "/meshes/shop/virtualRouters", `{"virtualRouterName":"r","spec":{"listeners":[{"portMapping":{"port":80,"protocol":"http"}}]}}`)
	route := func(name, node string) string {
		return `{"routeName":"` + name + `","spec":{"httpRoute":{"match":{"prefix":"/"},"action":{"weightedTargets":[{"virtualNode":"` + node + `","weight":1}]}}}}`
	}
	for _, c := range []struct {
		user, method, path, body string
		want                     int
	}{
		{"reader", "GET", "/meshes", "", 200},
		{"reader", "GET", "/meshes/shop/virtualNodes/web", "", 200},
		{"reader", "PUT", "/meshes", `{"meshName":"other"}`, 403},
		{"reader", "DELETE", "/meshes/shop/virtualNodes/web", "", 403},
		{"router", "PUT", "/meshes/shop/virtualRouter/r/routes", route("a", "web"), 200},
		{"router", "PUT", "/meshes/shop/virtualRouter/r/routes", route("b", "cart"), 403},
		{"router", "GET", "/meshes/shop", "", 403},
		{"team", "PUT", "/meshes/shop/virtualNodes", `{"virtualNodeName":"b","spec":{},"tags":[{"key":"team","value":"b"}]}`, 403},
		{"team", "PUT", "/meshes/shop/virtualNodes", `{"virtualNodeName":"a","spec":{},"tags":[{"key":"team","value":"a"}]}`, 200},
		{"team", "GET", "/meshes/shop/virtualNodes/a", "", 200},
		{"team", "GET", "/meshes/shop/virtualNodes/cart", "", 403},
		{"team", "DELETE", "/meshes/shop/virtualNodes/a", "", 200},
		{"other", "GET", "/meshes/shop", "", 404},
		{"other", "GET", "/meshes/shop?meshOwner=111111111111", "", 404},
	} {
		got, text := w.call(c.user, c.method, c.path, c.body)
		if got != c.want || got == http.StatusForbidden && !strings.HasPrefix(text, "ForbiddenException") {
			t.Errorf("%s %s %s %.60s: %d %s, want %d", c.user, c.method, c.path, c.body, got, text, c.want)
		}
	}
}

// TestMeshRate: a call beyond the rate of an account is answered as App Mesh does.
func TestMeshRate(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Rates = map[string]config.Rate{"write": {PerSecond: 1e-6, Burst: 1}}
	}))
	for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		r, err := http.NewRequest(http.MethodPut, n.URL+"/v20190125/meshes", strings.NewReader(fmt.Sprintf(`{"meshName":"m%d"}`, i)))
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		code := response.Header.Get("X-Amzn-Errortype")
		if response.StatusCode != want || want != http.StatusOK && (code != "TooManyRequestsException" || !strings.Contains(string(text), `"message"`)) {
			t.Errorf("call %d: %d %s %s, want %d", i+1, response.StatusCode, code, text, want)
		}
	}
}

// TestMeshShareAtRunTime: an operator shares a mesh with another account, whose users and
// proxies see it at once; when the sharing ends, they do not.
func TestMeshShareAtRunTime(t *testing.T) {
	w := startMeshWorld(t)
	w.shop()
	share := func(stop bool) {
		t.Helper()
		operate(t, w.n, "share-mesh", fmt.Sprintf(`{"Account":"%s","Mesh":"shop","With":["%s"],"Stop":%t}`, ownerAccount, consumerAccount, stop))
	}
	describe := func() int { code, _ := w.call("other", "GET", "/meshes/shop?meshOwner="+ownerAccount, ""); return code }
	share(false)
	if list := operate(t, w.n, "list-shares", `{"Account":"`+ownerAccount+`"}`); !strings.Contains(list, `"Mesh":"shop"`) || !strings.Contains(list, consumerAccount) {
		t.Errorf("shares %s", list)
	}
	if got := describe(); got != http.StatusOK {
		t.Errorf("DescribeMesh: %d", got)
	}
	if got, text := w.call("other", "PUT", "/meshes/shop/virtualNodes?meshOwner="+ownerAccount, `{"virtualNodeName":"theirs","spec":{}}`); got != http.StatusOK {
		t.Errorf("CreateVirtualNode: %d %s", got, text)
	}
	conn := w.connect(consumerAccount, "other")
	for _, id := range []string{"mesh/shop/virtualNode/theirs", "mesh/shop@" + ownerAccount + "/virtualNode/theirs"} {
		if s, err := w.secrets(conn, false, id, "spiffe://shop/virtualNode/theirs"); err != nil || s.GetTlsCertificate() == nil {
			t.Errorf("%s: %v, %v", id, s, err)
		}
	}
	if _, err := w.secrets(conn, false, "mesh/shop@"+ownerAccount+"/virtualNode/web", "spiffe://shop"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("the proxy of a node of the owner: %v", err)
	}
	share(true)
	if got := describe(); got != http.StatusNotFound {
		t.Errorf("DescribeMesh after the end: %d", got)
	}
	if _, err := w.secrets(conn, false, "mesh/shop/virtualNode/theirs", "spiffe://shop"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("after the end: %v", err)
	}
}

// TestRotateAuthority: an operator replaces the root of a mesh, and reads the roots; a caller
// without the token may not.
func TestRotateAuthority(t *testing.T) {
	w := startMeshWorld(t)
	w.shop()
	roots := func() (certificates []string) {
		t.Helper()
		var out struct {
			Items []struct {
				Mesh  string
				Roots []struct{ Certificate string }
			}
		}
		if err := json.Unmarshal([]byte(operate(t, w.n, "list-authorities", `{"Account":"`+ownerAccount+`"}`)), &out); err != nil {
			t.Fatal(err)
		}
		for _, a := range out.Items {
			for _, r := range a.Roots {
				certificates = append(certificates, r.Certificate)
			}
		}
		return certificates
	}
	until := func(n int) {
		t.Helper()
		for late := time.Now().Add(30 * time.Second); len(roots()) != n; time.Sleep(10 * time.Millisecond) { // the admin listener has no call that waits
			if time.Now().After(late) {
				t.Fatalf("%d roots, want %d", len(roots()), n)
			}
		}
	}
	until(1)
	if block, _ := pem.Decode([]byte(roots()[0])); block == nil || block.Type != "CERTIFICATE" {
		t.Errorf("the root is %s", roots()[0])
	}
	request := `{"Account":"` + ownerAccount + `","Mesh":"shop"}`
	r, err := http.NewRequest(http.MethodPost, w.n.AdminURL+"/identity/rotate-authority", strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	if status, text := send(t, r); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s", status, text)
	}
	operate(t, w.n, "rotate-authority", request)
	until(2)
	if r, err = http.NewRequest(http.MethodGet, w.n.AdminURL+"/metrics", nil); err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	if _, text := send(t, r); !strings.Contains(text, "\ncairn_mesh_root_expiry_timestamp_seconds{account=\""+ownerAccount+"\",mesh=\"shop\"} 2.") {
		t.Errorf("there is no metric of the newest root:\n%s", text)
	}
}
