package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model evaluates the JSON itself, word by word as the user guide puts it,
// with regular expressions and no compilation. It shares no code with the
// package. Where the package is cautious on purpose, so is the model.

type modelPolicy struct {
	Version   string
	Statement []modelStatement
}

type modelStatement struct {
	Effect            string
	Action, NotAction []string
	Resource, NotRes  []string
	Condition         map[string]map[string][]string
}

type modelRequest struct {
	action, resource string
	keys             map[string][]string // lower case
}

// expand turns a pattern into a regular expression; ok is false if a variable
// has no value.
func (r *modelRequest) expand(text string, wild, vars bool) (expr string, ok bool) {
	ok = true
	part := regexp.MustCompile(`\$\{[^}]*\}|\*|\?|[^*?$]+|\$`)
	for _, p := range part.FindAllString(text, -1) {
		switch {
		case vars && strings.HasPrefix(p, "${") && len(p) == 4 && strings.Contains("*?$", p[2:3]):
			expr += regexp.QuoteMeta(p[2:3])
		case vars && strings.HasPrefix(p, "${"):
			key, fallback, has := strings.Cut(p[2:len(p)-1], ", ")
			switch values := r.keys[strings.ToLower(key)]; {
			case len(values) == 1:
				expr += regexp.QuoteMeta(values[0])
			case len(values) == 0 && has:
				expr += regexp.QuoteMeta(strings.Trim(fallback, "'"))
			default:
				ok = false
			}
		case strings.HasPrefix(p, "${"):
			for _, c := range p {
				sub, _ := r.expand(string(c), wild, false)
				expr += sub
			}
		case wild && p == "*":
			expr += "(?s:.*)"
		case wild && p == "?":
			expr += "(?s:.)"
		default:
			expr += regexp.QuoteMeta(p)
		}
	}
	return expr, ok
}

func (r *modelRequest) like(text, value string, wild, vars, fold bool) (match, ok bool) {
	expr, ok := r.expand(text, wild, vars)
	if !ok {
		return false, false
	}
	if fold {
		expr = "(?i)" + expr
	}
	return regexp.MustCompile("^(?:" + expr + ")$").MatchString(value), true
}

func (r *modelRequest) value(op, text, value string, vars bool) (match, ok bool) {
	base := strings.Replace(strings.Replace(op, "NotEquals", "Equals", 1), "NotLike", "Like", 1)
	switch base {
	case "StringEquals":
		return r.like(text, value, false, vars, false)
	case "StringEqualsIgnoreCase":
		return r.like(text, value, false, vars, true)
	case "StringLike":
		return r.like(text, value, true, vars, false)
	case "Bool":
		return strings.EqualFold(text, value), true
	case "IpAddress", "NotIpAddress":
		a, err := netip.ParseAddr(value)
		return err == nil && netip.MustParsePrefix(text).Contains(a), true
	}
	if kind, ok := strings.CutPrefix(base, "Numeric"); ok {
		a, err := strconv.ParseFloat(value, 64)
		b, _ := strconv.ParseFloat(text, 64)
		return err == nil && map[string]bool{"Equals": a == b, "LessThan": a < b, "LessThanEquals": a <= b, "GreaterThan": a > b, "GreaterThanEquals": a >= b}[kind], true
	}
	kind := strings.TrimPrefix(base, "Date")
	a, err := time.Parse(time.RFC3339, value)
	if seconds, errInt := strconv.ParseInt(value, 10, 64); errInt == nil {
		a, err = time.Unix(seconds, 0), nil
	}
	b, _ := time.Parse(time.RFC3339, text)
	return err == nil && map[string]bool{"Equals": a.Equal(b), "LessThan": a.Before(b), "LessThanEquals": !a.After(b), "GreaterThan": a.After(b), "GreaterThanEquals": !a.Before(b)}[kind], true
}

func (r *modelRequest) holds(op, key string, texts []string, allow, vars bool) bool {
	values := r.keys[strings.ToLower(key)]
	if op == "Null" {
		for _, t := range texts {
			if (t == "true") == (len(values) == 0) {
				return true
			}
		}
		return false
	}
	qualifier, name, qualified := strings.Cut(op, ":")
	if !qualified {
		qualifier, name = "", op
	}
	name, ifExists := strings.CutSuffix(name, "IfExists")
	negated := strings.Contains(name, "Not")
	unresolved := false
	test := func(v string) bool {
		any := false
		for _, t := range texts {
			match, ok := r.value(name, t, v, vars)
			any = any || match
			unresolved = unresolved || !ok
		}
		if negated && unresolved && allow {
			return false
		}
		return any != negated
	}
	if len(values) == 0 {
		if ifExists || qualifier == "ForAllValues" {
			return true
		}
		test("") // for unresolved
		return qualifier == "" && negated && !(allow && unresolved)
	}
	met := 0
	for _, v := range values {
		if test(v) {
			met++
		}
	}
	if qualifier == "ForAllValues" || qualifier == "" && allow {
		return met == len(values)
	}
	return met > 0
}

