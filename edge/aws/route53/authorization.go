package route53

import (
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// describer adds to an authorization what a call is about.
type describer = func(*service.Call, *service.Authorization, any)

// on describes a call about one resource.
func on[I any](of func(*I) (kind string, id *string)) describer {
	return service.Describe(func(_ *service.Call, a *service.Authorization, in *I) {
		kind, id := of(in)
		a.Resource(resourceARN(kind, *id), nil)
	})
}

// onVPC describes a call about a hosted zone and a VPC.
func onVPC[I any](of func(*I) (zone *string, vpc *VPC)) describer {
	return service.Describe(func(_ *service.Call, a *service.Authorization, in *I) {
		zone, vpc := of(in)
		if zone == nil {
			a.Resource("*", nil)
		} else {
			a.Resource(resourceARN("hostedzone", *zone), nil)
		}
		if vpc != nil {
			a.Key(keyVPCs, vpcKey(vpc.VPCId, vpc.VPCRegion))
		}
	})
}

func describeListByVPC(_ *service.Call, a *service.Authorization, in *ListHostedZonesByVPCRequest) {
	a.Resource("*", nil)
	a.Key(keyVPCs, vpcKey(in.VPCId, in.VPCRegion))
}

// vpcKey is the value of the condition key for a VPC.
func vpcKey(id *string, region *VPCRegion) string {
	return fmt.Sprintf("VPCId=%s,VPCRegion=%s", service.Value(id), service.Value(region))
}

func describeListTags(_ *service.Call, a *service.Authorization, in *ListTagsForResourcesRequest) {
	for _, id := range in.ResourceIds {
		a.Resource(resourceARN(string(*in.ResourceType), *trimID(&id)), nil)
	}
}

// describeChange describes a batch of changes by the names, types and actions that
// it has.
func describeChange(_ *service.Call, a *service.Authorization, in *ChangeResourceRecordSetsRequest) {
	a.Resource(resourceARN("hostedzone", *in.HostedZoneId), nil)
	changes := in.ChangeBatch.Changes
	for _, change := range changes {
		a.Key(keyRecordNames, normalizedName(*change.ResourceRecordSet.Name))
	}
	for _, change := range changes {
		a.Key(keyRecordTypes, string(*change.ResourceRecordSet.Type))
	}
	for _, change := range changes {
		a.Key(keyActions, string(*change.Action))
	}
}

// normalizedName is a record name as policies have it: in lower case, without the
// final dot, every octet but letters, digits, hyphens, underscores and dots as a
// backslash and three octal digits. In a request it can have such escapes already.
func normalizedName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '\\' && i+3 < len(name) && isOctal(name[i+1:i+4]) {
			c = (name[i+1]-'0')<<6 | (name[i+2]-'0')<<3 | (name[i+3] - '0')
			i += 3
			if c == '.' { // inside a label
				b.WriteString(`\056`)
				continue
			}
		}
		switch {
		case 'A' <= c && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return strings.TrimSuffix(b.String(), ".")
}

// isOctal reports whether three digits are an octet in octal.
func isOctal(digits string) bool {
	return digits[0] <= '3' && strings.Trim(digits, "01234567") == ""
}

// resourceARN returns the ARN of a resource, which has no region and no account.
func resourceARN(kind, id string) string { return arn.Format(apiName, "", "", kind+"/"+id) }
