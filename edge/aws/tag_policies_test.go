package aws_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/identity"
)

// byTags lets a user work with what has the tag of its team.
const byTags = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["servicediscovery:RegisterInstance","servicediscovery:CreateService",
	"servicediscovery:UpdateService"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}}`

// ownTags is the policy own.json of docs/identity.md.
func ownTags(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "This is `own.json`:\n\n```json\n")
	policy, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/identity.md does not show own.json")
	}
	return policy
}

// startTeams starts a server where user a has the tag team=a, and these policies.
func startTeams(t *testing.T, policies ...string) *fixture {
	t.Helper()
	w := &fixture{guarded: startGuarded(t)}
	s := people()
	user := identity.User{Account: owner, Name: "a", Tags: map[string]string{"team": "a"}}
	for i, text := range policies {
		user.Inline = append(user.Inline, identity.Inline{Name: "p" + string(rune('0'+i)), Text: text})
	}
	s.Users = append(s.Users, user)
	s.Keys = append(s.Keys, identity.AccessKey{ID: "KEYa", Account: owner, User: "a", Secret: "a-secret"})
	d, problems := identity.Compile(testCatalog, nil, s)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	w.directory.Store(d)
	return w
}

// service makes a namespace and a service as the admin, with tags in JSON.
func (w *fixture) service(name, tags string) (namespaceARN, svc, svcARN string) {
	w.Helper()
	w.must("admin", "CreateHttpNamespace", `{"Name":"`+name+`","Tags":`+tags+`}`)
	list := w.must("admin", "ListNamespaces", `{"Filters":[{"Name":"NAME","Values":["`+name+`"]}]}`)
	created := w.must("admin", "CreateService", `{"Name":"s","NamespaceId":"`+dig(list, "Namespaces", "Id")+`","Tags":`+tags+`}`)
	return dig(list, "Namespaces", "Arn"), dig(created, "Service", "Id"), dig(created, "Service", "Arn")
}

const denied = "AccessDeniedException"

// A user that may tag by the policy of docs/identity.md cannot get what belongs to others,
// or to nobody, into its reach.
func TestTagGrantHasNoReach(t *testing.T) {
	w := startTeams(t, byTags, ownTags(t))
	team := func(values string) string { return `[{"Key":"team","Value":"` + values + `"}]` }
	w.must("a", "CreateHttpNamespace", `{"Name":"new","Tags":`+team("a")+`}`)
	w.must("a", "CreateHttpNamespace", `{"Name":"more","Tags":[{"Key":"team","Value":"a"},{"Key":"x","Value":"y"}]}`)
	w.fails("a", "CreateHttpNamespace", `{"Name":"n","Tags":`+team("b")+`}`, denied)
	w.fails("a", "CreateHttpNamespace", `{"Name":"n","Tags":[{"Key":"x","Value":"y"}]}`, denied)
	w.fails("a", "CreateHttpNamespace", `{"Name":"n"}`, denied)
	// Condition keys ignore case: the values of both tags have to match.
	w.fails("a", "CreateHttpNamespace", `{"Name":"n","Tags":[{"Key":"team","Value":"a"},{"Key":"Team","Value":"b"}]}`, denied)

	_, own, ownARN := w.service("own", team("a"))
	w.must("a", "RegisterInstance", `{"ServiceId":"`+own+`","InstanceId":"i","Attributes":{"k":"v"}}`)
	w.must("a", "TagResource", `{"ResourceARN":"`+ownARN+`","Tags":[{"Key":"x","Value":"y"}]}`)
	w.must("a", "TagResource", `{"ResourceARN":"`+ownARN+`","Tags":`+team("a")+`}`)
	w.fails("a", "TagResource", `{"ResourceARN":"`+ownARN+`","Tags":`+team("b")+`}`, denied)
	w.fails("a", "UntagResource", `{"ResourceARN":"`+ownARN+`","TagKeys":["team"]}`, denied)

	for name, tags := range map[string]string{
		"other": team("b"), "untagged": `[]`, "case": `[{"Key":"Team","Value":"b"}]`, "both": `[{"Key":"team","Value":"a"},{"Key":"TEAM","Value":"b"}]`,
	} {
		namespaceARN, svc, svcARN := w.service(name, tags)
		for _, arn := range []string{namespaceARN, svcARN} {
			for _, give := range []string{team("a"), `[{"Key":"TEAM","Value":"a"}]`, `[{"Key":"x","Value":"y"}]`, `[]`} {
				w.fails("a", "TagResource", `{"ResourceARN":"`+arn+`","Tags":`+give+`}`, denied)
			}
			w.fails("a", "UntagResource", `{"ResourceARN":"`+arn+`","TagKeys":["Team"]}`, denied)
		}
		w.fails("a", "RegisterInstance", `{"ServiceId":"`+svc+`","InstanceId":"i","Attributes":{"k":"v"}}`, denied)
		w.fails("a", "CreateService", `{"Name":"t","NamespaceId":"`+namespaceARN+`","Tags":`+team("a")+`}`, denied)
	}
}

// What docs/identity.md warns of: with a condition on aws:RequestTag only, a user gets into
// its reach what it may tag, as on AWS.
func TestTagGrantByRequestOnly(t *testing.T) {
	w := startTeams(t, byTags, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"servicediscovery:TagResource","Resource":"*",
		"Condition":{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}}}`)
	_, svc, svcARN := w.service("other", `[{"Key":"team","Value":"b"}]`)
	register := `{"ServiceId":"` + svc + `","InstanceId":"i","Attributes":{"k":"v"}}`
	w.fails("a", "RegisterInstance", register, denied)
	w.must("a", "TagResource", `{"ResourceARN":"`+svcARN+`","Tags":[{"Key":"team","Value":"a"}]}`)
	w.must("a", "RegisterInstance", register)
}