func (r *modelRequest) any(patterns []string, value string, vars, fold bool) (match, unresolved bool) {
	for _, p := range patterns {
		m, ok := r.like(p, value, true, vars, fold)
		match, unresolved = match || m, unresolved || !ok
	}
	return match, unresolved
}

func (r *modelRequest) applies(s modelStatement, vars bool) bool {
	allow := s.Effect == "Allow"
	if m, _ := r.any(append(s.Action, s.NotAction...), r.action, false, true); m == (len(s.NotAction) > 0) {
		return false
	}
	m, unresolved := r.any(append(s.Resource, s.NotRes...), r.resource, vars, false)
	if m == (len(s.NotRes) > 0) || len(s.NotRes) > 0 && unresolved && allow {
		return false
	}
	for op, keys := range s.Condition {
		for key, texts := range keys {
			if !r.holds(op, key, texts, allow, vars) {
				return false
			}
		}
	}
	return true
}

// decide returns "allow", "deny" or "".
func (p modelPolicy) decide(r *modelRequest) string {
	result := ""
	for _, s := range p.Statement {
		if !r.applies(s, p.Version == version2012) {
			continue
		}
		if s.Effect == "Deny" {
			return "deny"
		}
		result = "allow"
	}
	return result
}

func (s modelStatement) MarshalJSON() ([]byte, error) {
	m := map[string]any{"Effect": s.Effect}
	for name, v := range map[string][]string{"Action": s.Action, "NotAction": s.NotAction, "Resource": s.Resource, "NotResource": s.NotRes} {
		if len(v) == 1 {
			m[name] = v[0]
		} else if len(v) > 1 {
			m[name] = v
		}
	}
	if len(s.Condition) > 0 {
		m["Condition"] = s.Condition
	}
	return json.Marshal(m)
}

