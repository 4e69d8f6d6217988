package access

import (
	"strings"
	"testing"
)

const (
	testAccount = "123456789012"
	nsARN       = "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-abcdefghij234567"
	svcARN      = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-abcdefghij234567"
)

func mustParse(t testing.TB, name, text string) *Policy {
	t.Helper()
	p, err := testCatalog.Parse(name, IdentityPolicy, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// statements wraps statements into a policy of the newer version.
func statements(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }

// tags are pairs of a key and a value.
type tags []string

func (t tags) TagValues(key string) (values []string) {
	for i := 0; i < len(t); i += 2 {
		if strings.EqualFold(t[i], key) {
			values = append(values, t[i+1])
		}
	}
	return values
}

// TestConditions is a table of what the user guide says about operators; each
// condition is in an allow statement for everything.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name      string
		condition string
		context   MapContext
		want      bool
	}{
		{"StringEquals, one of many values", `{"StringEquals":{"aws:PrincipalTag/dept":["a","b"]}}`, MapContext{"aws:principaltag/dept": {"b"}}, true},
		{"StringEquals minds case", `{"StringEquals":{"aws:username":"Ann"}}`, MapContext{"aws:username": {"ann"}}, false},
		{"StringEquals has no wildcards", `{"StringEquals":{"aws:username":"A*"}}`, MapContext{"aws:username": {"Ann"}}, false},
		{"StringEquals without the key", `{"StringEquals":{"aws:username":"Ann"}}`, nil, false},
		{"StringNotEquals without the key", `{"StringNotEquals":{"aws:username":"Ann"}}`, nil, true},
		{"StringNotEquals is none of the values", `{"StringNotEquals":{"aws:username":["Ann","Bob"]}}`, MapContext{"aws:username": {"Bob"}}, false},
		{"StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase":{"aws:username":"ANN"}}`, MapContext{"aws:username": {"ann"}}, true},
		{"StringNotEqualsIgnoreCase", `{"StringNotEqualsIgnoreCase":{"aws:username":"ANN"}}`, MapContext{"aws:username": {"ann"}}, false},
		{"StringLike", `{"StringLike":{"aws:username":"a*n?"}}`, MapContext{"aws:username": {"aXXnn"}}, true},
		{"StringLike is of the whole value", `{"StringLike":{"aws:username":"nn"}}`, MapContext{"aws:username": {"ann"}}, false},
		{"StringNotLike", `{"StringNotLike":{"aws:username":"a*"}}`, MapContext{"aws:username": {"bob"}}, true},
		{"IfExists without the key", `{"StringEqualsIfExists":{"aws:username":"Ann"}}`, nil, true},
		{"IfExists with the key", `{"StringEqualsIfExists":{"aws:username":"Ann"}}`, MapContext{"aws:username": {"Bob"}}, false},
		{"keys do not mind case", `{"StringEquals":{"AWS:userName":"Ann"}}`, MapContext{"aws:username": {"Ann"}}, true},
		{"all operators must hold", `{"StringEquals":{"aws:username":"Ann"},"Bool":{"aws:SecureTransport":"true"}}`, MapContext{"aws:username": {"Ann"}, "aws:securetransport": {"false"}}, false},
		{"all keys must hold", `{"StringEquals":{"aws:username":"Ann","aws:userid":"1"}}`, MapContext{"aws:username": {"Ann"}, "aws:userid": {"2"}}, false},

		{"NumericLessThan", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, MapContext{"aws:multifactorauthage": {"3599"}}, true},
		{"NumericLessThanEquals", `{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":3600}}`, MapContext{"aws:multifactorauthage": {"3600"}}, true},
		{"NumericGreaterThan", `{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"9"}}`, MapContext{"aws:multifactorauthage": {"10"}}, true},
		{"NumericGreaterThanEquals", `{"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":"10.5"}}`, MapContext{"aws:multifactorauthage": {"10"}}, false},
		{"NumericEquals", `{"NumericEquals":{"aws:MultiFactorAuthAge":"10"}}`, MapContext{"aws:multifactorauthage": {"10.0"}}, true},
		{"NumericNotEquals", `{"NumericNotEquals":{"aws:MultiFactorAuthAge":"10"}}`, MapContext{"aws:multifactorauthage": {"10"}}, false},
		{"a number that is none", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"10"}}`, MapContext{"aws:multifactorauthage": {"soon"}}, false},

		{"DateGreaterThan", `{"DateGreaterThan":{"aws:CurrentTime":"2026-04-01T00:00:00Z"}}`, MapContext{"aws:currenttime": {"2026-04-01T00:00:01Z"}}, true},
		{"DateLessThan", `{"DateLessThan":{"aws:CurrentTime":"2026-06-30T23:59:59Z"}}`, MapContext{"aws:currenttime": {"2026-07-01T00:00:00Z"}}, false},
		{"dates with zones", `{"DateEquals":{"aws:CurrentTime":"2026-04-01T02:00:00+02:00"}}`, MapContext{"aws:currenttime": {"2026-04-01T00:00:00Z"}}, true},
		{"a date alone", `{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-04-01"}}`, MapContext{"aws:currenttime": {"2026-04-01T00:00:00Z"}}, true},
		{"DateNotEquals", `{"DateNotEquals":{"aws:CurrentTime":"2026-04-01"}}`, MapContext{"aws:currenttime": {"2026-04-02T00:00:00Z"}}, true},
		{"EpochTime", `{"DateLessThanEquals":{"aws:EpochTime":"1775001600"}}`, MapContext{"aws:epochtime": {"1775001600"}}, true},

		{"Bool", `{"Bool":{"aws:SecureTransport":"true"}}`, MapContext{"aws:securetransport": {"true"}}, true},
		{"Bool as a bool", `{"Bool":{"aws:SecureTransport":false}}`, MapContext{"aws:securetransport": {"true"}}, false},
		{"Bool without the key", `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`, nil, false},
		{"BoolIfExists without the key", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, nil, true},
		{"BinaryEquals", `{"BinaryEquals":{"x:key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, MapContext{"x:key": {"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}, true},

		{"IpAddress", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, MapContext{"aws:sourceip": {"203.0.113.9"}}, true},
		{"IpAddress, alone", `{"IpAddress":{"aws:SourceIp":"203.0.113.9"}}`, MapContext{"aws:sourceip": {"203.0.113.10"}}, false},
		{"IpAddress, IPv6", `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}}`, MapContext{"aws:sourceip": {"2001:db8:1234:5678::9"}}, true},
		{"IpAddress, IPv4 in IPv6", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, MapContext{"aws:sourceip": {"::ffff:203.0.113.9"}}, true},
		{"NotIpAddress", `{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","192.0.2.0/24"]}}`, MapContext{"aws:sourceip": {"192.0.2.1"}}, false},
		{"NotIpAddress without the key", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, nil, true},

		{"ArnEquals has wildcards", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/dev-*"}}`, MapContext{"aws:principalarn": {"arn:aws:iam::123456789012:role/dev-ann"}}, true},
		{"ArnLike keeps to the parts", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}}`, MapContext{"aws:principalarn": {"arn:aws:iam::1:2:role/x"}}, false},
		{"ArnNotLike", `{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}`, MapContext{"aws:principalarn": {"arn:aws:iam::123456789012:user/ann"}}, true},
		{"ArnNotEquals without the key", `{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}}`, nil, true},

		{"Null true: no key", `{"Null":{"aws:TokenIssueTime":"true"}}`, nil, true},
		{"Null true: key", `{"Null":{"aws:TokenIssueTime":"true"}}`, MapContext{"aws:tokenissuetime": {"x"}}, false},
		{"Null false: key", `{"Null":{"aws:TokenIssueTime":"false"}}`, MapContext{"aws:tokenissuetime": {"x"}}, true},

		{"ForAllValues", `{"ForAllValues:StringEquals":{"aws:TagKeys":["env","cost"]}}`, MapContext{"aws:tagkeys": {"env", "cost"}}, true},
		{"ForAllValues, one too many", `{"ForAllValues:StringEquals":{"aws:TagKeys":["env"]}}`, MapContext{"aws:tagkeys": {"env", "cost"}}, false},
		{"ForAllValues without the key", `{"ForAllValues:StringEquals":{"aws:TagKeys":["env"]}}`, nil, true},
		{"ForAnyValue", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["env"]}}`, MapContext{"aws:tagkeys": {"cost", "env"}}, true},
		{"ForAnyValue, none", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["env"]}}`, MapContext{"aws:tagkeys": {"cost"}}, false},
		{"ForAnyValue without the key", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["env"]}}`, nil, false},
		{"ForAnyValue:StringNotEquals without the key", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["env"]}}`, nil, false},
		{"ForAllValues:StringNotLike", `{"ForAllValues:StringNotLike":{"aws:TagKeys":"secret*"}}`, MapContext{"aws:tagkeys": {"env", "secret-x"}}, false},
		{"ForAllValues with IfExists", `{"ForAllValues:StringLikeIfExists":{"aws:TagKeys":"e*"}}`, MapContext{"aws:tagkeys": {"env"}}, true},

		{"variable", `{"StringEquals":{"aws:PrincipalTag/team":"${aws:RequestTag/team}"}}`, MapContext{"aws:principaltag/team": {"red"}, "aws:requesttag/team": {"red"}}, true},
		{"variable, otherwise", `{"StringEquals":{"aws:PrincipalTag/team":"${aws:RequestTag/team}"}}`, MapContext{"aws:principaltag/team": {"red"}, "aws:requesttag/team": {"blue"}}, false},
		{"variable is literal", `{"StringLike":{"aws:PrincipalTag/team":"${aws:RequestTag/team}"}}`, MapContext{"aws:principaltag/team": {"red"}, "aws:requesttag/team": {"*"}}, false},
		{"variable with default", `{"StringEquals":{"aws:PrincipalTag/team":"${aws:RequestTag/team, 'red'}"}}`, MapContext{"aws:principaltag/team": {"red"}}, true},
		{"variable without value", `{"StringEquals":{"aws:PrincipalTag/team":"${aws:RequestTag/team}"}}`, MapContext{"aws:principaltag/team": {""}}, false},
		{"variable without value, negated", `{"StringNotEquals":{"aws:PrincipalTag/team":"${aws:RequestTag/team}"}}`, MapContext{"aws:principaltag/team": {"red"}}, false},
		{"escapes", `{"StringLike":{"aws:username":"a${*}${?}${$}"}}`, MapContext{"aws:username": {"a*?$"}}, true},
		{"escapes are not wildcards", `{"StringLike":{"aws:username":"a${*}"}}`, MapContext{"aws:username": {"ab"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, "p", statements(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+c.condition+`}`))
			s := Subject{Identity: testCatalog.NewSet(p)}
			d := s.Evaluate(&Request{Action: "servicediscovery:ListNamespaces", Resources: []Resource{{ARN: "*"}}, Context: c.context})
			if d.Allowed != c.want {
				t.Errorf("allowed %v, want %v", d.Allowed, c.want)
			}
		})
	}
}

// TestDecisions covers actions, resources, layers and the reasons.
func TestDecisions(t *testing.T) {
	all := `{"Effect":"Allow","Action":"*","Resource":"*"}`
	for _, c := range []struct {
		name                        string
		identity, boundary, session string // statements
		action                      string
		resources                   []Resource
		context                     MapContext
		want                        bool
		reason                      string
	}{
		{name: "nothing", want: false, reason: "because no identity-based policy allows the servicediscovery:GetNamespace action"},
		{name: "everything", identity: all, want: true},
		{name: "action in other case", identity: `{"Effect":"Allow","Action":"ServiceDiscovery:getnamespace","Resource":"*"}`, want: true},
		{name: "action by wildcard", identity: `{"Effect":"Allow","Action":"servicediscovery:Get*","Resource":"*"}`, want: true},
		{name: "another action", identity: `{"Effect":"Allow","Action":"servicediscovery:List*","Resource":"*"}`, want: false},
		{name: "NotAction", identity: `{"Effect":"Allow","NotAction":"servicediscovery:Delete*","Resource":"*"}`, want: true},
		{name: "NotAction names it", identity: `{"Effect":"Allow","NotAction":["servicediscovery:Get*"],"Resource":"*"}`, want: false},
		{name: "the resource", identity: `{"Effect":"Allow","Action":"servicediscovery:GetNamespace","Resource":"` + nsARN + `"}`, want: true},
		{name: "another resource", identity: `{"Effect":"Allow","Action":"servicediscovery:GetNamespace","Resource":"` + nsARN + `x"}`, want: false},
		{name: "resource by wildcards", identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:servicediscovery:*:123456789012:namespace/ns-*"}`, want: true},
		{name: "another account's resource", identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:servicediscovery:*:210987654321:*"}`, want: false},
		{name: "NotResource", identity: `{"Effect":"Allow","Action":"*","NotResource":"` + svcARN + `"}`, want: true},
		{name: "NotResource names it", identity: `{"Effect":"Allow","Action":"*","NotResource":"` + nsARN + `"}`, want: false},
		{name: "NotResource whose variable has no value", identity: `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:servicediscovery:*:*:namespace/${aws:username}"}`, want: false},
		{name: "variable in the resource", identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:servicediscovery:*:*:namespace/${aws:PrincipalTag/ns}"}`,
			context: MapContext{"aws:principaltag/ns": {"ns-abcdefghij234567"}}, want: true},
		{name: "a wildcard in a variable is none", identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:servicediscovery:*:*:namespace/${aws:PrincipalTag/ns}"}`,
			context: MapContext{"aws:principaltag/ns": {"*"}}, want: false},
		{name: "deny wins", identity: all + `,{"Sid":"NoReads","Effect":"Deny","Action":"servicediscovery:Get*","Resource":"*"}`, want: false,
			reason: "with an explicit deny in an identity-based policy (policy identity, statement NoReads)"},
		{name: "deny wins, whatever the order", identity: `{"Effect":"Deny","Action":"servicediscovery:Get*","Resource":"*"},` + all, want: false,
			reason: "with an explicit deny in an identity-based policy (policy identity, statement without a Sid)"},
		{name: "deny of something else", identity: all + `,{"Effect":"Deny","Action":"servicediscovery:Delete*","Resource":"*"}`, want: true},
		{name: "boundary", identity: all, boundary: `{"Effect":"Allow","Action":"servicediscovery:List*","Resource":"*"}`, want: false,
			reason: "because no permissions boundary allows the servicediscovery:GetNamespace action"},
		{name: "boundary gives nothing", boundary: all, want: false, reason: "because no identity-based policy allows"},
		{name: "boundary denies", identity: all, boundary: all + `,{"Sid":"B","Effect":"Deny","Action":"*","Resource":"*"}`, want: false,
			reason: "with an explicit deny in a permissions boundary (policy boundary, statement B)"},
		{name: "session", identity: all, session: `{"Effect":"Allow","Action":"servicediscovery:List*","Resource":"*"}`, want: false,
			reason: "because no session policy allows"},
		{name: "session denies", identity: all, session: `{"Sid":"S","Effect":"Deny","Action":"*","Resource":"*"}`, want: false,
			reason: "with an explicit deny in a session policy (policy session, statement S)"},
		{name: "all three", identity: all, boundary: all, session: all, want: true},
		{name: "tag of the resource", identity: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"red"}}}`,
			resources: []Resource{{ARN: nsARN, Tags: tags{"Team", "red"}}}, want: true},
		{name: "account of the resource", identity: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"123456789012"}}}`, want: true},
		{name: "tags that differ by case, allow", identity: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"red"}}}`,
			resources: []Resource{{ARN: nsARN, Tags: tags{"Team", "red", "team", "blue"}}}, want: false},
		{name: "no tag on the resource", identity: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"red"}}}`, want: false},
		{name: "both resources are needed", action: "servicediscovery:DiscoverInstances", resources: []Resource{{ARN: nsARN}, {ARN: svcARN}},
			identity: `{"Effect":"Allow","Action":"*","Resource":"` + nsARN + `"}`, want: false},
		{name: "by one statement each", action: "servicediscovery:DiscoverInstances", resources: []Resource{{ARN: nsARN}, {ARN: svcARN}},
			identity: `{"Effect":"Allow","Action":"*","Resource":"` + nsARN + `"},{"Effect":"Allow","Action":"*","Resource":"` + svcARN + `"}`, want: true},
		{name: "older style: keys only", action: "servicediscovery:DiscoverInstances", resources: []Resource{{ARN: nsARN}, {ARN: svcARN}},
			identity: `{"Effect":"Allow","Action":"servicediscovery:DiscoverInstances","Resource":"*","Condition":{"StringEquals":{"servicediscovery:NamespaceName":"example.com"}}}`,
			context:  MapContext{"servicediscovery:namespacename": {"example.com"}}, want: true},
		{name: "an optional resource needs no allow", resources: []Resource{{ARN: nsARN}, {ARN: svcARN, Optional: true}},
			identity: `{"Effect":"Allow","Action":"*","Resource":"` + nsARN + `"}`, want: true},
		{name: "a denial of an optional resource counts", resources: []Resource{{ARN: nsARN}, {ARN: svcARN, Optional: true}},
			identity: all + `,{"Sid":"D","Effect":"Deny","Action":"*","Resource":"` + svcARN + `"}`, want: false, reason: "statement D"},
		{name: "several values, allow", identity: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:TagKeys":"a"}}}`,
			context: MapContext{"aws:tagkeys": {"a", "b"}}, want: false},
		{name: "several values, deny", identity: all + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:TagKeys":"a"}}}`,
			context: MapContext{"aws:tagkeys": {"a", "b"}}, want: false},
		{name: "deny unless, no key", identity: all + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}}`,
			context: MapContext{"aws:requesttag/team": {"red"}}, want: false},
		{name: "an action of nobody's", action: "s3:GetObject", identity: `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, want: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := func(name, s string) *Set {
				if s == "" {
					return nil
				}
				return testCatalog.NewSet(mustParse(t, name, statements(s)))
			}
			s := Subject{Identity: set("identity", c.identity), Boundary: set("boundary", c.boundary), Session: set("session", c.session)}
			r := &Request{Action: c.action, Resources: c.resources, Context: c.context}
			if r.Action == "" {
				r.Action = "servicediscovery:GetNamespace"
			}
			if r.Resources == nil {
				r.Resources = []Resource{{ARN: nsARN}}
			}
			d := s.Evaluate(r)
			if d.Allowed != c.want || !d.Allowed && !strings.Contains(d.Reason(r.Action), c.reason) {
				t.Errorf("allowed %v, want %v; %s", d.Allowed, c.want, d.Reason(r.Action))
			}
		})
	}
}

