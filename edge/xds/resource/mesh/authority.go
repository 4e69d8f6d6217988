package mesh

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/internal/issuer"
)

// authorityName reports whether a name of a secret is one of the built-in authority of the
// mesh. It returns the name with its trust domain in lower case: the trust domain for the
// certificates of roots, or the SPIFFE id of a proxy for its certificate.
func (v *view) authorityName(in *resource.Input, name string) (string, bool) {
	domain := model.TrustDomain(v.mesh.Mesh)
	if !in.Rules.Mesh.Authority.Covers(v.mesh.Mesh) || len(name) < len(domain) || !strings.EqualFold(name[:len(domain)], domain) {
		return "", false
	}
	rest := name[len(domain):]
	return domain + rest, rest == "" || rest[0] == '/'
}

// authoritySecret returns a secret of the built-in authority, or nil. A proxy gets the
// certificates of the roots and its own certificate, no other one. Certificates of ACM,
// which cannot be had here, are those of the built-in authority too.
func (v *view) authoritySecret(in *resource.Input, name string) *resource.Message {
	in.Use(depOfAuthority(v.mesh))
	authority, ok := in.State.Mesh.Authority(v.mesh)
	if !ok || !in.Rules.Mesh.Authority.Covers(v.mesh.Mesh) {
		return nil
	}
	if name == acmTrust || name == model.TrustDomain(v.mesh.Mesh) {
		return trustMessage(name, authority)
	}
	self, ok := v.get(in, v.self.Kind, v.self.Name)
	if !ok || !v.private || name != self.SPIFFEID() && !strings.HasPrefix(name, acmPrefix) {
		return nil
	}
	pair, err := v.certificate(in, authority, self)
	if err != nil {
		if v.source.Failed != nil {
			v.source.Failed(v.mesh, err)
		}
		return nil
	}
	return &resource.Message{Proto: &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{
		CertificateChain: inline(issuer.CertificatePEM(pair.Certificate)), PrivateKey: inline(issuer.KeyPEM(pair.Key)),
	}}}}
}

func trustMessage(name string, a *model.Authority) *resource.Message {
	var roots [][]byte
	for _, r := range a.Roots {
		roots = append(roots, r.Certificate)
	}
	return &resource.Message{Proto: &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
		TrustedCa: inline(issuer.CertificatePEM(roots...)),
	}}}}
}

func inline(text []byte) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: text}}
}

// certificate returns the certificate of the proxy at this time. All nodes return the
// same one: it depends on the root, the proxy, and the period of time.
func (v *view) certificate(in *resource.Input, a *model.Authority, self *model.Resource) (issuer.Pair, error) {
	if v.source.Seal == nil {
		return issuer.Pair{}, errors.New("the node has no seal key, which opens the key of the authority")
	}
	rules := &in.Rules.Mesh.Authority
	life := time.Duration(rules.LeafLife) * time.Millisecond
	start, end := period(self.Ref.ID(), in.Now, life/2)
	in.Until(end)
	root := a.Signer(start.UnixMilli(), rules.LeafLife)
	if root == nil {
		return issuer.Pair{}, errors.New("the authority has no root")
	}
	key, err := v.source.Seal.Open(root.Key, a.SealContext())
	if err != nil {
		return issuer.Pair{}, fmt.Errorf("the key of the authority: %w", err)
	}
	request := &issuer.Request{ID: self.SPIFFEID(), Subject: self.Ref.ID(), Start: start, Life: life}
	if spec, ok := self.Spec.(*model.VirtualNodeSpec); ok && sni(spec.HostName()) != "" {
		request.DNSNames = []string{strings.ToLower(spec.HostName())}
	}
	return issuer.Issue(issuer.Pair{Certificate: root.Certificate, Key: key}, request)
}

// period returns the period of time in which now is. Periods have the same length for all
// proxies but begin at different times, so that not all get a certificate at once.
func period(id string, now time.Time, length time.Duration) (start, end time.Time) {
	sum := sha256.Sum256([]byte(id))
	n := length.Milliseconds()
	offset := int64(binary.BigEndian.Uint64(sum[:8])>>1) % n
	begin := (now.UnixMilli()-offset)/n*n + offset
	return time.UnixMilli(begin), time.UnixMilli(begin + n)
}
