package aws_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/access"
)

// TestManagedPolicies: each AWS managed policy names only actions and condition keys
// that the APIs have.
func TestManagedPolicies(t *testing.T) {
	for _, name := range access.ManagedNames() {
		if _, ok := testCatalog.Managed(name); !ok {
			t.Errorf("%s cannot be parsed", name)
		}
	}
}

// TestCatalogOfServices: each operation is an action with an access level, and so
// are the actions that are no operations.
func TestCatalogOfServices(t *testing.T) {
	for _, op := range cloudMapOperations(t) {
		a, ok := testCatalog.Action("servicediscovery:" + op.Name)
		if !ok || a.Level != op.Access || len(a.Keys) != len(op.Keys) {
			t.Errorf("%s: %+v", op.Name, a)
		}
	}
	for _, name := range []string{"servicediscovery:PutResourcePolicy", "sts:TagSession", "sts:SetSourceIdentity", "sts:AssumeRole", "iam:PassRole", "ecs:Poll"} {
		if _, ok := testCatalog.Action(name); !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for key, want := range map[string]bool{
		"servicediscovery:ServiceName": true, "servicediscovery:Name": false, "sts:ExternalId": true, "sts:ExternalID": true,
		"sts:External": false, "sts:RequestContext/x": true, "aws:RequestTag/x": true, "s3:anything": true, "ecs:ResourceTag/x": true, "ecs:other": false,
		"iam:PassedToService": true, "iam:PermissionsBoundary": true, "ecs:CreateAction": true, "ecs:createaction": true,
	} {
		if err := testCatalog.CheckKey(key); (err == nil) != want || err != nil && !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