// TestVersion2008: the older version has no variables.
func TestVersion2008(t *testing.T) {
	text := `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"${aws:username}"}}}}`
	for version, want := range map[string]bool{"": false, `"Version":"2008-10-17",`: false, `"Version":"2012-10-17",`: true} {
		p := mustParse(t, "p", "{"+version+text[1:])
		s := Subject{Identity: testCatalog.NewSet(p)}
		d := s.Evaluate(&Request{Action: "sts:AssumeRole", Resources: []Resource{{ARN: "*"}}, Context: MapContext{"aws:username": {"ann"}}})
		if d.Allowed != want {
			t.Errorf("%q: allowed %v", version, d.Allowed)
		}
	}
}

// TestRefusedPolicies: what is wrong is told with its place.
func TestRefusedPolicies(t *testing.T) {
	ok := `"Effect":"Allow","Action":"*","Resource":"*"`
	for _, c := range []struct{ name, text, path, message string }{
		{"not JSON", `{`, "", "not JSON"},
		{"more behind", statements("{"+ok+"}") + "{}", "", "after the end"},
		{"a list", `[]`, "", "must be an object"},
		{"no statement", `{"Version":"2012-10-17"}`, "Statement", "missing"},
		{"no statements", `{"Statement":[]}`, "Statement", "empty"},
		{"version", `{"Version":"2012-10-18","Statement":{` + ok + `}}`, "Version", "2012-10-17"},
		{"element of the policy", `{"Statment":[]}`, "Statment", "not known"},
		{"element of a statement", statements(`{` + ok + `,"Conditions":{}}`), "Statement[0].Conditions", "not known"},
		{"element in other case", statements(`{"effect":"Allow","Action":"*","Resource":"*"}`), "Statement[0].effect", "not known"},
		{"twice", statements(`{` + ok + `,"Action":"*"}`), "Statement[0].Action", "twice"},
		{"effect", statements(`{"Effect":"allow","Action":"*","Resource":"*"}`), "Statement[0].Effect", "Allow or Deny"},
		{"no effect", statements(`{"Action":"*","Resource":"*"}`), "Statement[0]", "Effect is missing"},
		{"no action", statements(`{"Effect":"Allow","Resource":"*"}`), "Statement[0]", "Action is missing"},
		{"no resource", statements(`{"Effect":"Allow","Action":"*"}`), "Statement[0]", "Resource is missing"},
		{"both actions", statements(`{` + ok + `,"NotAction":"*"}`), "Statement[0]", "exclude each other"},
		{"both resources", statements(`{` + ok + `,"NotResource":"*"}`), "Statement[0]", "exclude each other"},
		{"principal", statements(`{` + ok + `,"Principal":"*"}`), "Statement[0].Principal", "trust policy"},
		{"action without a service", statements(`{"Effect":"Allow","Action":"GetNamespace","Resource":"*"}`), "Statement[0].Action", "service:action"},
		{"wildcard in the service", statements(`{"Effect":"Allow","Action":"service*:Get","Resource":"*"}`), "Statement[0].Action", "service:action"},
		{"misspelt action", statements(`{"Effect":"Deny","Action":["servicediscovery:DeleteNamspace"],"Resource":"*"}`), "Statement[0].Action[0]", "matches no action"},
		{"no action at all", statements(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Statement[0].Action", "empty"},
		{"resource", statements(`{"Effect":"Allow","Action":"*","Resource":["*","ns-1"]}`), "Statement[0].Resource[1]", "ARN"},
		{"sid", statements(`{` + ok + `,"Sid":"a b"}`), "Statement[0].Sid", "letters and digits"},
		{"sid twice", statements(`{` + ok + `,"Sid":"a"},{` + ok + `,"Sid":"a"}`), "Statement[1].Sid", "two statements"},
		{"misspelt operator", statements(`{` + ok + `,"Condition":{"StringEqual":{"aws:username":"a"}}}`), "Statement[0].Condition.StringEqual.aws:username", "not a condition operator"},
		{"operator in other case", statements(`{` + ok + `,"Condition":{"stringequals":{"aws:username":"a"}}}`), "Statement[0].Condition.stringequals.aws:username", "not a condition operator"},
		{"misspelt qualifier", statements(`{` + ok + `,"Condition":{"ForAllValue:StringEquals":{"aws:username":"a"}}}`), "Statement[0].Condition.ForAllValue:StringEquals.aws:username", "not a condition operator"},
		{"NullIfExists", statements(`{` + ok + `,"Condition":{"NullIfExists":{"aws:username":"true"}}}`), "Statement[0].Condition.NullIfExists.aws:username", "not a condition operator"},
		{"misspelt key", statements(`{` + ok + `,"Condition":{"IpAddress":{"aws:SourceIP4":"10.0.0.0/8"}}}`), "Statement[0].Condition.IpAddress.aws:SourceIP4", "not a condition key"},
		{"misspelt Cloud Map key", statements(`{` + ok + `,"Condition":{"StringEquals":{"servicediscovery:Namespace":"x"}}}`), "Statement[0].Condition.StringEquals.servicediscovery:Namespace", "not a condition key"},
		{"tag without a key", statements(`{` + ok + `,"Condition":{"StringEquals":{"aws:RequestTag/":"x"}}}`), "Statement[0].Condition.StringEquals.aws:RequestTag/", "not a condition key"},
		{"key without prefix", statements(`{` + ok + `,"Condition":{"StringEquals":{"username":"x"}}}`), "Statement[0].Condition.StringEquals.username", "prefix:name"},
		{"not a number", statements(`{` + ok + `,"Condition":{"NumericEquals":{"aws:MultiFactorAuthAge":"0x10"}}}`), "Statement[0].Condition.NumericEquals.aws:MultiFactorAuthAge", "not a number"},
		{"not a date", statements(`{` + ok + `,"Condition":{"DateEquals":{"aws:CurrentTime":["2026-13-01"]}}}`), "Statement[0].Condition.DateEquals.aws:CurrentTime[0]", "not a date"},
		{"not a bool", statements(`{` + ok + `,"Condition":{"Bool":{"aws:SecureTransport":"yes"}}}`), "Statement[0].Condition.Bool.aws:SecureTransport", "neither true nor false"},
		{"not an address", statements(`{` + ok + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}`), "Statement[0].Condition.IpAddress.aws:SourceIp", "not an IP address"},
		{"not an ARN", statements(`{` + ok + `,"Condition":{"ArnLike":{"aws:PrincipalArn":"role/x"}}}`), "Statement[0].Condition.ArnLike.aws:PrincipalArn", "not an ARN"},
		{"not base 64", statements(`{` + ok + `,"Condition":{"BinaryEquals":{"x:y":"!"}}}`), "Statement[0].Condition.BinaryEquals.x:y", "base 64"},
		{"variable without end", statements(`{` + ok + `,"Condition":{"StringEquals":{"aws:username":"${aws:username"}}}`), "Statement[0].Condition.StringEquals.aws:username", "no end"},
		{"misspelt variable", statements(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:servicediscovery:*:*:namespace/${aws:usrname}"}`), "Statement[0].Resource", "not a condition key"},
		{"default without quotes", statements(`{` + ok + `,"Condition":{"StringEquals":{"aws:username":"${aws:username, x}"}}}`), "Statement[0].Condition.StringEquals.aws:username", "single quotes"},
		{"value is an object", statements(`{` + ok + `,"Condition":{"StringEquals":{"aws:username":{"a":"b"}}}}`), "Statement[0].Condition.StringEquals.aws:username", "must be a string"},
		{"too deep", strings.Repeat(`{"Statement":`, 20) + "1" + strings.Repeat("}", 20), "Statement.Statement.Statement.Statement.Statement.Statement.Statement.Statement.Statement", "deeply"},
		{"too long", statements(`{` + ok + `,"Sid":"` + strings.Repeat("a", maxPolicyBytes) + `"}`), "", "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := testCatalog.Parse("p", IdentityPolicy, c.text)
			e, ok := err.(*SyntaxError)
			if !ok {
				t.Fatalf("not refused: %v", err)
			}
			if e.Path != c.path || !strings.Contains(e.Message, c.message) {
				t.Errorf("got %s: %s\nwant %s: …%s…", e.Path, e.Message, c.path, c.message)
			}
		})
	}
}

