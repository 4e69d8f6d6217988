package xds_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds"
	source "github.com/cairn-discovery/cairn/edge/xds/resource/mesh"
	"github.com/cairn-discovery/cairn/internal/issuer"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// leafLife is how long certificates are valid in tests of the built-in authority.
const leafLife = 6 * time.Second

// certified is a mesh with the built-in authority: the client sends to web.local.
type certified struct {
	*fixture
	seal *seal.Key
	mesh mesh.Ref
	life time.Duration // of certificates
}

func startCertified(t testing.TB, life time.Duration) *certified {
	key, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	c := &certified{seal: key, mesh: mesh.MeshRef(account, "shop"), life: life}
	c.fixture = start(t, withMesh, func(cfg *xds.Config) {
		// Nobody reads the rules yet.
		cfg.Rules().Mesh.Authority = mesh.AuthorityRules{Meshes: []string{"shop"}, LeafLife: life.Milliseconds()}
		cfg.Sources[0] = &source.Source{Region: "eu-west-1", Seal: key, Failed: func(_ mesh.Ref, err error) { t.Error(err) }}
	})
	return c
}

// addRoot adds a root to the authority of the mesh.
func (c *certified) addRoot() {
	c.t.Helper()
	old, ok := c.replica.Current().Mesh.Authority(c.mesh)
	a := old
	if !ok {
		a = &mesh.Authority{Mesh: c.mesh}
	}
	now := time.Now()
	root, err := issuer.NewRoot("spiffe://shop", now, time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(&mesh.PutAuthority{Old: old, Authority: a.With(&mesh.Root{
		Certificate: root.Certificate, Key: c.seal.Seal(nil, root.Key, a.SealContext()),
		Created: now.UnixMilli(), Expires: now.Add(time.Hour).UnixMilli(),
	}, now.UnixMilli(), c.life.Milliseconds())})
}

// shown returns the certificate that a server shows.
func shown(t testing.TB, addr string) *x509.Certificate {
	t.Helper()
	var seen *x509.Certificate
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		seen = s.PeerCertificates[0]
		return nil
	}})
	if err == nil {
		conn.Close()
	}
	return seen
}

// Fault 18: certificates are renewed in proxies. Two Envoys speak mutual TLS with
// certificates of the built-in authority. Under traffic, certificates are renewed, and then the root is: no request
// fails. A client without a certificate of the mesh is not served.
func TestFault18CertificatesAreRenewed(t *testing.T) {
	c := startCertified(t, leafLife)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond) // so that requests are in flight at the same time
		fmt.Fprint(w, "web")
	}))
	defer backend.Close()
	port := backend.Listener.Addr().(*net.TCPAddr).Port
	c.put(fmt.Sprintf(`mesh/shop {}
		mesh/shop/virtualNode/web {"listeners": [{"portMapping": {"port": %d, "protocol": "http"}, "tls": {"mode": "STRICT",
			"certificate": {"sds": {"secretName": "spiffe://shop/ns/local/sv/web"}},
			"validation": {"trust": {"sds": {"secretName": "spiffe://shop"}}, "subjectAlternativeNames": {"match": {"exact": ["spiffe://shop/virtualNode/client"]}}}}}],
			"serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "web"}}}
		mesh/shop/virtualService/web.local {"provider": {"virtualNode": {"virtualNodeName": "web"}}}
		mesh/shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "web.local", "clientPolicy": {"tls": {
			"certificate": {"sds": {"secretName": "spiffe://shop/virtualNode/client"}},
			"validation": {"trust": {"sds": {"secretName": "spiffe://shop"}}, "subjectAlternativeNames": {"match": {"exact": ["spiffe://shop/ns/local/sv/web"]}}}}}}}]}
		mesh/shop/virtualNode/stranger {"backends": [{"virtualService": {"virtualServiceName": "web.local", "clientPolicy": {"tls": {
			"certificate": {"sds": {"secretName": "spiffe://shop/virtualNode/stranger"}}, "validation": {"trust": {"sds": {"secretName": "spiffe://shop"}}}}}}}]}`, port))
	c.addRoot()
	svc := c.service(c.namespace("local"), "web")
	server := c.proxy("mesh/shop/virtualNode/web", true)
	c.register(svc, "web", server.ip, port)
	client := c.proxy("mesh/shop/virtualNode/client", false)
	client.untilRequests("web.local", "web")
	handshakes := func() string {
		return client.get(fmt.Sprintf("/stats?filter=cds_egress_shop_web_http_%d.ssl.handshake", port))
	}
	l := newLoad(t, client.listen, "web.local", 2)
	addr := fmt.Sprintf("%s:%d", server.ip, port)
	// burst makes more requests at once than there are connections, so that the client
	// opens new ones.
	burst := func(workers int) {
		t.Helper()
		before := handshakes()
		more := newLoad(t, client.listen, "web.local", workers)
		wait(t, "the client connects again", func() bool { return handshakes() != before })
		more.count(20)
		more.end()
	}
	first := shown(t, addr)
	if first == nil || len(first.URIs) != 1 || first.URIs[0].String() != "spiffe://shop/ns/local/sv/web" || first.NotAfter.After(time.Now().Add(leafLife)) {
		t.Fatalf("the server shows %+v", first)
	}
	wait(t, "the certificate is replaced", func() bool { s := shown(t, addr); return s != nil && s.SerialNumber.Cmp(first.SerialNumber) != 0 })
	burst(8)
	c.addRoot()
	wait(t, "the new root signs", func() bool {
		s := shown(t, addr)
		return s != nil && string(s.AuthorityKeyId) != string(first.AuthorityKeyId)
	})
	burst(16)
	wait(t, "the first certificate has expired", func() bool { return time.Now().After(first.NotAfter) })
	burst(32)
	l.count(100)
	l.end()
	stranger := c.proxy("mesh/shop/virtualNode/stranger", false)
	if text, err := stranger.request("web.local"); err == nil {
		t.Errorf("a node that the server does not name is served: %s", text)
	}
}
