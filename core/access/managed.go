package access

import (
	"slices"
	"strings"
)

// managedPrefix begins the ARNs of AWS managed policies.
const managedPrefix = "arn:aws:iam::aws:policy/"

// servicePath is where the policies of service-linked roles are.
const servicePath = "aws-service-role/"

// Managed returns an AWS managed policy by its name or its ARN.
func (c *Catalog) Managed(ref string) (*Policy, bool) {
	_, text, ok := ManagedText(ref)
	if !ok {
		return nil, false
	}
	p, err := c.Parse(managedName(ref), IdentityPolicy, text)
	return p, err == nil // a test parses all of them
}

// ManagedText returns the ARN and the JSON of one.
func ManagedText(ref string) (arn, text string, ok bool) {
	name := managedName(ref)
	i := slices.IndexFunc(managed[:], func(m managedPolicy) bool { return m.name == name })
	if i < 0 {
		return "", "", false
	}
	return managedPrefix + managed[i].path + name, `{"Version":"2012-10-17","Statement":[` + managed[i].statements + `]}`, true
}

func managedName(ref string) string {
	if path, ok := strings.CutPrefix(ref, managedPrefix); ok {
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ref
}

// ManagedNames lists the names that Managed knows.
func ManagedNames() []string {
	var names []string
	for _, m := range managed {
		names = append(names, m.name)
	}
	return names
}

type managedPolicy struct{ path, name, statements string }

// managed are the AWS managed policies about Cloud Map, App Mesh, ECS and Route 53. Most of
// them also name services that are not here, which does no harm; see the AWS Managed Policy
// Reference. It is never changed.
var managed = [...]managedPolicy{
	{"", "AWSCloudMapReadOnlyAccess", allowStatement(readActionsOfCloudMap)},
	{"", "AWSCloudMapDiscoverInstanceAccess", allowStatement(discoverActions)},
	{"", "AWSCloudMapRegisterInstanceAccess", allowStatement(registerActions + `,"ec2:DescribeInstances",` + route53Registrant)},
	{"", "AWSCloudMapFullAccess", allowStatement(`"servicediscovery:*",` + route53Full)},
	{"", "AmazonRoute53AutoNamingReadOnlyAccess", allowStatement(readActionsOfCloudMap)},
	{"", "AmazonRoute53AutoNamingRegistrantAccess", allowStatement(registerActions + "," + route53Registrant)},
	{"", "AmazonRoute53AutoNamingFullAccess", allowStatement(`"servicediscovery:*",` + route53Full)},
	{"", "AmazonRoute53FullAccess", allowStatement(`"route53:*"`)},
	{"", "AmazonRoute53ReadOnlyAccess", allowStatement(`"route53:Get*","route53:List*","route53:TestDNSAnswer"`)},
	{"", "AWSAppMeshEnvoyAccess", allowStatement(`"appmesh:StreamAggregatedResources"`)},
	{"", "AWSAppMeshFullAccess", allowStatement(`"appmesh:*"`)},
	{"", "AWSAppMeshReadOnly", allowStatement(`"appmesh:Describe*","appmesh:List*"`)},
	{servicePath, "AWSAppMeshServiceRolePolicy", allowStatement(discoverActions)},
	{servicePath, "AmazonECSServiceRolePolicy", ecsServiceRole},
}

func allowStatement(actions string) string {
	return `{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}`
}

const (
	discoverActions       = `"servicediscovery:DiscoverInstances","servicediscovery:DiscoverInstancesRevision"`
	readActionsOfCloudMap = `"servicediscovery:Get*","servicediscovery:List*",` + discoverActions
	registerActions       = readActionsOfCloudMap + `,"servicediscovery:RegisterInstance","servicediscovery:DeregisterInstance"`
	route53Registrant     = `"route53:GetHostedZone","route53:ListHostedZonesByName","route53:ChangeResourceRecordSets",` +
		`"route53:CreateHealthCheck","route53:GetHealthCheck","route53:DeleteHealthCheck","route53:UpdateHealthCheck"`
	route53Full = route53Registrant + `,"route53:CreateHostedZone","route53:DeleteHostedZone",` +
		`"ec2:DescribeVpcs","ec2:DescribeRegions","ec2:DescribeInstances"`

	ecsServiceRole = `{"Sid":"ServiceDiscoveryRegistration","Effect":"Allow","Action":[` + registerActions +
		`,"servicediscovery:UpdateInstanceCustomHealthStatus"],"Resource":"*"},` +
		`{"Sid":"CreateServiceConnectNamespace","Effect":"Allow","Action":["servicediscovery:CreateHttpNamespace","servicediscovery:CreateService"],` +
		`"Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["AmazonECSManaged"]}}},` +
		`{"Sid":"TagServiceConnect","Effect":"Allow","Action":"servicediscovery:TagResource","Resource":"*",` +
		`"Condition":{"StringLike":{"aws:RequestTag/AmazonECSManaged":"*"}}},` +
		`{"Sid":"ChangeServiceConnect","Effect":"Allow","Action":["servicediscovery:DeleteService","servicediscovery:UpdateServiceAttributes"],` +
		`"Resource":"*","Condition":{"Null":{"aws:ResourceTag/AmazonECSManaged":"false"}}}`
)