// TestManagedPolicies: all parse, and say what the developer guide says.
func TestManagedPolicies(t *testing.T) {
	for _, name := range ManagedNames() {
		if _, ok := testCatalog.Managed(name); !ok {
			t.Errorf("%s does not parse", name)
		}
		if _, ok := testCatalog.Managed("arn:aws:iam::aws:policy/aws-service-role/" + name); !ok {
			t.Errorf("%s is not found by ARN", name)
		}
	}
	if _, ok := testCatalog.Managed("AWSCloudMapNoAccess"); ok {
		t.Error("an unknown policy is found")
	}
	for _, c := range []struct {
		policy, action string
		want           bool
	}{
		{"AWSCloudMapReadOnlyAccess", "DiscoverInstances", true},
		{"AWSCloudMapReadOnlyAccess", "RegisterInstance", false},
		{"AWSCloudMapDiscoverInstanceAccess", "DiscoverInstancesRevision", true},
		{"AWSCloudMapDiscoverInstanceAccess", "GetNamespace", false},
		{"AWSCloudMapRegisterInstanceAccess", "DeregisterInstance", true},
		{"AWSCloudMapRegisterInstanceAccess", "UpdateInstanceCustomHealthStatus", false},
		{"AWSCloudMapRegisterInstanceAccess", "CreateService", false},
		{"AWSCloudMapFullAccess", "DeleteNamespace", true},
		{"AmazonRoute53AutoNamingRegistrantAccess", "RegisterInstance", true},
		{"AmazonECSServiceRolePolicy", "UpdateInstanceCustomHealthStatus", true},
		{"AmazonECSServiceRolePolicy", "DeleteService", false},
		{"AWSAppMeshServiceRolePolicy", "DiscoverInstances", true},
	} {
		p, _ := testCatalog.Managed(c.policy)
		s := Subject{Identity: testCatalog.NewSet(p)}
		d := s.Evaluate(&Request{Action: "servicediscovery:" + c.action, Resources: []Resource{{ARN: svcARN}}})
		if d.Allowed != c.want {
			t.Errorf("%s, %s: allowed %v", c.policy, c.action, d.Allowed)
		}
	}
}