var (
	someActions = []string{"*", "servicediscovery:*", "servicediscovery:Get*", "servicediscovery:GetNamespace", "SERVICEDISCOVERY:getname????e",
		"servicediscovery:List*", "servicediscovery:ListNamespaces", "sts:*", "s3:Get*"}
	someResources = []string{"*", "arn:aws:servicediscovery:*:*:namespace/*", "arn:aws:servicediscovery:r:1:namespace/ns-a", "arn:aws:servicediscovery:r:1:namespace/ns-?",
		"arn:aws:servicediscovery:r:1:namespace/${aws:username}", "arn:aws:servicediscovery:r:1:namespace/ns-${aws:userid, 'b'}*", "arn:aws:servicediscovery:r:1:service/*"}
	someTexts = map[string][]string{
		"String":  {"a", "A", "b*", "?", "*", "${aws:userid}", "${aws:userid, 'a'}", "${*}", "x${$}"},
		"Numeric": {"1", "2", "2.5", "-3", "1e2"},
		"Date":    {"2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-01-01T01:00:00+01:00"},
		"Bool":    {"true", "false"},
		"Ip":      {"10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "2001:db8::/32"},
	}
	someOperators = map[string][]string{
		"String":  {"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		"Numeric": {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		"Date":    {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		"Bool":    {"Bool"},
		"Ip":      {"IpAddress", "NotIpAddress"},
	}
	someKeys   = []string{"aws:username", "aws:UserId", "aws:TagKeys", "x:y"}
	someValues = []string{"a", "A", "b", "bc", "*", "x$", "1", "2", "100", "true", "False", "10.1.2.3", "2001:db8::1", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", ""}
)

func drawStatement(t *rapid.T) modelStatement {
	s := modelStatement{Effect: rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")}
	list := func(from []string, label string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, label)
	}
	if rapid.IntRange(0, 3).Draw(t, "not action") == 0 {
		s.NotAction = list(someActions, "actions")
	} else {
		s.Action = list(someActions, "actions")
	}
	if rapid.IntRange(0, 3).Draw(t, "not resource") == 0 {
		s.NotRes = list(someResources, "resources")
	} else {
		s.Resource = list(someResources, "resources")
	}
	s.Condition = map[string]map[string][]string{}
	for range rapid.IntRange(0, 2).Draw(t, "conditions") {
		if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
			s.Condition["Null"] = map[string][]string{rapid.SampledFrom(someKeys).Draw(t, "key"): list(someTexts["Bool"], "texts")}
			continue
		}
		family := rapid.SampledFrom([]string{"String", "String", "Numeric", "Date", "Bool", "Ip"}).Draw(t, "family")
		op := rapid.SampledFrom([]string{"", "", "ForAllValues:", "ForAnyValue:"}).Draw(t, "qualifier") +
			rapid.SampledFrom(someOperators[family]).Draw(t, "operator") + rapid.SampledFrom([]string{"", "IfExists"}).Draw(t, "suffix")
		s.Condition[op] = map[string][]string{rapid.SampledFrom(someKeys).Draw(t, "key"): list(someTexts[family], "texts")}
	}
	return s
}

func drawPolicy(t *rapid.T) modelPolicy {
	return modelPolicy{
		Version:   rapid.SampledFrom([]string{version2012, version2012, version2008}).Draw(t, "version"),
		Statement: rapid.SliceOfN(rapid.Custom(drawStatement), 1, 4).Draw(t, "statements"),
	}
}

func drawRequest(t *rapid.T) *modelRequest {
	r := &modelRequest{
		action:   rapid.SampledFrom([]string{"servicediscovery:GetNamespace", "servicediscovery:ListNamespaces", "sts:AssumeRole", "s3:GetObject"}).Draw(t, "action"),
		resource: rapid.SampledFrom([]string{"arn:aws:servicediscovery:r:1:namespace/ns-a", "arn:aws:servicediscovery:r:1:namespace/ns-b", "arn:aws:servicediscovery:r:1:service/s", "*"}).Draw(t, "resource"),
		keys:     map[string][]string{},
	}
	for _, key := range someKeys {
		if values := rapid.SliceOfN(rapid.SampledFrom(someValues), 0, 3).Draw(t, key); len(values) > 0 {
			r.keys[strings.ToLower(key)] = values
		}
	}
	return r
}

// TestAgainstModel compares random policies on random requests.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var layers [3]modelPolicy
		var sets [3]*Set
		n := rapid.IntRange(1, 3).Draw(t, "layers")
		for i := range n {
			layers[i] = drawPolicy(t)
			text, err := json.Marshal(map[string]any{"Version": layers[i].Version, "Statement": layers[i].Statement})
			if err != nil {
				t.Fatal(err)
			}
			p, err := testCatalog.Parse(fmt.Sprint(i), IdentityPolicy, string(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			sets[i] = testCatalog.NewSet(p)
		}
		s := Subject{Identity: sets[0], Boundary: sets[1], Session: sets[2]}
		for range 4 {
			r := drawRequest(t)
			d := s.Evaluate(&Request{Action: r.action, Resources: []Resource{{ARN: r.resource}}, Context: MapContext(r.keys)})
			want, deny := true, false
			for i := range n {
				result := layers[i].decide(r)
				want, deny = want && result == "allow", deny || result == "deny"
			}
			if want = want && !deny; d.Allowed != want || (d.Why == ExplicitDeny) != deny {
				t.Fatalf("allowed %v (%v), the model says %v, deny %v\nrequest %+v\npolicies %+v", d.Allowed, d.Why, want, deny, r, layers[:n])
			}
		}
	})
}

// FuzzParse: no text may panic, and what is accepted can be evaluated.
func FuzzParse(f *testing.F) {
	f.Add(statements(`{"Sid":"A1","Effect":"Allow","Action":["servicediscovery:Get*"],"NotResource":"arn:aws:servicediscovery:*:*:namespace/${aws:username, 'x'}","Condition":{"ForAllValues:StringNotLikeIfExists":{"aws:TagKeys":["a*","b"]},"Null":{"aws:userid":true}}}`))
	f.Add(statements(`{"Effect":"Deny","NotAction":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-01"},"IpAddress":{"aws:SourceIp":"::/0"},"NumericEquals":{"a:b":1e9},"ArnLike":{"aws:PrincipalArn":"arn:*:*:*:*:*"}}}`))
	f.Add(`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []Kind{IdentityPolicy, TrustPolicy} {
			p, err := testCatalog.Parse("p", kind, text)
			if err != nil {
				if _, ok := err.(*SyntaxError); !ok {
					t.Fatalf("untyped error %v", err)
				}
				continue
			}
			r := &Request{Action: "servicediscovery:GetNamespace", Resources: []Resource{{ARN: nsARN}}, Context: MapContext{"aws:username": {text}}}
			s := Subject{Identity: testCatalog.NewSet(p)}
			s.Evaluate(r)
			p.EvaluateTrust(Caller{Account: testAccount}, r)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	p, _ := testCatalog.Managed("AWSCloudMapRegisterInstanceAccess")
	q := mustParse(b, "q", statements(`{"Effect":"Deny","Action":"servicediscovery:Delete*","Resource":"*"}`))
	s := Subject{Identity: testCatalog.NewSet(p, q)}
	r := &Request{Action: "servicediscovery:DiscoverInstances", Resources: []Resource{{ARN: nsARN}, {ARN: svcARN}}}
	b.ReportAllocs()
	for b.Loop() {
		if d := s.Evaluate(r); !d.Allowed {
			b.Fatal("denied")
		}
	}
}

func BenchmarkEvaluateConditions(b *testing.B) {
	p := mustParse(b, "p", statements(`{"Effect":"Allow","Action":"servicediscovery:Discover*","Resource":"arn:aws:servicediscovery:*:123456789012:*",
		"Condition":{"StringEquals":{"servicediscovery:NamespaceName":"a"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`))
	s := Subject{Identity: testCatalog.NewSet(p)}
	r := &Request{Action: "servicediscovery:DiscoverInstances", Resources: []Resource{{ARN: nsARN}, {ARN: svcARN}},
		Context: MapContext{"servicediscovery:namespacename": {"a"}, "aws:sourceip": {"10.1.2.3"}}}
	b.ReportAllocs()
	for b.Loop() {
		if d := s.Evaluate(r); !d.Allowed {
			b.Fatal("denied")
		}
	}
}
