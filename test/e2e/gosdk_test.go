package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cairn-discovery/cairn/node/nodetest"
)

// sdk returns a client as programs have it. It tries again what fails on the
// client's side: smithy-go closes a request's body when the answer's header is
// there, and its transport, should it still look for more of that body, then
// drops the connection with the rest of an answer that does not fit its buffer.
// The sooner the answer, the likelier; see docs/sdk-endpoints.md.
func sdk(endpoint string, transport http.RoundTripper, change ...func(*servicediscovery.Options)) *servicediscovery.Client {
	o := servicediscovery.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: transport},
	}
	return servicediscovery.New(o, change...)
}

// withoutPrefix keeps the SDK from putting "data-" before the endpoint's host.
func withoutPrefix(o *servicediscovery.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
	})
}

// TestGoSDK calls with the endpoint set, and through the proxy settings that
// programs have whose code nobody can change. Answers are far larger than what
// net/http sends with its header, and none may be lost.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t)
	proxy, err := url.Parse(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	const parallel = 16
	for name, client := range map[string]*servicediscovery.Client{
		"endpoint": sdk(n.URL, &http.Transport{MaxIdleConnsPerHost: parallel}, withoutPrefix),
		"proxy":    sdk(awsEndpoint, &http.Transport{MaxIdleConnsPerHost: parallel, Proxy: http.ProxyURL(proxy)}),
	} {
		t.Run(name, func(t *testing.T) {
			makeFleet(t, client, name, 60)
			var all sync.WaitGroup
			for range parallel {
				all.Go(func() { discoverMany(t, client, name, 60, 30) })
			}
			all.Wait()
		})
	}
}

// makeFleet makes a namespace with a service of n instances.
func makeFleet(t *testing.T, client *servicediscovery.Client, name string, n int) {
	t.Helper()
	created, err := client.CreateHttpNamespace(t.Context(), &servicediscovery.CreateHttpNamespaceInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	op, err := client.GetOperation(t.Context(), &servicediscovery.GetOperationInput{OperationId: created.OperationId})
	if err != nil || op.Operation.Status != types.OperationStatusSuccess {
		t.Fatalf("got %+v, %v", op, err)
	}
	svc, err := client.CreateService(t.Context(), &servicediscovery.CreateServiceInput{Name: &name, NamespaceId: aws.String(op.Operation.Targets["NAMESPACE"])})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, err := client.RegisterInstance(t.Context(), &servicediscovery.RegisterInstanceInput{ServiceId: svc.Service.Id,
			InstanceId: aws.String(fmt.Sprint("i-", i)), Attributes: map[string]string{"note": strings.Repeat("x", 300)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = client.CreateHttpNamespace(t.Context(), &servicediscovery.CreateHttpNamespaceInput{Name: &name})
	if exists, ok := errors.AsType[*types.NamespaceAlreadyExists](err); !ok || aws.ToString(exists.NamespaceId) != op.Operation.Targets["NAMESPACE"] {
		t.Errorf("a second namespace: %v", err)
	}
}

func discoverMany(t *testing.T, client *servicediscovery.Client, name string, instances, times int) {
	for i := range times {
		size := 1 + (i*7)%instances // sizes around net/http's buffer among them
		out, err := client.DiscoverInstances(t.Context(), &servicediscovery.DiscoverInstancesInput{NamespaceName: &name, ServiceName: &name, MaxResults: aws.Int32(int32(size))})
		if err != nil || len(out.Instances) != size {
			t.Errorf("discover %d: %v", size, err)
			return
		}
	}
}
