package mesh

import (
	"net/netip"
	"slices"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// transportSocket returns a transport socket for TLS.
func transportSocket(config proto.Message) *corev3.TransportSocket {
	return &corev3.TransportSocket{
		Name:       "envoy.transport_sockets.tls",
		ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: plain.Pack(config)},
	}
}

// alpn returns the protocols that a side of TLS offers.
func alpn(protocol string, server bool) []string {
	switch {
	case protocol == model.TCP:
		return nil
	case server:
		return []string{"h2", "http/1.1"}
	case protocol == model.HTTP:
		return []string{"http/1.1"}
	}
	return []string{"h2"}
}

// enabled reports whether a listener does TLS.
func enabled(t *model.ListenerTLS) bool { return t != nil && t.Mode != model.TLSDisabled }

// secureListener returns the transport socket of a listener that does TLS. The secrets
// that it needs are added to the message.
func (v *view) secureListener(in *resource.Input, m *resource.Message, l *model.Listener) *corev3.TransportSocket {
	t := l.TLS
	common := &tlsv3.CommonTlsContext{AlpnProtocols: alpn(l.PortMapping.Protocol, true)}
	switch c := t.Certificate; {
	case c.File != nil:
		addCertificate(m, common, fileSecret(c.File))
	case c.SDS != nil:
		addCertificate(m, common, v.namedSecret(in, c.SDS))
	case c.ACM != nil:
		addCertificate(m, common, acmSecret(c.ACM.CertificateARN))
	}
	context := &tlsv3.DownstreamTlsContext{CommonTlsContext: common}
	if t.Validation != nil {
		context.RequireClientCertificate = wrapperspb.Bool(true)
		addValidation(m, common, v.trustSecret(in, &t.Validation.Trust), namesOf(t.Validation.SubjectAlternativeNames))
	}
	return transportSocket(context)
}

// secureUpstream makes a cluster do TLS, if the client policy or the listener of the
// node want it.
func (v *view) secureUpstream(in *resource.Input, c *clusterv3.Cluster, m *resource.Message, u *upstream) {
	policy := u.policy
	if policy != nil && len(policy.Ports) > 0 && !slices.Contains(policy.Ports, u.listener.PortMapping.Port) {
		policy = nil
	}
	enforced := policy != nil && (policy.Enforce == nil || *policy.Enforce)
	if !enforced && !enabled(u.listener.TLS) {
		return
	}
	name := u.node.Spec.(*model.VirtualNodeSpec).HostName()
	common := &tlsv3.CommonTlsContext{AlpnProtocols: alpn(u.listener.PortMapping.Protocol, false)}
	context := &tlsv3.UpstreamTlsContext{CommonTlsContext: common, Sni: sni(name)}
	switch {
	case policy != nil:
		names := namesOf(policy.Validation.SubjectAlternativeNames)
		if policy.Validation.SubjectAlternativeNames == nil && name != "" {
			names = []string{name}
		}
		addValidation(m, common, v.trustSecret(in, &policy.Validation.Trust), names)
		if policy.Certificate != nil {
			switch {
			case policy.Certificate.File != nil:
				addCertificate(m, common, fileSecret(policy.Certificate.File))
			case policy.Certificate.SDS != nil:
				addCertificate(m, common, v.namedSecret(in, policy.Certificate.SDS))
			}
		}
	case u.listener.TLS.Certificate.ACM != nil:
		// Without a policy, a certificate of the mesh's own authority is checked, and one
		// from a file is not.
		addValidation(m, common, secretRef{name: acmTrust}, []string{name})
	}
	c.TransportSocket = transportSocket(context)
}

// sni returns a name as it can be sent in the TLS handshake: addresses cannot.
func sni(name string) string {
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 255 {
		return ""
	}
	return name
}

func namesOf(s *model.SubjectAlternativeNames) []string {
	if s == nil {
		return nil
	}
	return s.Match.Exact
}

// addCertificate adds the certificate that a side shows.
func addCertificate(m *resource.Message, c *tlsv3.CommonTlsContext, ref secretRef) {
	c.TlsCertificateSdsSecretConfigs = append(c.TlsCertificateSdsSecretConfigs, ref.config(m))
}

// addValidation adds what a side requires of the certificate of the other one.
func addValidation(m *resource.Message, c *tlsv3.CommonTlsContext, ref secretRef, names []string) {
	if ref.name == "" {
		return
	}
	own := &tlsv3.CertificateValidationContext{}
	for _, name := range names {
		own.MatchTypedSubjectAltNames = append(own.MatchTypedSubjectAltNames, nameMatchers(name)...)
	}
	c.ValidationContextType = &tlsv3.CommonTlsContext_CombinedValidationContext{CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
		DefaultValidationContext:         own,
		ValidationContextSdsSecretConfig: ref.config(m),
	}}
}

// nameMatchers returns what matches a name in a certificate: a URI, an address, or a
// host name, which may begin with "*.".
func nameMatchers(name string) []*tlsv3.SubjectAltNameMatcher {
	exact := &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}}
	if strings.Contains(name, "://") {
		return []*tlsv3.SubjectAltNameMatcher{{SanType: tlsv3.SubjectAltNameMatcher_URI, Matcher: exact}}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return []*tlsv3.SubjectAltNameMatcher{{SanType: tlsv3.SubjectAltNameMatcher_IP_ADDRESS, Matcher: exact}}
	}
	if suffix, ok := strings.CutPrefix(name, "*"); ok && len(suffix) > 1 {
		exact = &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Suffix{Suffix: suffix}}
	}
	return []*tlsv3.SubjectAltNameMatcher{{SanType: tlsv3.SubjectAltNameMatcher_DNS, Matcher: exact}}
}
