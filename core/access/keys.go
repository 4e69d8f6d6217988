package access

import (
	"fmt"
	"strings"
)

// globalKeys are AWS's global condition keys; a name under aws: that is not
// among them is misspelt. Those that end in a slash go on with a tag's key.
// Not all of them have a value here: docs/identity.md says which do.
var globalKeys = setOf(`
	aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:CurrentTime aws:Ec2InstanceSourcePrivateIPv4
	aws:Ec2InstanceSourceVpc aws:EpochTime aws:FederatedProvider aws:MultiFactorAuthAge aws:MultiFactorAuthPresent
	aws:PrincipalAccount aws:PrincipalArn aws:PrincipalIsAWSService aws:PrincipalOrgID aws:PrincipalOrgPaths
	aws:PrincipalServiceName aws:PrincipalServiceNamesList aws:PrincipalTag/ aws:PrincipalType aws:Referer
	aws:referer aws:RequestedRegion aws:RequestTag/ aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths
	aws:ResourceTag/ aws:SecureTransport aws:SourceAccount aws:SourceArn aws:SourceIdentity aws:SourceIp
	aws:SourceOrgID aws:SourceOrgPaths aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:SourceVpceAccount
	aws:SourceVpceOrgID aws:SourceVpceOrgPaths aws:TagKeys aws:TokenIssueTime aws:UserAgent aws:userid
	aws:username aws:ViaAWSMCP aws:ViaAWSService aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths aws:VpcSourceIp
	aws:AssumedRoot ec2:SourceInstanceARN glue:CredentialIssuingService`)

// cloudMapKeys are the keys of AWS Cloud Map; see "Actions, resources, and
// condition keys for AWS Cloud Map" in the Service Authorization Reference.
var cloudMapKeys = setOf(`servicediscovery:NamespaceArn servicediscovery:NamespaceName servicediscovery:ServiceArn
	servicediscovery:ServiceName servicediscovery:ServiceCreatedByAccount`)

func setOf(names string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		set[strings.ToLower(name)] = true
	}
	return set
}

// keyProblem says what is wrong with a condition key in lower case. Keys of
// services that are not served here are not judged.
func keyProblem(key string) string {
	prefix, name, ok := strings.Cut(key, ":")
	if !ok || prefix == "" || name == "" {
		return "is not a condition key: it must have the form prefix:name"
	}
	known := globalKeys
	switch prefix {
	case "aws":
	case "servicediscovery":
		known = cloudMapKeys
	default:
		return ""
	}
	base, tag, tagged := strings.Cut(key, "/")
	if tagged {
		base += "/"
	}
	if !known[base] || tagged && tag == "" {
		return "is not a condition key that is known"
	}
	return ""
}

// CheckKey returns an error if a condition key is misspelt.
func CheckKey(key string) error {
	if problem := keyProblem(strings.ToLower(key)); problem != "" {
		return fmt.Errorf("%q %s", shown(key), problem)
	}
	return nil
}
