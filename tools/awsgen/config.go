package main

// config is what the generator knows about an API beyond its model.
type config struct {
	packageName string
	// matchers maps each pattern of an input shape to the function of the package
	// that matches it. Go's regexp has no look-ahead, which some patterns use, and
	// would be slow on the path of every request.
	matchers map[string]string
	// extraValues are enum values accepted in the extended compatibility mode.
	extraValues map[string][]string
	// optional are required members that may be left out in the extended mode, as
	// Shape.Member.
	optional map[string]bool
	// rawOutput names the operations whose handler appends the encoded output
	// itself, from bytes prepared when the state changed.
	rawOutput map[string]bool
	// extra are members of output structures that AWS does not have, which
	// clients pass over: by structure and member, a type of the package that has
	// a method like those of the generated structures.
	extra map[string]map[string]string
}

// configs is keyed by the model's serviceId.
var configs = map[string]config{
	"ServiceDiscovery": {
		packageName: "cloudmap",
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
		extra:       map[string]map[string]string{"DnsProperties": {"DNSSEC": "DNSSEC"}},
	},
}
