package main

// route53Order is the order in which Route 53 writes the members of structures,
// as its API reference lists them, where that is not the order of their names:
// some clients cut its answers by plain text.
var route53Order = map[string][]string{
	"AlarmIdentifier":                {"Region", "Name"},
	"AliasTarget":                    {"HostedZoneId", "DNSName", "EvaluateTargetHealth"},
	"ChangeInfo":                     {"Id", "Status", "SubmittedAt", "Comment"},
	"CloudWatchAlarmConfiguration":   {"EvaluationPeriods", "Threshold", "ComparisonOperator", "Period", "MetricName", "Namespace", "Statistic", "Dimensions"},
	"CreateHostedZoneResponse":       {"HostedZone", "ChangeInfo", "DelegationSet", "VPC", "Location"},
	"DelegationSet":                  {"Id", "CallerReference", "NameServers"},
	"GeoProximityLocation":           {"AWSRegion", "LocalZoneGroup", "Coordinates", "Bias"},
	"GetAccountLimitResponse":        {"Limit", "Count"},
	"GetDNSSECResponse":              {"Status", "KeySigningKeys"},
	"GetHostedZoneLimitResponse":     {"Limit", "Count"},
	"GetHostedZoneResponse":          {"HostedZone", "DelegationSet", "VPCs"},
	"HealthCheck":                    {"Id", "CallerReference", "LinkedService", "HealthCheckConfig", "HealthCheckVersion", "CloudWatchAlarmConfiguration"},
	"HealthCheckConfig":              {"IPAddress", "Port", "Type", "ResourcePath", "FullyQualifiedDomainName", "SearchString", "RequestInterval", "FailureThreshold", "MeasureLatency", "Inverted", "Disabled", "HealthThreshold", "ChildHealthChecks", "EnableSNI", "Regions", "AlarmIdentifier", "InsufficientDataHealthStatus", "RoutingControlArn"},
	"HealthCheckObservation":         {"Region", "IPAddress", "StatusReport"},
	"HostedZone":                     {"Id", "Name", "CallerReference", "Config", "ResourceRecordSetCount", "LinkedService", "Features"},
	"KeySigningKey":                  {"Name", "KmsArn", "Flag", "SigningAlgorithmMnemonic", "SigningAlgorithmType", "DigestAlgorithmMnemonic", "DigestAlgorithmType", "KeyTag", "DigestValue", "PublicKey", "DSRecord", "DNSKEYRecord", "Status", "StatusMessage", "CreatedDate", "LastModifiedDate"},
	"LinkedService":                  {"ServicePrincipal", "Description"},
	"ListGeoLocationsResponse":       {"GeoLocationDetailsList", "IsTruncated", "NextContinentCode", "NextCountryCode", "NextSubdivisionCode", "MaxItems"},
	"ListHealthChecksResponse":       {"HealthChecks", "Marker", "IsTruncated", "NextMarker", "MaxItems"},
	"ListHostedZonesByNameResponse":  {"HostedZones", "DNSName", "HostedZoneId", "IsTruncated", "NextDNSName", "NextHostedZoneId", "MaxItems"},
	"ListHostedZonesResponse":        {"HostedZones", "Marker", "IsTruncated", "NextMarker", "MaxItems"},
	"ListResourceRecordSetsResponse": {"ResourceRecordSets", "IsTruncated", "NextRecordName", "NextRecordType", "NextRecordIdentifier", "MaxItems"},
	"ResourceRecordSet":              {"Name", "Type", "SetIdentifier", "Weight", "Region", "GeoLocation", "Failover", "MultiValueAnswer", "TTL", "ResourceRecords", "AliasTarget", "HealthCheckId", "TrafficPolicyInstanceId", "CidrRoutingConfig", "GeoProximityLocation"},
	"ResourceTagSet":                 {"ResourceType", "ResourceId", "Tags"},
	"StatusReport":                   {"Status", "CheckedTime"},
	"TestDNSAnswerResponse":          {"Nameserver", "RecordName", "RecordType", "RecordData", "ResponseCode", "Protocol"},
	"VPC":                            {"VPCRegion", "VPCId"},
}