// TestTrust covers who a role trusts.
func TestTrust(t *testing.T) {
	ann := Caller{Account: testAccount, ARN: "arn:aws:iam::123456789012:user/ann"}
	session := Caller{Account: testAccount, ARN: "arn:aws:sts::123456789012:assumed-role/r/s", RoleARN: "arn:aws:iam::123456789012:role/r"}
	token := Caller{Provider: "arn:aws:iam::123456789012:oidc-provider/k8s"}
	tasks := Caller{Service: "ecs-tasks.amazonaws.com"}
	for _, c := range []struct {
		name, statement string
		caller          Caller
		context         MapContext
		want, byAccount bool
	}{
		{name: "the account", statement: `"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"`, caller: ann, want: true, byAccount: true},
		{name: "its root", statement: `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"`, caller: ann, want: true, byAccount: true},
		{name: "the user", statement: `"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:user/ann"]},"Action":"sts:AssumeRole"`, caller: ann, want: true},
		{name: "another user", statement: `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/bob"},"Action":"sts:AssumeRole"`, caller: ann},
		{name: "the role of a session", statement: `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"sts:AssumeRole"`, caller: session, want: true},
		{name: "the session", statement: `"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"},"Action":"sts:AssumeRole"`, caller: session, want: true},
		{name: "everybody", statement: `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`, caller: ann, want: true, byAccount: true},
		{name: "everybody has no token", statement: `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`, caller: token},
		{name: "the provider", statement: `"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/k8s"},"Action":"sts:AssumeRole"`, caller: token, want: true},
		{name: "another action", statement: `"Effect":"Allow","Principal":"*","Action":"sts:TagSession"`, caller: ann},
		{name: "an external id", statement: `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}`, caller: ann,
			context: MapContext{"sts:externalid": {"x"}}, want: true, byAccount: true},
		{name: "no external id", statement: `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}`, caller: ann},
		{name: "a service", statement: `"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"`, caller: ann},
		{name: "the service", statement: `"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","ecs-tasks.amazonaws.com"]},"Action":"sts:AssumeRole"`, caller: tasks, want: true},
		{name: "another service", statement: `"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"`, caller: tasks},
		{name: "a user is no service", statement: `"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"`, caller: tasks},
		{name: "a service for an account", statement: `"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`,
			caller: tasks, context: MapContext{"aws:sourceaccount": {"123456789012"}}, want: true},
		{name: "a service for another account", statement: `"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`,
			caller: tasks, context: MapContext{"aws:sourceaccount": {"210987654321"}}},
		{name: "a service is denied with everybody", caller: tasks,
			statement: `"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"`},
		{name: "denied", statement: `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"sts:*"`, caller: ann},
		{name: "a token is denied with everybody", caller: token,
			statement: `"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/k8s"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"`},
		{name: "a token is denied with every principal of AWS, first", caller: token,
			statement: `"Effect":"Deny","Principal":{"AWS":"*"},"Action":"*"},{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/k8s"},"Action":"sts:AssumeRole"`},
		{name: "a token is denied by condition", caller: token, context: MapContext{"sts:externalid": {"x"}},
			statement: `"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/k8s"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}`},
		{name: "a denial whose condition does not hold", caller: token, want: true,
			statement: `"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/k8s"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}`},
		{name: "a session is denied with its role", caller: session,
			statement: `"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"sts:AssumeRole"`},
		{name: "denied with a service", caller: token, want: true,
			statement: `"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/k8s"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"Service":"ecs.amazonaws.com"},"Action":"*"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := testCatalog.Parse("trust", TrustPolicy, statements("{"+c.statement+"}"))
			if err != nil {
				t.Fatal(err)
			}
			got := p.EvaluateTrust(c.caller, &Request{Action: "sts:AssumeRole", Context: c.context})
			if got.Allowed != c.want || got.Allowed && got.ByAccount != c.byAccount {
				t.Errorf("allowed %v by account %v", got.Allowed, got.ByAccount)
			}
		})
	}
	for _, bad := range []string{
		`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},"Action":"sts:AssumeRole"`,
		`"Effect":"Allow","Principal":{"Aws":"*"},"Action":"sts:AssumeRole"`,
		`"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"`,
		`"Effect":"Allow","Principal":"ann","Action":"sts:AssumeRole"`,
		`"Effect":"Allow","Action":"sts:AssumeRole"`,
		`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"`,
		`"Effect":"Allow","NotPrincipal":"*","Action":"sts:AssumeRole"`,
	} {
		if _, err := testCatalog.Parse("trust", TrustPolicy, statements("{"+bad+"}")); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}
