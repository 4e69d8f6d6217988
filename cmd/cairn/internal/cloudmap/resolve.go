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

// namespaceRef is a namespace by id or by name, as given on the command line.
type namespaceRef struct{ id, name string }

// addTo declares the flags.
func (r *namespaceRef) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.id, "namespace-id", "", "`ID` or ARN of the namespace")
	cmd.Flags().StringVar(&r.name, "namespace", "", "`NAME` of the namespace")
}

// requireIn declares the flags, and that the namespace must be given.
func (r *namespaceRef) requireIn(cmd *cobra.Command) {
	r.addTo(cmd)
	cli.RequireValue(cmd, "NAMESPACE or --namespace-id", r.given)
}

// arg returns the argument that can be given in place of the flags.
func (r *namespaceRef) arg() cli.Arg {
	return cli.Arg{Name: "NAMESPACE", Usage: "(NAMESPACE | --namespace-id ID)", Set: r.set}
}

// optionalArg is arg for commands that do not need a namespace.
func (r *namespaceRef) optionalArg() cli.Arg {
	return cli.Arg{Name: "NAMESPACE", Usage: "[NAMESPACE | --namespace-id ID]", Set: r.set}
}

func (r *namespaceRef) given() bool { return r.id != "" || r.name != "" }

func (r *namespaceRef) set(value string) error {
	if r.given() {
		return cli.Usagef("the namespace is given twice: as an argument and as a flag")
	}
	if isID(value, "ns-") {
		r.id = value
	} else {
		r.name = value
	}
	return nil
}

// isID reports whether a value is an ARN, or an id of the form that nodes make:
// the prefix and 16 letters or digits.
func isID(value, prefix string) bool {
	if strings.HasPrefix(value, "arn:") {
		return true
	}
	rest, ok := strings.CutPrefix(value, prefix)
	return ok && len(rest) == 16 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// resolve returns the id, and nil if no namespace was named.
func (r *namespaceRef) resolve(ctx context.Context, c *client) (*string, error) {
	switch {
	case r.id != "" && r.name != "":
		return nil, cli.Usagef("--namespace and --namespace-id exclude each other")
	case r.id != "":
		return &r.id, nil
	case r.name != "":
		return c.namespaceID(ctx, r.name)
	}
	return nil, nil
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

// serviceRef is a service by id or by NAMESPACE/SERVICE, as given on the command
// line.
type serviceRef struct{ id, path string }

// addTo declares the flags.
func (r *serviceRef) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.id, "service-id", "", "`ID` or ARN of the service")
	cmd.Flags().StringVar(&r.path, "service", "", "`NAMESPACE/SERVICE`: the service by names")
}

// requireIn declares the flags, and that the service must be given.
func (r *serviceRef) requireIn(cmd *cobra.Command) {
	r.addTo(cmd)
	cli.RequireValue(cmd, "NAMESPACE/SERVICE or --service-id", r.given)
}

// arg returns the argument that can be given in place of the flags.
func (r *serviceRef) arg() cli.Arg {
	return cli.Arg{Name: "NAMESPACE/SERVICE", Usage: "(NAMESPACE/SERVICE | --service-id ID)", Set: r.set}
}

func (r *serviceRef) given() bool { return r.id != "" || r.path != "" }

func (r *serviceRef) set(value string) error {
	if r.given() {
		return cli.Usagef("the service is given twice: as an argument and as a flag")
	}
	if isID(value, "srv-") {
		r.id = value
		return nil
	}
	if _, _, err := splitService(value); err != nil {
		return err
	}
	r.path = value
	return nil
}

// splitService splits NAMESPACE/SERVICE. The name of a namespace can have a slash,
// that of a service cannot.
func splitService(path string) (namespace, service string, err error) {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 || i == len(path)-1 {
		return "", "", cli.Usagef("%q must be NAMESPACE/SERVICE", path)
	}
	return path[:i], path[i+1:], nil
}

// resolve returns the id, and nil if no service was named.
func (r *serviceRef) resolve(ctx context.Context, c *client) (*string, error) {
	switch {
	case r.id != "" && r.path != "":
		return nil, cli.Usagef("--service and --service-id exclude each other")
	case r.id != "":
		return &r.id, nil
	case r.path != "":
		return c.serviceByPath(ctx, r.path)
	}
	return nil, nil
}

func (c *client) serviceByPath(ctx context.Context, path string) (*string, error) {
	namespace, service, err := splitService(path)
	if err != nil {
		return nil, err
	}
	id, err := c.namespaceID(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return c.serviceID(ctx, id, service, path)
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
