package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// Send signs a request for a service of AWS and returns the answer and its body. It is for
// APIs that are called without a client of the SDK. Body is that of the request, for its
// signature.
func (s *Session) Send(ctx context.Context, service string, request *http.Request, body []byte) (*http.Response, []byte, error) {
	credentials, err := s.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), service, s.Config.Region, time.Now()); err != nil {
		return nil, nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response, answer, err
}

// newClient returns a client for Send. It trusts --ca-file and AWS_CA_BUNDLE, as the
// clients of the SDK do.
func newClient(sdk any) *http.Client {
	if configured, ok := sdk.(interface{ GetTransport() *http.Transport }); ok {
		return &http.Client{Transport: configured.GetTransport()}
	}
	return &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: time.Minute}}
}
