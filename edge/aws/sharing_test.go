package aws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

const third = "333333333333"

// addUser adds a user of an account with one policy.
func (w *fixture) addUser(account, name, policy string) {
	w.Helper()
	s := people()
	s.Users = append(s.Users, identity.User{Account: account, Name: name, PolicyAttachments: identity.PolicyAttachments{Inline: []identity.Inline{{Name: "inline", Text: policy}}}})
	s.Keys = append(s.Keys, identity.AccessKey{ID: "KEY" + name, Account: account, User: name, Secret: name + "-secret"})
	d, problems := identity.Compile(testCatalog, nil, s)
	if len(problems) > 0 {
		w.Fatal(problems[0])
	}
	w.directory.Store(d)
}

// setRules changes the rules of edge and replica.
func (w *fixture) setRules(change func(*state.Rules)) {
	rules := *w.rules.Load()
	change(&rules)
	w.rules.Store(&rules)
	w.decides.Store(&rules)
}

// TestUpdateInSharedNamespace: "… contains instances that were registered by
// accounts other than the account making the UpdateService call" (API reference
// of UpdateService).
func TestUpdateInSharedNamespace(t *testing.T) {
	w := &fixture{guarded: startGuarded(t)}
	w.must("admin", "CreatePrivateDnsNamespace", `{"Name":"shared","Vpc":"vpc-1"}`)
	list := w.must("admin", "ListNamespaces", `{}`)
	w.ns, w.nsARN = dig(list, "Namespaces", "Id"), dig(list, "Namespaces", "Arn")
	w.share(stranger)
	const dns = `"DnsConfig":{"DnsRecords":[{"Type":"A","TTL":60}]}`
	own := dig(w.must("admin", "CreateService", `{"Name":"own","NamespaceId":"`+w.ns+`",`+dns+`}`), "Service", "Arn")
	theirs := dig(w.must("stranger", "CreateService", `{"Name":"theirs","NamespaceId":"`+w.nsARN+`",`+dns+`}`), "Service", "Arn")
	register := func(user, svc, id string) {
		w.must(user, "RegisterInstance", `{"ServiceId":"`+svc+`","InstanceId":"`+id+`","Attributes":{"AWS_INSTANCE_IPV4":"10.0.0.1"}}`)
	}
	update := func(user, svc, code string) {
		t.Helper()
		body := `{"Id":"` + svc + `","Service":{` + dns + `}}`
		if code == "" {
			w.must(user, "UpdateService", body)
		} else {
			w.fails(user, "UpdateService", body, code)
		}
	}
	update("admin", own, "")
	update("stranger", theirs, "")
	update("admin", theirs, "")
	update("stranger", own, "AccessDeniedException")
	register("admin", own, "a")
	register("stranger", theirs, "b")
	update("admin", own, "")
	update("stranger", theirs, "")
	update("admin", theirs, "InvalidInput")
	register("stranger", own, "c")
	update("admin", own, "InvalidInput")
	register("admin", theirs, "d")
	update("stranger", theirs, "InvalidInput")
	w.share() // not shared any more
	update("admin", own, "")
}

// TestQuotasOfSharedNamespaces: instances count against the quota of the
// namespace's owner, and that of the service's creator.
func TestQuotasOfSharedNamespaces(t *testing.T) {
	w := newFixture(t, "shared")
	w.share(stranger)
	w.setRules(func(r *state.Rules) {
		r.Quotas.Accounts = map[command.AccountID]command.Limits{
			owner:    {"instances_per_service": 3, "instances_per_namespace": 4, "services_per_namespace": 2, "namespaces_per_account": 2},
			stranger: {"instances_per_service": 2, "instances_per_namespace": 1, "services_per_namespace": 1, "namespaces_per_account": 1},
		}
	})
	svc := dig(w.must("stranger", "CreateService", `{"Name":"mine","NamespaceId":"`+w.nsARN+`"}`), "Service", "Arn")
	w.fails("stranger", "CreateService", `{"Name":"more","NamespaceId":"`+w.nsARN+`"}`, "ResourceLimitExceeded")
	w.must("stranger", "CreateHttpNamespace", `{"Name":"own"}`) // what is shared with it does not count
	w.fails("admin", "CreateHttpNamespace", `{"Name":"third"}`, "ResourceLimitExceeded")
	register := func(user, svc, id, code string) {
		t.Helper()
		body := `{"ServiceId":"` + svc + `","InstanceId":"` + id + `","Attributes":{}}`
		if code == "" {
			w.must(user, "RegisterInstance", body)
		} else {
			w.fails(user, "RegisterInstance", body, code)
		}
	}
	// One is there already, of the owner in a service of its own.
	register("stranger", svc, "1", "")
	register("admin", svc, "2", "")
	register("admin", svc, "3", "ResourceLimitExceeded") // the creator's two in a service
	register("stranger", w.svcARN, "4", "")
	register("stranger", w.svcARN, "5", "ResourceLimitExceeded") // the owner's four in a namespace
}

