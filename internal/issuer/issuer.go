// Package issuer makes X.509 certificates of a small authority: roots, and short-lived
// certificates of programs that are named by SPIFFE ids (X.509-SVID). Keys are ECDSA on
// P-256. It has no clock and keeps nothing.
//
// Certificates of programs are a function of the root and the request, also their private
// keys: they are derived from that of the root. So all nodes that have a root issue the
// same certificate, and only the root is stored. A client that connects to another node has
// the newest certificate already. Anyone who has the key of the root can issue any
// certificate in any case.
//
//	root, err := issuer.NewRoot("spiffe://shop", now, time.Hour)
//	leaf, err := issuer.Issue(root, &issuer.Request{ID: "spiffe://shop/ns/local/sv/web", …})
package issuer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// Pair is a certificate with its private key, PKCS #8, both in DER.
type Pair struct{ Certificate, Key []byte }

// ahead is how long before its making a certificate is valid already, because clocks
// differ.
const ahead = 5 * time.Minute

// NewRoot makes the root certificate of a trust domain, such as spiffe://shop, with a
// random key.
func NewRoot(domain string, now time.Time, life time.Duration) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	serial := make([]byte, 16)
	rand.Read(serial) // never fails
	template, err := newTemplate(domain, serial, now, life)
	if err != nil {
		return Pair{}, err
	}
	template.Subject = pkix.Name{CommonName: domain, SerialNumber: template.SerialNumber.Text(16)}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return sign(template, template, key, key)
}

// Request is what Issue makes.
type Request struct {
	// ID is a SPIFFE id.
	ID string
	// Subject distinguishes requests with the same ID: each subject has its own key.
	Subject string
	// DNSNames are further names. They may be empty.
	DNSNames []string
	// Start is when the certificate begins, and Life is how long it is valid. It never
	// outlives the root.
	Start time.Time
	Life  time.Duration
}

// Issue makes a certificate for a client and a server. Equal requests get equal
// certificates with equal keys.
func Issue(root Pair, r *Request) (Pair, error) {
	parent, err := x509.ParseCertificate(root.Certificate)
	if err != nil {
		return Pair{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(root.Key)
	if err != nil {
		return Pair{}, err
	}
	signer, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !signer.PublicKey.Equal(parent.PublicKey) {
		return Pair{}, errors.New("issuer: the key is not that of the root")
	}
	key, serial, err := derive(signer, r)
	if err != nil {
		return Pair{}, err
	}
	template, err := newTemplate(r.ID, serial, r.Start, r.Life)
	if err != nil {
		return Pair{}, err
	}
	if template.NotAfter.After(parent.NotAfter) {
		template.NotAfter = parent.NotAfter
	}
	if !r.Start.Before(template.NotAfter) {
		return Pair{}, errors.New("issuer: the root has expired")
	}
	template.DNSNames = r.DNSNames
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return sign(template, parent, key, signer)
}

// sign makes the certificate of a key. The signature is deterministic (RFC 6979).
func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (Pair, error) {
	certificate, err := x509.CreateCertificate(nil, template, parent, key.Public(), signer)
	if err != nil {
		return Pair{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return Pair{certificate, der}, err
}

// derive returns the private key and the serial number of a request, which are derived
// from the key of the root with HKDF (RFC 5869).
func derive(root *ecdsa.PrivateKey, r *Request) (key *ecdsa.PrivateKey, serial []byte, err error) {
	secret, err := root.Bytes()
	if err != nil {
		return nil, nil, err
	}
	// The lengths keep the parts apart.
	info := []byte("cairn mesh leaf")
	for _, text := range []string{r.ID, r.Subject} {
		info = append(binary.BigEndian.AppendUint32(info, uint32(len(text))), text...)
	}
	info = binary.BigEndian.AppendUint64(info, uint64(r.Start.UnixMilli()))
	info = binary.BigEndian.AppendUint64(info, uint64(r.Life.Milliseconds()))
	// FIPS 186-5, A.4.1: with 16 octets more than needed, the remainder is uniform.
	bits, err := hkdf.Key(sha256.New, secret, nil, string(info), 32+16)
	if err != nil {
		return nil, nil, err
	}
	order := new(big.Int).Sub(elliptic.P256().Params().N, big.NewInt(1))
	scalar := new(big.Int).SetBytes(bits)
	scalar.Add(scalar.Mod(scalar, order), big.NewInt(1))
	key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, nil, err
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(bytes.Join([][]byte{info, public}, nil))
	return key, sum[:16], nil
}

func newTemplate(id string, serial []byte, start time.Time, life time.Duration) (*x509.Certificate, error) {
	uri, err := url.Parse(id)
	if err != nil || uri.Scheme != "spiffe" || uri.Host == "" {
		return nil, fmt.Errorf("issuer: %q is not a SPIFFE id", id)
	}
	number := new(big.Int).SetBytes(serial)
	number.SetBit(number, 127, 0).SetBit(number, 126, 1) // positive, of one length
	return &x509.Certificate{SerialNumber: number, URIs: []*url.URL{uri}, NotBefore: start.Add(-ahead), NotAfter: start.Add(life)}, nil
}

// CertificatePEM returns certificates in PEM.
func CertificatePEM(all ...[]byte) []byte {
	var out []byte
	for _, der := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

// KeyPEM returns a private key in PEM.
func KeyPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
