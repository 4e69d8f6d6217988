package mesh

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/issuer"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// certified is a mesh with a built-in authority.
type certified struct {
	*fixture
	source *Source
	now    time.Time
	mesh   model.Ref
	failed int
}

const certifiedMesh = `mesh/Shop {}
	mesh/Shop/virtualNode/web {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}, "tls": {"mode": "STRICT",
		"certificate": {"sds": {"secretName": "spiffe://shop/ns/local/sv/web"}}, "validation": {"trust": {"sds": {"secretName": "spiffe://Shop"}}}}}],
		"serviceDiscovery": {"awsCloudMap": {"namespaceName": "local", "serviceName": "web"}}}
	mesh/Shop/virtualService/web.local {"provider": {"virtualNode": {"virtualNodeName": "web"}}}
	mesh/Shop/virtualNode/client {"backends": [{"virtualService": {"virtualServiceName": "web.local", "clientPolicy": {"tls": {
		"certificate": {"sds": {"secretName": "spiffe://other.example/client"}}, "validation": {"trust": {"sds": {"secretName": "spiffe://shop"}}}}}}}]}`

func newCertified(t *testing.T) *certified {
	c := &certified{fixture: newFixture(t), now: time.UnixMilli(1_795_000_000_000), mesh: model.MeshRef(account, "Shop")}
	key, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	c.source = &Source{Region: "eu-west-1", Seal: key, Failed: func(model.Ref, error) { c.failed++ }}
	c.rules.Mesh.Authority = model.AuthorityRules{Meshes: []string{"Shop"}, LeafLife: 24 * time.Hour.Milliseconds()}
	c.put(certifiedMesh)
	c.addRoot()
	return c
}

// addRoot adds a root that is made now.
func (c *certified) addRoot() {
	c.t.Helper()
	old, ok := c.state.Mesh.Authority(c.mesh)
	a := old
	if !ok {
		a = &model.Authority{Mesh: c.mesh}
	}
	root, err := issuer.NewRoot("spiffe://shop", c.now, 1000*time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(&model.PutAuthority{Old: old, Authority: a.With(&model.Root{
		Certificate: root.Certificate, Key: c.source.Seal.Seal(nil, root.Key, a.SealContext()),
		Created: c.now.UnixMilli(), Expires: c.now.Add(1000 * time.Hour).UnixMilli(),
	}, c.now.UnixMilli(), 0)})
}

// secret returns a secret that a proxy gets, and when it must be made again.
func (c *certified) secret(p *resource.Proxy, name string) (*tlsv3.Secret, time.Time) {
	c.t.Helper()
	in := c.input()
	in.Now = c.now
	v, err := c.source.View(in, p)
	if err != nil {
		c.t.Fatal(err)
	}
	m := v.Make(in, resource.Secret, name)
	if m == nil {
		return nil, in.Due()
	}
	return m.Proto.(*tlsv3.Secret), in.Due()
}

func (c *certified) proxy(name string) *resource.Proxy {
	p := proxyOf("mesh/Shop/virtualNode/"+name, nil)
	p.Private = true
	return p
}

// leaf returns the certificate of a secret, which the roots of the mesh must trust.
func (c *certified) leaf(s *tlsv3.Secret) *x509.Certificate {
	c.t.Helper()
	pair, err := tls.X509KeyPair(s.GetTlsCertificate().GetCertificateChain().GetInlineBytes(), s.GetTlsCertificate().GetPrivateKey().GetInlineBytes())
	if err != nil {
		c.t.Fatal(err)
	}
	trust, _ := c.secret(c.proxy("client"), "spiffe://shop")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trust.GetValidationContext().GetTrustedCa().GetInlineBytes())
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.now}); err != nil {
		c.t.Error(err)
	}
	return pair.Leaf
}

// TestAuthoritySecrets: a proxy gets the certificate of its own virtual node and the
// roots, and nothing else; one that has not authenticated gets no private key.
func TestAuthoritySecrets(t *testing.T) {
	c := newCertified(t)
	open := c.proxy("web")
	open.Private = false
	for _, test := range []struct {
		proxy *resource.Proxy
		name  string
		want  bool
	}{
		{c.proxy("web"), "spiffe://shop/ns/local/sv/web", true},
		{c.proxy("web"), "spiffe://shop", true},
		{c.proxy("web"), "spiffe://shop/virtualNode/web", false},
		{c.proxy("web"), "spiffe://shop/virtualNode/client", false},
		{c.proxy("web"), "spiffe://other/ns/local/sv/web", false},
		{c.proxy("web"), "spiffe://shop2", false},
		{c.proxy("web"), "acm:arn:aws:acm:eu-west-1:000000000000:certificate/1", true},
		{c.proxy("web"), "acm-trust", true},
		{c.proxy("client"), "spiffe://shop/virtualNode/client", true},
		{c.proxy("client"), "spiffe://shop/ns/local/sv/web", false},
		{open, "spiffe://shop/ns/local/sv/web", false},
		{open, "acm:arn:aws:acm:eu-west-1:000000000000:certificate/1", false},
		{open, "spiffe://shop", true},
	} {
		s, _ := c.secret(test.proxy, test.name)
		if (s != nil) != test.want || s != nil && s.GetName() != test.name {
			t.Errorf("%s, private %t, gets %s: %t, want %t", test.proxy.Node.GetId(), test.proxy.Private, test.name, s != nil, test.want)
		}
	}
	s, _ := c.secret(c.proxy("web"), "spiffe://shop/ns/local/sv/web")
	if leaf := c.leaf(s); leaf.URIs[0].String() != "spiffe://shop/ns/local/sv/web" || leaf.DNSNames[0] != "web.local" {
		t.Errorf("names %v, %v", leaf.URIs, leaf.DNSNames)
	}
	c.rules.Mesh.Authority.Meshes = nil
	if s, _ := c.secret(c.proxy("web"), "spiffe://shop/ns/local/sv/web"); s != nil {
		t.Error("the authority is off, and a certificate is issued")
	}
	if c.failed != 0 {
		t.Errorf("%d failures", c.failed)
	}
}

