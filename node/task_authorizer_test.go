package node

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws"
)

// TestAuthorizeTask: the policies of the role of a task decide where it may register, with
// all that a policy can ask about.
func TestAuthorizeTask(t *testing.T) {
	const account, service = "111111111111", "arn:aws:servicediscovery:eu-west-1:111111111111:service/srv-1"
	roles := map[string]string{
		"any":       `{"Effect":"Allow","Action":"servicediscovery:*","Resource":"*"}`,
		"one":       `{"Effect":"Allow","Action":"servicediscovery:RegisterInstance","Resource":"` + service + `"}`,
		"other":     `{"Effect":"Allow","Action":"servicediscovery:RegisterInstance","Resource":"` + service + `2"}`,
		"key":       `{"Effect":"Allow","Action":"servicediscovery:RegisterInstance","Resource":"*","Condition":{"StringEquals":{"servicediscovery:ServiceArn":"` + service + `"}}}`,
		"tag":       `{"Effect":"Allow","Action":"servicediscovery:RegisterInstance","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"red"}}}`,
		"otherTag":  `{"Effect":"Allow","Action":"servicediscovery:RegisterInstance","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}`,
		"principal": `{"Effect":"Allow","Action":"servicediscovery:RegisterInstance","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"red"}}}`,
		"denied":    `[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"servicediscovery:RegisterInstance","Resource":"*"}]`,
	}
	source := new(identity.Source)
	for name, statement := range roles {
		source.Roles = append(source.Roles, identity.Role{
			Account: account, Name: name, Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}`,
			Tags:              map[string]string{"team": "red"},
			PolicyAttachments: identity.PolicyAttachments{Inline: []identity.Inline{{Name: "p", Text: `{"Version":"2012-10-17","Statement":` + statement + `}`}}},
		})
	}
	catalog, err := aws.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	directory, problems := identity.Compile(catalog, nil, source)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	tags := map[string]string{"team": "red"}
	for _, tt := range []struct{ role, want string }{
		{"any", ""},
		{"one", ""},
		{"other", "because no identity-based policy allows the servicediscovery:RegisterInstance action"},
		{"key", ""},
		{"tag", ""},
		{"otherTag", "because no identity-based policy allows the servicediscovery:RegisterInstance action"},
		{"principal", ""},
		{"denied", "with an explicit deny in an identity-based policy (policy p, statement without a Sid)"},
		{"missing", "because no identity-based policy allows the servicediscovery:RegisterInstance action"},
	} {
		err := authorizeTask(directory, &task.Authorization{
			Account: account, Role: identity.RoleARN(account, tt.role), Session: "0123", Action: "servicediscovery:RegisterInstance", Resource: service,
			Tags: tags, Keys: map[string][]string{"servicediscovery:ServiceArn": {service}},
		})
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.role, err)
			}
			continue
		}
		want := "User: arn:aws:sts::111111111111:assumed-role/" + tt.role + "/0123 is not authorized to perform: servicediscovery:RegisterInstance on resource: " + service + " " + tt.want
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", tt.role, err, want)
		}
	}
	// A role of another account has no power over services of this one.
	err = authorizeTask(directory, &task.Authorization{
		Account: "222222222222", Role: identity.RoleARN(account, "any"), Session: "0123", Action: "servicediscovery:RegisterInstance", Resource: service,
	})
	if err == nil || !strings.Contains(err.Error(), "is not authorized") {
		t.Errorf("role of another account: %v", err)
	}
}
