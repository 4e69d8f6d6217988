package main

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

const defaultAdmin = "http://127.0.0.1:8055"

// adminFlags say where the admin listener is and what it wants to be shown.
type adminFlags struct{ url, tokenFile, caFile, certFile, keyFile string }

func (f *adminFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "admin", "", "`URL` of the node's admin listener (default $CAIRN_ADMIN, or "+defaultAdmin+")")
	flags.StringVar(&f.tokenFile, "token-file", "", "`FILE` with the admin token (default the token in $CAIRN_ADMIN_TOKEN)")
	flags.StringVar(&f.caFile, "ca-file", "", "`FILE` with the authorities to trust for https (default $CAIRN_ADMIN_CA_FILE, or the system's)")
	flags.StringVar(&f.certFile, "cert-file", "", "`FILE` with a client certificate (default $CAIRN_ADMIN_CERT_FILE)")
	flags.StringVar(&f.keyFile, "key-file", "", "`FILE` with its key (default $CAIRN_ADMIN_KEY_FILE)")
}

// adminClient asks an admin listener.
type adminClient struct {
	base, token string
	http        *http.Client
}

// admin makes a client; it sends nothing yet. It goes past any proxy: HTTP_PROXY
// may well be the node's API itself, as docs/sdk-endpoints.md suggests for some
// clients.
func (p *program) admin(f adminFlags) (*adminClient, error) {
	base, err := baseURL(cmp.Or(f.url, p.getenv("CAIRN_ADMIN"), defaultAdmin), "--admin")
	if err != nil {
		return nil, err
	}
	token := p.getenv("CAIRN_ADMIN_TOKEN")
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
	return &adminClient{base, strings.TrimSpace(token), &http.Client{Transport: transport}}, nil
}

func (p *program) adminTLS(f adminFlags) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := cmp.Or(f.caFile, p.getenv("CAIRN_ADMIN_CA_FILE")); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: holds no certificate in PEM", file)
		}
	}
	cert, key := cmp.Or(f.certFile, p.getenv("CAIRN_ADMIN_CERT_FILE")), cmp.Or(f.keyFile, p.getenv("CAIRN_ADMIN_KEY_FILE"))
	if (cert == "") != (key == "") {
		return nil, usagef("--cert-file and --key-file belong together")
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

func (c *adminClient) close() { c.http.CloseIdleConnections() }

// get copies what a path answers.
func (c *adminClient) get(ctx context.Context, path string, w io.Writer) error {
	return c.send(ctx, http.MethodGet, path, nil, w)
}

// call has an operation on identities done. Without out, the answer is dropped.
func (c *adminClient) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var answer bytes.Buffer
	if err := c.send(ctx, http.MethodPost, "/identity/"+operation, body, &answer); err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer.Bytes(), out)
}

func (c *adminClient) send(ctx context.Context, method, path string, body []byte, w io.Writer) error {
	url := c.base + path
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no node answers at %s: name its admin listener with --admin", url)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return refusal(url, response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	return nil
}

// refusal is an answer that is not the one that was asked for.
func refusal(url string, response *http.Response) error {
	why, _ := io.ReadAll(io.LimitReader(response.Body, 16<<10)) // what there is
	var told struct{ Error string }
	switch {
	case json.Unmarshal(why, &told) == nil && told.Error != "":
		return errors.New(told.Error)
	case response.StatusCode == http.StatusUnauthorized:
		return errors.New("the admin listener wants its token: give --token-file, or the token in CAIRN_ADMIN_TOKEN")
	}
	return fmt.Errorf("%s answers %s: %s", url, response.Status, strings.TrimSpace(string(why)))
}
