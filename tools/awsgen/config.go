package main

// config is what the generator knows about an API beyond its model. The zero value is
// that of most APIs.
type config struct {
	// matchers maps patterns of input shapes to functions of the package that match
	// them. Other patterns are compiled by package regexp when they are first
	// needed, which has no look-ahead and is too slow for the path of every request.
	matchers map[string]string
	// extraValues are enum values accepted in the extended compatibility mode.
	extraValues map[string][]string
	// open are enums of which the extended mode accepts any value.
	open map[string]bool
	// optional are required members that may be left out in the extended mode, as
	// Shape.Member.
	optional map[string]bool
	// rawOutput names the operations whose handler appends the encoded output
	// itself, from bytes prepared when the state changed.
	rawOutput map[string]bool
	// extra are members that AWS does not have, by structure and name on the wire.
	// Clients ignore them in outputs; see docs/adr/0027-members-that-aws-does-not-have.md.
	extra map[string]map[string]extraMember
	// keepsTokens leaves idempotency tokens absent that a client left out. Otherwise
	// one is made before the input is validated.
	keepsTokens bool
	// complete is true if all operations are implemented: the package has no use
	// for handlers that refuse.
	complete bool
	// namesShapes keeps the names of shapes and of XML elements for the messages of
	// violations.
	namesShapes bool
	// filters are functions of the package that values of shapes pass when they are
	// read, by shape: from a pointer to a pointer.
	filters map[string]string
	// order is the order in which members are written in XML, by structure, where
	// it is not that of the model.
	order map[string][]string
}

// extraMember is a member that AWS does not have.
type extraMember struct {
	// goType is a type of the package. It has a method append as the generated
	// structures of outputs have, and in a structure of inputs a function decodeTYPE.
	goType string
	// aliases are further names that are read. They are never written.
	aliases []string
}

// configs is keyed by the model's serviceId. It has only APIs that need something.
var configs = map[string]config{
	"ServiceDiscovery": {
		matchers: map[string]string{
			`^[a-zA-Z0-9!-~]+$`: "isAttrKey",
			`^([a-zA-Z0-9!-~][ \ta-zA-Z0-9!-~]*){0,1}[a-zA-Z0-9!-~]{0,1}$`: "isAttrValue",
			`^[0-9a-zA-Z_/:.@-]+$`:    "isInstanceId",
			`^[!-~]{1,1024}$`:         "isNamespaceName",
			`^(?!arn:)[!-~]{1,1024}$`: "isNamespaceNameHttp",
			`^(?!arn:)[!-~]{1,253}$`:  "isNamespaceNamePrivate",
			`^([a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?$`:                                                  "isNamespaceNamePublic",
			`((?=^.{1,127}$)^([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9])(\.([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9]))*$)|(^\.$)`: "isServiceName",
		},
		extraValues: map[string][]string{"RoutingPolicy": {"LATENCY"}},
		optional:    map[string]bool{"DnsRecord.TTL": true},
		rawOutput:   map[string]bool{"DiscoverInstances": true, "DiscoverInstancesRevision": true},
		extra:       map[string]map[string]extraMember{"DnsProperties": {"DNSSEC": {goType: "DNSSEC"}}},
		keepsTokens: true, // a made-up CreatorRequestId would be stored and shown
		complete:    true,
	},
	"ECS": {extra: map[string]map[string]extraMember{
		"ContainerDefinition":           {"serviceDiscoveryRegistry": discoveryRegistry},
		"RegisterTaskDefinitionRequest": {"serviceDiscoveryRegistry": discoveryRegistry},
		"TaskDefinition":                {"serviceDiscoveryRegistry": discoveryRegistry},
	}},
	"Route 53": {
		namesShapes: true, order: route53Order,
		extraValues: map[string][]string{"RRType": {"DHCID"}}, // which dynamic updates make
		// Regions have the names of the configuration.
		open:    map[string]bool{"ResourceRecordSetRegion": true, "VPCRegion": true},
		filters: map[string]string{"ResourceId": "trimID", "TagResourceId": "trimID", "ChangeId": "trimID"},
	},
	"Made up REST XML": {namesShapes: true}, // of test/protocols
}

// discoveryRegistry names the services of Cloud Map in which tasks register.
var discoveryRegistry = extraMember{goType: "DiscoveryRegistries", aliases: []string{"ServiceDiscoveryRegistry"}}
