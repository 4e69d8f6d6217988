package mesh

// BackendDefaults is what applies to backends that have no policy of their own.
type BackendDefaults struct {
	ClientPolicy *ClientPolicy `json:"clientPolicy,omitempty"`
}

// ClientPolicy is how a client connects.
type ClientPolicy struct {
	TLS *ClientTLS `json:"tls,omitempty"`
}

// ClientTLS is how a client does TLS.
type ClientTLS struct {
	Certificate *ClientCertificate `json:"certificate,omitempty"`
	// Enforce is true if it is nil.
	Enforce *bool `json:"enforce,omitempty"`
	// Ports are those that the policy is for. Empty: all.
	Ports      []int64          `json:"ports,omitzero"`
	Validation ClientValidation `json:"validation"`
}

// ClientCertificate is a union: the certificate that a client shows.
type ClientCertificate struct {
	File *FileCertificate `json:"file,omitempty"`
	SDS  *SDSCertificate  `json:"sds,omitempty"`
}

// FileCertificate is a certificate in files of the proxy.
type FileCertificate struct {
	CertificateChain string `json:"certificateChain"`
	PrivateKey       string `json:"privateKey"`
}

// SDSCertificate is a certificate that the proxy gets by SDS.
type SDSCertificate struct {
	SecretName string `json:"secretName"`
}

// ACMCertificate is a certificate of AWS Certificate Manager.
type ACMCertificate struct {
	CertificateARN string `json:"certificateArn"`
}

// ClientValidation is what a client requires of the certificate of a server.
type ClientValidation struct {
	SubjectAlternativeNames *SubjectAlternativeNames `json:"subjectAlternativeNames,omitempty"`
	Trust                   Trust                    `json:"trust"`
}

// Trust is a union: the certificates of authorities.
type Trust struct {
	ACM  *ACMTrust       `json:"acm,omitempty"`
	File *FileTrust      `json:"file,omitempty"`
	SDS  *SDSCertificate `json:"sds,omitempty"`
}

// ACMTrust names authorities of AWS Private CA.
type ACMTrust struct {
	CertificateAuthorityARNs []string `json:"certificateAuthorityArns"`
}

// FileTrust has the certificates of authorities in a file of the proxy.
type FileTrust struct {
	CertificateChain string `json:"certificateChain"`
}

// SubjectAlternativeNames are those of which a certificate must have one.
type SubjectAlternativeNames struct {
	Match SubjectAlternativeNameMatch `json:"match"`
}

// SubjectAlternativeNameMatch has the names: host names or URIs.
type SubjectAlternativeNameMatch struct {
	Exact []string `json:"exact"`
}
