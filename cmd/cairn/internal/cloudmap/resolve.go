package cloudmap

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// namespaceRef is a namespace by id or by name, as given in flags.
type namespaceRef struct{ id, name string }

func (r *namespaceRef) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.id, "namespace-id", "", "`ID` or ARN of the namespace")
	cmd.Flags().StringVar(&r.name, "namespace", "", "`NAME` of the namespace")
	cmd.MarkFlagsMutuallyExclusive("namespace-id", "namespace")
}

// requireIn makes one of the two flags required.
func (r *namespaceRef) requireIn(cmd *cobra.Command) {
	r.addTo(cmd)
	cmd.MarkFlagsOneRequired("namespace-id", "namespace")
}

// resolve returns the id, and nil if no namespace was named.
func (r *namespaceRef) resolve(ctx context.Context, c *client) (*string, error) {
	if r.id == "" && r.name == "" {
		return nil, nil
	}
	if r.id != "" {
		return &r.id, nil
	}
	return c.namespaceID(ctx, r.name)
}

// namespaceID returns the id of the only namespace with a name. Two namespaces of
// different type or VPC can have the same name.
func (c *client) namespaceID(ctx context.Context, name string) (*string, error) {
	filter := types.NamespaceFilter{Name: types.NamespaceFilterNameName, Values: []string{name}}
	found, err := c.namespaces(ctx, filter)
	if err != nil {
		return nil, err
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("there is no namespace %q", name)
	case 1:
		return found[0].Id, nil
	}
	var ids []string
	for _, ns := range found {
		ids = append(ids, fmt.Sprintf("%s (%s)", aws.ToString(ns.Id), ns.Type))
	}
	return nil, fmt.Errorf("%d namespaces have the name %q; use one of the ids: %s", len(found), name, strings.Join(ids, ", "))
}

func (c *client) namespaces(ctx context.Context, filters ...types.NamespaceFilter) ([]types.NamespaceSummary, error) {
	all := []types.NamespaceSummary{}
	pages := servicediscovery.NewListNamespacesPaginator(c.api, &servicediscovery.ListNamespacesInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Namespaces...)
	}
	return all, nil
}

// serviceRef is a service by id or by NAMESPACE/SERVICE, as given in flags.
type serviceRef struct{ id, path string }

func (r *serviceRef) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.id, "service-id", "", "`ID` or ARN of the service")
	cmd.Flags().StringVar(&r.path, "service", "", "`NAMESPACE/SERVICE`: the service by names")
	cmd.MarkFlagsMutuallyExclusive("service-id", "service")
}

func (r *serviceRef) requireIn(cmd *cobra.Command) {
	r.addTo(cmd)
	cmd.MarkFlagsOneRequired("service-id", "service")
}

// resolve returns the id, and nil if no service was named.
func (r *serviceRef) resolve(ctx context.Context, c *client) (*string, error) {
	if r.id == "" && r.path == "" {
		return nil, nil
	}
	if r.id != "" {
		return &r.id, nil
	}
	// The name of a namespace can have a slash, that of a service cannot.
	i := strings.LastIndexByte(r.path, '/')
	if i <= 0 || i == len(r.path)-1 {
		return nil, cli.Usagef("--service: %q must be NAMESPACE/SERVICE", r.path)
	}
	namespace, err := c.namespaceID(ctx, r.path[:i])
	if err != nil {
		return nil, err
	}
	return c.serviceID(ctx, namespace, r.path[i+1:], r.path)
}

// serviceID returns the id of a service in its namespace.
func (c *client) serviceID(ctx context.Context, namespace *string, name, path string) (*string, error) {
	all, err := c.services(ctx, namespace)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		// Names are compared exactly: in an HTTP namespace A and a are two services.
		if aws.ToString(s.Name) == name {
			return s.Id, nil
		}
	}
	return nil, fmt.Errorf("there is no service %q", path)
}

// services lists the services of one namespace, or all if it is nil.
func (c *client) services(ctx context.Context, namespace *string) ([]types.ServiceSummary, error) {
	in := &servicediscovery.ListServicesInput{}
	if namespace != nil {
		in.Filters = []types.ServiceFilter{{Name: types.ServiceFilterNameNamespaceId, Values: []string{*namespace}}}
	}
	all := []types.ServiceSummary{}
	pages := servicediscovery.NewListServicesPaginator(c.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Services...)
	}
	return all, nil
}
