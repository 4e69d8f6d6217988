package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// teams starts a node with the accounts of docs/identity.md, "A namespace for each
// team", and an operator who may do everything.
func teams(t *testing.T, more func(*node.Config)) (n *nodetest.Node, operator, a, b *servicediscovery.Client) {
	t.Helper()
	document, err := os.ReadFile("../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "## A namespace for each team")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	dir := t.TempDir()
	for name, content := range map[string]string{"cairn.yaml": text, "team-a.secret": "secret-of-a", "team-b.secret": "secret-of-b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(config.Sources{File: filepath.Join(dir, "cairn.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Accounts[0].Users = append(cfg.Accounts[0].Users, config.User{
		Name: "operator", ManagedPolicies: []string{"AWSCloudMapFullAccess"}, AccessKeys: []config.AccessKey{{ID: "OPERATOR", Secret: "secret-of-o"}},
	})
	n = nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Auth.Mode, c.Accounts = config.AuthSigV4, cfg.Accounts
		more(c)
	}))
	client := func(id, secret string) *servicediscovery.Client {
		return servicediscovery.New(servicediscovery.Options{
			Region: "us-east-1", BaseEndpoint: &n.URL, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		})
	}
	return n, client("OPERATOR", "secret-of-o"), client("AKIATEAMA", "secret-of-a"), client("AKIATEAMB", "secret-of-b")
}

// withoutHostPrefix keeps the SDK from calling data-127.0.0.1.
func withoutHostPrefix(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("WithoutHostPrefix",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
}

// namespaceWith makes a namespace with one service.
func namespaceWith(t *testing.T, operator *servicediscovery.Client, name, service string) (namespace, serviceID, serviceARN string) {
	t.Helper()
	if _, err := operator.CreateHttpNamespace(t.Context(), &servicediscovery.CreateHttpNamespaceInput{Name: &name}); err != nil {
		t.Fatal(err)
	}
	list, err := operator.ListNamespaces(t.Context(), &servicediscovery.ListNamespacesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range list.Namespaces {
		if *ns.Name == name {
			namespace = *ns.Id
		}
	}
	out, err := operator.CreateService(t.Context(), &servicediscovery.CreateServiceInput{Name: &service, NamespaceId: &namespace})
	if err != nil {
		t.Fatal(err)
	}
	return namespace, *out.Service.Id, *out.Service.Arn
}

func TestNamespacePerTeam(t *testing.T) {
	_, operator, a, b := teams(t, func(*node.Config) {})
	ctx := t.Context()
	shop, web, webARN := namespaceWith(t, operator, "shop", "web")
	bank, ledger, ledgerARN := namespaceWith(t, operator, "bank", "ledger")
	tag := []types.Tag{{Key: sdk.String("team"), Value: sdk.String("a")}}
	address := map[string]string{"AWS_INSTANCE_IPV4": "192.0.2.1"}
	register := func(c *servicediscovery.Client, service string) error {
		_, err := c.RegisterInstance(ctx, &servicediscovery.RegisterInstanceInput{ServiceId: &service, InstanceId: sdk.String("i"), Attributes: address})
		return err
	}
	discover := func(c *servicediscovery.Client, namespace, service string) error {
		_, err := c.DiscoverInstances(ctx, &servicediscovery.DiscoverInstancesInput{NamespaceName: &namespace, ServiceName: &service},
			func(o *servicediscovery.Options) {
				o.APIOptions = append(o.APIOptions, withoutHostPrefix)
			})
		return err
	}
	create := func(c *servicediscovery.Client, namespace, name string) error {
		_, err := c.CreateService(ctx, &servicediscovery.CreateServiceInput{Name: &name, NamespaceId: &namespace, Tags: tag})
		return err
	}
	tagged := func(c *servicediscovery.Client, arn string) error {
		_, err := c.TagResource(ctx, &servicediscovery.TagResourceInput{ResourceARN: &arn, Tags: tag})
		return err
	}
	remove := func(c *servicediscovery.Client, namespace string) error {
		_, err := c.DeleteNamespace(ctx, &servicediscovery.DeleteNamespaceInput{Id: &namespace})
		return err
	}
	show := func(c *servicediscovery.Client, service string) error {
		_, err := c.GetService(ctx, &servicediscovery.GetServiceInput{Id: &service})
		return err
	}
	for _, tt := range []struct {
		what    string
		err     error
		allowed bool
	}{
		{"A creates a service in shop, with tags", create(a, shop, "cart"), true},
		{"A registers in shop", register(a, web), true},
		{"A tags a service in shop", tagged(a, webARN), true},
		{"A discovers in shop", discover(a, "shop", "web"), true},
		{"A deletes shop", remove(a, shop), false},
		{"A creates a service in bank", create(a, bank, "cart"), false},
		{"A registers in bank", register(a, ledger), false},
		{"A tags a service in bank", tagged(a, ledgerARN), false},
		{"A registers in bank after that", register(a, ledger), false},
		{"A reads a service in bank", show(a, ledger), false},
		{"A discovers in bank", discover(a, "bank", "ledger"), false},
		{"B discovers in shop", discover(b, "shop", "web"), true},
		{"B reads a service in shop", show(b, web), true},
		{"B registers in shop", register(b, web), false},
		{"B creates a service in shop", create(b, shop, "b"), false},
		{"B tags a service in shop", tagged(b, webARN), false},
		{"B discovers in bank", discover(b, "bank", "ledger"), false},
	} {
		denied, ok := errors.AsType[smithy.APIError](tt.err)
		if tt.allowed != (tt.err == nil) || tt.err != nil && (!ok || denied.ErrorCode() != "AccessDeniedException") {
			t.Errorf("%s: %v", tt.what, tt.err)
		}
	}
}

// In strict mode, as on AWS, RegisterInstance does not have the namespace's keys.
func TestNamespacePerTeamIsNotStrict(t *testing.T) {
	_, operator, a, _ := teams(t, func(c *node.Config) { c.Compatibility = "strict" })
	_, web, _ := namespaceWith(t, operator, "shop", "web")
	_, err := a.RegisterInstance(t.Context(), &servicediscovery.RegisterInstanceInput{
		ServiceId: &web, InstanceId: sdk.String("i"), Attributes: map[string]string{"AWS_INSTANCE_IPV4": "192.0.2.1"},
	})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("RegisterInstance: %v", err)
	}
}
