package config

// TLS is the node's certificate.
type TLS struct {
	// CertFile is the certificate chain in PEM.
	CertFile string `yaml:"cert_file" path:"file"`
	// KeyFile is the private key in PEM.
	KeyFile string `yaml:"key_file" path:"file"`
	// ClientCAFile is a file with the authorities that may sign client
	// certificates. With it, clients of the API must show a certificate. DNS does
	// not ask for one.
	ClientCAFile string `yaml:"client_ca_file" path:"file"`
	// ClientOptional lets clients of the API connect without a certificate. A
	// certificate that is shown is verified in any case.
	ClientOptional bool `yaml:"client_optional"`
	// Admin makes the admin listener speak HTTPS too, with the same certificate.
	// With client_ca_file, a client certificate gives access in place of the token.
	// Certificates of users of the API, which have the user's ARN as a URI among
	// their subject alternative names, do not.
	Admin bool `yaml:"admin"`
	// AllowPlainHTTP allows other machines to reach the API and the admin listener
	// without TLS, for networks that encrypt all traffic.
	AllowPlainHTTP bool `yaml:"allow_plain_http"`
}

func (t *TLS) check(k *checker) {
	if (t.CertFile == "") != (t.KeyFile == "") {
		k.failHidden("tls", "needs both cert_file and key_file")
	}
	if t.ClientOptional && t.ClientCAFile == "" {
		k.failHidden("tls.client_optional", "needs client_ca_file")
	}
	if t.Admin && t.CertFile == "" {
		k.failHidden("tls.admin", "needs cert_file and key_file")
	}
	if t.ClientCAFile != "" && t.CertFile == "" {
		k.fail("tls.client_ca_file", t.ClientCAFile, "needs cert_file and key_file")
	}
}
