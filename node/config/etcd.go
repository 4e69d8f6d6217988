package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Etcd is how the node speaks to the etcd that etcd_endpoints names.
type Etcd struct {
	// Username is the user of etcd's own authentication. Empty means none.
	Username string `yaml:"username"`
	// Password is the password of that user.
	Password Secret `yaml:"password"`
	// PasswordFile is a file that contains the password.
	PasswordFile string `yaml:"password_file" path:"file"`
	// CAFile has the authorities that may sign the certificates of etcd, in PEM.
	// Empty means those of the system. Only with https endpoints.
	CAFile string `yaml:"ca_file" path:"file"`
	// CertFile is this node's certificate for etcd, in PEM.
	CertFile string `yaml:"cert_file" path:"file"`
	// KeyFile is the private key of cert_file, in PEM.
	KeyFile string `yaml:"key_file" path:"file"`
	// ServerName is the name in the certificates of etcd, where it is not the host
	// of the endpoint.
	ServerName string `yaml:"server_name"`
	// Timeout is how long a write waits for etcd before it is refused.
	Timeout Duration `yaml:"timeout" check:"min=100ms"`
	// CompactAfter is the age at which cairn deletes the history of etcd, all of
	// it. 0s leaves that to etcd, such as by its auto-compaction.
	CompactAfter Duration `yaml:"compact_after"`
	// MaxRequestBytes is the --max-request-bytes of etcd, at least 1 MiB.
	MaxRequestBytes int `yaml:"max_request_bytes" check:"min=1048576"`
}

func defaultEtcd() Etcd {
	return Etcd{Timeout: seconds(5), CompactAfter: seconds(600), MaxRequestBytes: 1536 << 10}
}

func (e *Etcd) check(k *checker) {
	if e.Password != "" && e.PasswordFile != "" {
		k.failHidden("etcd", "has both password and password_file; give one")
	}
	if (e.Username == "") != (e.Password == "" && e.PasswordFile == "") {
		k.failHidden("etcd", "needs both username and password")
	}
	if (e.CertFile == "") != (e.KeyFile == "") {
		k.failHidden("etcd", "needs both cert_file and key_file")
	}
	if d := e.CompactAfter.Duration; d != 0 && d < seconds(60).Duration {
		k.fail("etcd.compact_after", d.String(), "must be 0s, or 1m or more")
	}
}

// PasswordText returns the password, or "" if none is given.
func (e *Etcd) PasswordText() (string, error) {
	if e.PasswordFile == "" {
		return string(e.Password), nil
	}
	text, err := readSecretFile(e.PasswordFile)
	if err == nil && text == "" {
		err = fmt.Errorf("etcd.password_file: %s is empty", e.PasswordFile)
	}
	return text, err
}

// TLSConfig reads the files of the section.
func (e *Etcd) TLSConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: e.ServerName}
	if e.CAFile != "" {
		pem, err := os.ReadFile(e.CAFile)
		if err != nil {
			return nil, fmt.Errorf("etcd.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("etcd.ca_file: " + e.CAFile + " has no certificate in PEM")
		}
	}
	if e.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(e.CertFile, e.KeyFile); err != nil {
			return nil, fmt.Errorf("etcd.cert_file: %w", err)
		}
		// Read again for every connection, so that a renewed certificate is used.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(e.CertFile, e.KeyFile)
			return &cert, err
		}
	}
	return c, nil
}