// TestThreeAccounts: consumers of one namespace see what others do in it, keep
// their hands off, and choose their request ids and operations by themselves.
func TestThreeAccounts(t *testing.T) {
	w := newFixture(t, "shared")
	w.addUser(third, "third", everything)
	w.share(stranger, third)
	mine := w.must("stranger", "CreateService", `{"Name":"a","NamespaceId":"`+w.nsARN+`","CreatorRequestId":"r"}`)
	arn := dig(mine, "Service", "Arn")
	w.must("third", "CreateService", `{"Name":"b","NamespaceId":"`+w.nsARN+`","CreatorRequestId":"r"}`)
	again := w.must("stranger", "CreateService", `{"Name":"a","NamespaceId":"`+w.nsARN+`","CreatorRequestId":"r"}`)
	if dig(again, "Service", "Arn") != arn {
		t.Errorf("the repeated request gives %v", again)
	}
	w.fails("stranger", "CreateService", `{"Name":"c","NamespaceId":"`+w.nsARN+`","CreatorRequestId":"r"}`, "ServiceAlreadyExists")
	svc := `{"ServiceId":"` + arn + `","InstanceId":"i"`
	op := dig(w.must("stranger", "RegisterInstance", svc+`,"Attributes":{}}`), "", "OperationId")
	for operation, body := range map[string]string{
		"DeleteService": `{"Id":"` + arn + `"}`, "UpdateServiceAttributes": `{"ServiceId":"` + arn + `","Attributes":{"a":"b"}}`,
		"DeregisterInstance": svc + `}`, "RegisterInstance": svc + `,"Attributes":{}}`,
	} {
		w.fails("third", operation, body, "AccessDeniedException")
	}
	if got := w.must("third", "GetInstance", svc+`}`); dig(got, "Instance", "CreatedByAccount") != stranger {
		t.Errorf("%v", got)
	}
	for _, user := range []string{"admin", "third"} {
		w.fails(user, "GetOperation", `{"OperationId":"`+op+`","OwnerAccount":"`+owner+`"}`, "OperationNotFound")
		list := w.must(user, "ListOperations", `{}`)
		if strings.Contains(fmt.Sprint(list), op) {
			t.Errorf("%s lists the operation of another", user)
		}
	}
	if list := w.must("stranger", "ListOperations", `{}`); !strings.Contains(fmt.Sprint(list), op) {
		t.Errorf("%v", list)
	}
	// One is cut off and the other is not. Nothing tells the first what goes on.
	w.share(third)
	w.must("third", "GetService", `{"Id":"`+arn+`"}`)
	w.fails("stranger", "GetOperation", `{"OperationId":"`+op+`","OwnerAccount":"`+owner+`"}`, "OperationNotFound")
	if list := w.must("stranger", "ListOperations", `{}`); strings.Contains(fmt.Sprint(list), op) {
		t.Errorf("listed after the sharing ended: %v", list)
	}
	w.must("admin", "DeregisterInstance", svc+`}`)
	w.must("admin", "DeleteService", `{"Id":"`+arn+`"}`)
}

// TestPoliciesOfConsumers: policies of consumers name the owner's ARNs.
func TestPoliciesOfConsumers(t *testing.T) {
	w := newFixture(t, "shared")
	w.share(stranger)
	allow := func(resource string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"servicediscovery:*","Resource":"` + resource + `"}}`
	}
	arns := "arn:aws:servicediscovery:eu-west-1:"
	for policy, code := range map[string]string{
		allow(w.nsARN): "", allow(arns + owner + ":*"): "", allow(arns + stranger + ":*"): "AccessDeniedException",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
			{"Effect":"Deny","Action":"servicediscovery:CreateService","Resource":"` + arns + owner + `:service/*"}]}`: "AccessDeniedException",
	} {
		w.addUser(stranger, "limited", policy)
		body := fmt.Sprintf(`{"Name":"s%d","NamespaceId":"%s"}`, time.Now().UnixNano(), w.nsARN)
		if code == "" {
			w.must("limited", "CreateService", body)
		} else {
			w.fails("limited", "CreateService", body, code)
		}
	}
}

// TestEveryOperationKeepsAccountsApart asks every operation, for every member
// that can name something, about the owner's things, and then about things that
// never were; but for the names the answers are the same.
func TestEveryOperationKeepsAccountsApart(t *testing.T) {
	w := newFixture(t, "shop")
	// A page token is the owner's own and no name: TestIsolation has it.
	never := strings.NewReplacer(w.ns, "ns-aaaaaaaaaaaaaaaa", w.svc, "srv-aaaaaaaaaaaaaaaa", w.operation, strings.Repeat("a", 32)+"-"+w.operation[33:],
		"shop", "none", "i-1", "i-0", w.request, "request-of-nobody")
	bodies := strangersBodies(w)
	var operations []string
	for operation, all := range bodies {
		operations = append(operations, operation)
		for _, body := range all {
			if strings.Contains(body, "NextToken") {
				continue
			}
			status, answer := w.signed("stranger", operation, body, time.Now())
			wantStatus, want := w.signed("stranger", operation, never.Replace(body), time.Now())
			if got := never.Replace(answer); status != wantStatus || got != never.Replace(want) {
				t.Errorf("%s %s\n got %d %s\nwant %d %s", operation, body, status, got, wantStatus, want)
			}
		}
	}
	// What would be taken is free: the names and request ids of the owner.
	for operation, body := range map[string]string{
		"CreateHttpNamespace":       `{"Name":"shop","CreatorRequestId":"` + w.request + `"}`,
		"CreatePrivateDnsNamespace": `{"Name":"shop","Vpc":"vpc-1"}`, "CreatePublicDnsNamespace": `{"Name":"shop.example"}`,
	} {
		operations = append(operations, operation)
		w.must("stranger", operation, body)
	}
	if slices.Sort(operations); len(operations) != len(cloudMapOperations(t)) {
		t.Errorf("%d operations: %v", len(operations), operations)
	}
}

// cloudMapOperations returns the operations of Cloud Map.
func cloudMapOperations(t *testing.T) []*service.Operation {
	t.Helper()
	api, err := cloudmap.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return api.All()
}
