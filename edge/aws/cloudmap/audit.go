package cloudmap

import (
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// auditResources are those that the input of a call names, and the service that it
// has created.
func auditResources(c *service.Call, in, out any) []audit.Resource {
	kind := "service"
	if strings.HasSuffix(c.Operation.Name, "Namespace") {
		kind = "namespace"
	}
	var all []audit.Resource
	for _, m := range []struct{ field, kind string }{
		{"ResourceARN", ""}, {"NamespaceId", "namespace"}, {"ServiceId", "service"}, {"Id", kind},
	} {
		if ref := audit.Text(in, m.field); ref != "" {
			all = append(all, auditResource(c, m.kind, ref))
		}
	}
	if created, ok := out.(*CreateServiceResponse); ok && created != nil {
		all = append(all, auditResource(c, "service", created.Service.Arn))
	}
	return all
}

// auditResource makes a reference of the caller's an ARN.
func auditResource(c *service.Call, kind, ref string) audit.Resource {
	ref = audit.Truncate(ref)
	r := audit.Resource{ARN: ref, Account: string(c.Account)}
	if !strings.HasPrefix(ref, "arn:") {
		r.ARN = c.Rules.Registry.ARN(c.Account, kind+"/"+ref)
	} else if parts := strings.SplitN(ref, ":", 6); len(parts) == 6 {
		r.Account = parts[4]
		kind, _, _ = strings.Cut(parts[5], "/")
	}
	switch kind {
	case "namespace":
		r.Type = "AWS::ServiceDiscovery::Namespace"
	case "service":
		r.Type = "AWS::ServiceDiscovery::Service"
	}
	return r
}
