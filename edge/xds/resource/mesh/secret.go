package mesh

import (
	"path"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// sdsCluster is the cluster of the SDS server next to a proxy, which the bootstrap of
// App Mesh has if APPMESH_SDS_SOCKET_PATH is set.
const sdsCluster = "static_cluster_sds_unix_socket"

// The names of secrets that come from here, besides the SPIFFE ids of the built-in
// authority (authority.go). A certificate in files is a secret too,
// because Envoy reads files again only for secrets: when a file is moved into the folder.
const (
	filePrefix      = "file:"    // CHAIN|KEY
	fileTrustPrefix = "file-ca:" // CHAIN
	acmPrefix       = "acm:"     // ARN
	acmTrust        = "acm-trust"
)

// secretRef names a secret.
type secretRef struct {
	name  string
	local bool // it comes from the SDS server next to the proxy
}

func fileSecret(f *model.FileCertificate) secretRef {
	return secretRef{name: filePrefix + f.CertificateChain + "|" + f.PrivateKey}
}

func acmSecret(arn string) secretRef { return secretRef{name: acmPrefix + arn} }

// namedSecret returns a secret by SDS. Names of the built-in authority of the mesh come
// from here, others from the SDS server next to the proxy.
func (v *view) namedSecret(in *resource.Input, s *model.SDSCertificate) secretRef {
	if name, ok := v.authorityName(in, s.SecretName); ok {
		return secretRef{name: name}
	}
	return secretRef{name: s.SecretName, local: true}
}

// trustSecret returns the secret with the certificates of authorities.
func (v *view) trustSecret(in *resource.Input, t *model.Trust) secretRef {
	switch {
	case t.File != nil:
		return secretRef{name: fileTrustPrefix + t.File.CertificateChain}
	case t.SDS != nil:
		return v.namedSecret(in, t.SDS)
	case t.ACM != nil:
		return secretRef{name: acmTrust}
	}
	return secretRef{}
}

// config returns where a proxy gets the secret, and notes that a message needs it.
func (r secretRef) config(m *resource.Message) *tlsv3.SdsSecretConfig {
	if !r.local {
		m.Refs = append(m.Refs, resource.Ref{Type: resource.Secret, Name: r.name})
		return &tlsv3.SdsSecretConfig{Name: r.name, SdsConfig: plain.ADS()}
	}
	return &tlsv3.SdsSecretConfig{Name: r.name, SdsConfig: &corev3.ConfigSource{
		ResourceApiVersion: corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_ApiConfigSource{ApiConfigSource: &corev3.ApiConfigSource{
			ApiType: corev3.ApiConfigSource_GRPC, TransportApiVersion: corev3.ApiVersion_V3, SetNodeOnFirstMessageOnly: true,
			GrpcServices: []*corev3.GrpcService{{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: sdsCluster}}}},
		}},
	}}
}

// secret returns the secret with a name, or nil.
func (v *view) secret(in *resource.Input, name string) *resource.Message {
	if _, ok := v.authorityName(in, name); ok || name == acmTrust || strings.HasPrefix(name, acmPrefix) {
		return v.authoritySecret(in, name)
	}
	if rest, ok := strings.CutPrefix(name, fileTrustPrefix); ok {
		return &resource.Message{Proto: &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
			TrustedCa: file(rest), WatchedDirectory: directory(rest),
		}}}}
	}
	rest, ok := strings.CutPrefix(name, filePrefix)
	chain, key, ok2 := strings.Cut(rest, "|")
	if !ok || !ok2 {
		return nil
	}
	return &resource.Message{Proto: &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{
		CertificateChain: file(chain), PrivateKey: file(key), WatchedDirectory: directory(chain, key),
	}}}}
}

func file(name string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: name}}
}

// directory returns the folder to watch, if all files are in the same one. Otherwise
// Envoy watches the folder of each.
func directory(files ...string) *corev3.WatchedDirectory {
	dir := path.Dir(files[0])
	for _, f := range files {
		if path.Dir(f) != dir {
			return nil
		}
	}
	return &corev3.WatchedDirectory{Path: dir}
}