// TestAuthorityScope: streams that may have private keys share nothing with others.
func TestAuthorityScope(t *testing.T) {
	c := newCertified(t)
	scope := func(private bool) string {
		p := c.proxy("web")
		p.Private = private
		v, err := c.source.View(c.input(), p)
		if err != nil {
			t.Fatal(err)
		}
		return v.Scope(resource.Secret, "spiffe://shop/ns/local/sv/web")
	}
	if scope(true) == scope(false) {
		t.Error("a stream without rights shares secrets with one that has them")
	}
}

// TestAuthorityNames: names in the trust domain of the mesh come from this node, others
// from the SDS server next to the proxy, as all do without the authority.
func TestAuthorityNames(t *testing.T) {
	c := newCertified(t)
	ask := func(node string) (ads, local []string) {
		for k, m := range c.everything(c.view(c.proxy(node))) {
			if k.t == resource.Cluster || k.t == resource.Listener {
				for _, ref := range m.Refs {
					if ref.Type == resource.Secret {
						ads = append(ads, ref.Name)
					}
				}
				if bytes.Contains([]byte(m.Proto.(interface{ String() string }).String()), []byte(sdsCluster)) {
					local = append(local, k.name)
				}
			}
		}
		return ads, local
	}
	if ads, local := ask("web"); len(ads) != 2 || len(local) != 0 {
		t.Errorf("web: %q from here, %q from the SDS server", ads, local)
	}
	if ads, local := ask("client"); len(ads) != 1 || ads[0] != "spiffe://shop" || len(local) != 1 {
		t.Errorf("client: %q from here, %q from the SDS server", ads, local)
	}
	c.rules.Mesh.Authority.Meshes = []string{"other"}
	if ads, local := ask("client"); len(ads) != 0 || len(local) != 1 {
		t.Errorf("client without authority: %q from here, %q from the SDS server", ads, local)
	}
}

// TestAuthorityPeriods: two nodes issue the same certificate; at half of its life comes
// the next one; a new root signs when all proxies can know it.
func TestAuthorityPeriods(t *testing.T) {
	c := newCertified(t)
	const name = "spiffe://shop/ns/local/sv/web"
	first, due := c.secret(c.proxy("web"), name)
	if left := due.Sub(c.now); left <= 0 || left > 12*time.Hour {
		t.Errorf("the next certificate comes in %v", left)
	}
	leaf := c.leaf(first)
	if left := leaf.NotAfter.Sub(due); left < 12*time.Hour-time.Second {
		t.Errorf("it is valid for %v after the next one is there", left)
	}
	other := *c.source // another node
	c.source = &other
	c.now = due.Add(-time.Millisecond)
	if again, _ := c.secret(c.proxy("web"), name); c.leaf(again).SerialNumber.Cmp(leaf.SerialNumber) != 0 {
		t.Error("another node, at another time of the period, issues another certificate")
	}
	c.now = due
	second, next := c.secret(c.proxy("web"), name)
	if c.leaf(second).SerialNumber.Cmp(leaf.SerialNumber) == 0 || !next.Equal(due.Add(12*time.Hour)) {
		t.Errorf("at half of the life the certificate is the same, or the next one comes at %v", next)
	}
	old := c.leaf(second).AuthorityKeyId
	c.addRoot()
	trust, _ := c.secret(c.proxy("web"), "spiffe://shop")
	if n := bytes.Count(trust.GetValidationContext().GetTrustedCa().GetInlineBytes(), []byte("BEGIN CERTIFICATE")); n != 2 {
		t.Errorf("%d roots are trusted", n)
	}
	made := c.now
	for changed := false; !changed; {
		_, c.now = c.secret(c.proxy("web"), name)
		s, _ := c.secret(c.proxy("web"), name)
		if changed = !bytes.Equal(c.leaf(s).AuthorityKeyId, old); changed && c.now.Sub(made) < 24*time.Hour {
			t.Errorf("the new root signs %v after it was made", c.now.Sub(made))
		}
		if c.now.Sub(made) > 48*time.Hour {
			t.Fatal("the new root does not sign")
		}
	}
}

// TestAuthorityFails: without the right seal key there is no certificate, and the reason
// is said.
func TestAuthorityFails(t *testing.T) {
	c := newCertified(t)
	other, _ := seal.ParseKey(seal.NewKey())
	for i, key := range []*seal.Key{nil, other} {
		c.source.Seal = key
		if s, _ := c.secret(c.proxy("web"), "spiffe://shop/ns/local/sv/web"); s != nil || c.failed != i+1 {
			t.Errorf("key %d: %v, %d failures", i, s, c.failed)
		}
	}
}
