package access

import "strings"

// globalKeys are AWS's global condition keys. A name under aws: that is not one of
// them is misspelt. Those that end in a slash are followed by the key of a tag. Not
// all of them have a value here: docs/identity.md says which do.
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

func setOf(names string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		set[strings.ToLower(name)] = true
	}
	return set
}
