package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// DefaultAdmin is the URL of the admin listener of a node with default settings.
const DefaultAdmin = "http://127.0.0.1:8055"

// AdminFlags are the flags of commands that use the admin listener: its URL, and
// what authenticates the caller.
type AdminFlags struct{ url, tokenFile, caFile, certFile, keyFile string }

// AddTo declares the flags.
func (f *AdminFlags) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "admin", "", "`URL` of the node's admin listener (default $CAIRN_ADMIN, or "+DefaultAdmin+")")
	flags.StringVar(&f.tokenFile, "token-file", "", "`FILE` with the admin token (default the token in $CAIRN_ADMIN_TOKEN)")
	flags.StringVar(&f.caFile, "ca-file", "", "`FILE` with the authorities to trust for https (default $CAIRN_ADMIN_CA_FILE, or the system's)")
	flags.StringVar(&f.certFile, "cert-file", "", "`FILE` with a client certificate (default $CAIRN_ADMIN_CERT_FILE)")
	flags.StringVar(&f.keyFile, "key-file", "", "`FILE` with its key (default $CAIRN_ADMIN_KEY_FILE)")
}

// AdminClient sends requests to the admin listener of a node.
type AdminClient struct {
	base, token string
	http        *http.Client
}

// AdminURL checks the URL of an admin listener; HOST:PORT alone means http.
func AdminURL(text string) (string, error) { return baseURL(text, "--admin") }

// Admin returns a client. It sends nothing yet. The client uses no proxy: HTTP_PROXY
// may be the node's API, as docs/sdk-endpoints.md suggests for some clients.
func (p *Program) Admin(f AdminFlags) (*AdminClient, error) {
	base, err := AdminURL(cmp.Or(f.url, p.Getenv("CAIRN_ADMIN"), DefaultAdmin))
	if err != nil {
		return nil, err
	}
	token := p.Getenv("CAIRN_ADMIN_TOKEN")
	if f.tokenFile != "" {
		text, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, err
		}
		token = string(text)
	}
	secured, err := p.adminTLS(f)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{ResponseHeaderTimeout: time.Minute, TLSClientConfig: secured}
	return &AdminClient{base, strings.TrimSpace(token), &http.Client{Transport: transport}}, nil
}

func (p *Program) adminTLS(f AdminFlags) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := cmp.Or(f.caFile, p.Getenv("CAIRN_ADMIN_CA_FILE")); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: holds no certificate in PEM", file)
		}
	}
	cert, key := cmp.Or(f.certFile, p.Getenv("CAIRN_ADMIN_CERT_FILE")), cmp.Or(f.keyFile, p.Getenv("CAIRN_ADMIN_KEY_FILE"))
	if (cert == "") != (key == "") {
		return nil, Usagef("--cert-file and --key-file belong together")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("%s and %s: %w", cert, key, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// Close closes idle connections.
func (c *AdminClient) Close() { c.http.CloseIdleConnections() }

// Get copies the answer for a path to w.
func (c *AdminClient) Get(ctx context.Context, path string, w io.Writer) error {
	return c.send(ctx, http.MethodGet, path, nil, w)
}

// Call sends a request as JSON to a path and decodes the answer into out. If out is
// nil, the answer is ignored.
func (c *AdminClient) Call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var answer bytes.Buffer
	if err := c.send(ctx, http.MethodPost, path, body, &answer); err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer.Bytes(), out)
}

func (c *AdminClient) send(ctx context.Context, method, path string, body []byte, w io.Writer) error {
	url := c.base + path
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.transportError(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return c.responseError(ctx, url, response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	return nil
}

// wrongListener returns an error if the URL is not that of an admin listener.
func (c *AdminClient) wrongListener(ctx context.Context) error {
	return wrongListener(ctx, c.base, listenerAdmin, "--admin", "admin_addr", DefaultAdmin)
}

// transportError rewords the error of a request without response.
func (c *AdminClient) transportError(ctx context.Context, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no node answers at %s: name its admin listener with --admin", c.base)
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%s: %w: name its authority with --ca-file, or in CAIRN_ADMIN_CA_FILE", c.base, untrusted.Err)
	}
	if wrong := c.wrongListener(ctx); wrong != nil {
		return wrong
	}
	return err
}

// responseError returns the error that a response with an error status stands for.
func (c *AdminClient) responseError(ctx context.Context, url string, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, 16<<10)) // after an error, the part that arrived is used
	var answer struct{ Error string }
	if json.Unmarshal(body, &answer) == nil && answer.Error != "" {
		return errors.New(answer.Error)
	}
	if wrong := c.wrongListener(ctx); wrong != nil {
		return wrong
	}
	text := strings.TrimSpace(string(body))
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return errors.New("the admin listener wants its token: give --token-file, or the token in CAIRN_ADMIN_TOKEN")
	case http.StatusForbidden, http.StatusServiceUnavailable:
		return fmt.Errorf("%s: %s", c.base, text)
	}
	return fmt.Errorf("%s answers %s: %s", url, response.Status, text)
}
