package cloudmap

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
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
	if !arn.Is(ref) {
		r.ARN = c.Rules.Registry.ARN(c.Account, kind+"/"+ref)
	} else if a, ok := arn.Parse(ref); ok {
		r.Account = string(a.Account)
		kind, _, _ = a.KindAndID()
	}
	switch kind {
	case "namespace":
		r.Type = "AWS::ServiceDiscovery::Namespace"
	case "service":
		r.Type = "AWS::ServiceDiscovery::Service"
	}
	return r
}
