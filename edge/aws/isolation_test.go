package aws_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// fixture is what account owner has when the stranger comes.
type fixture struct {
	*guarded
	ns, nsARN, svc, svcARN, operation, pageToken, request string
}

func newFixture(t *testing.T, name string) *fixture {
	t.Helper()
	w := &fixture{guarded: startGuarded(t), request: "request-of-the-owner"}
	w.must("admin", "CreateHttpNamespace", `{"Name":"`+name+`","CreatorRequestId":"`+w.request+`"}`)
	w.must("admin", "CreateHttpNamespace", `{"Name":"another"}`)
	list := w.must("admin", "ListNamespaces", `{"Filters":[{"Name":"NAME","Values":["`+name+`"]}]}`)
	w.ns, w.nsARN = dig(list, "Namespaces", "Id"), dig(list, "Namespaces", "Arn")
	w.svc = dig(w.must("admin", "CreateService", `{"Name":"web","NamespaceId":"`+w.ns+`"}`), "Service", "Id")
	w.svcARN = strings.Replace(w.nsARN, "namespace/"+w.ns, "service/"+w.svc, 1)
	w.operation = dig(w.must("admin", "RegisterInstance", `{"ServiceId":"`+w.svc+`","InstanceId":"i-1","Attributes":{"secret":"plan"}}`), "", "OperationId")
	w.pageToken = dig(w.must("admin", "ListNamespaces", `{"MaxResults":1}`), "", "NextToken")
	return w
}

// must calls and expects success.
func (w *fixture) must(user, operation, body string) map[string]any {
	w.Helper()
	status, answer := w.signed(user, operation, body, time.Now())
	out := map[string]any{}
	if status != http.StatusOK {
		w.Fatalf("%s %s %s: %d %s", user, operation, body, status, answer)
	}
	if answer != "" {
		if err := json.Unmarshal([]byte(answer), &out); err != nil {
			w.Fatal(err)
		}
	}
	return out
}

// fails calls and expects an error.
func (w *fixture) fails(user, operation, body, code string) string {
	w.Helper()
	status, answer := w.signed(user, operation, body, time.Now())
	if status == http.StatusOK || !strings.Contains(answer, `"__type":"`+code+`"`) {
		w.Errorf("%s %s %s: %d %s, want %s", user, operation, body, status, answer, code)
	}
	return answer
}

// dig takes a member out of the answer, or out of the first element of a list.
func dig(m map[string]any, outer, inner string) string {
	switch v := m[outer].(type) {
	case []any:
		m = v[0].(map[string]any)
	case map[string]any:
		m = v
	}
	s, _ := m[inner].(string)
	return s
}

// TestIsolation: a second account tries everything it can on the first one's
// resources. Nothing comes through and nothing is told: every answer is what it
// would be if there were no first account.
func TestIsolation(t *testing.T) {
	w := newFixture(t, "shop")
	tries := isolationTries(w)
	w.stop()
	// The same questions where the owner has nothing; ids and all stay as given.
	empty := &fixture{guarded: startGuarded(t), ns: w.ns, nsARN: w.nsARN, svc: w.svc, svcARN: w.svcARN, operation: w.operation, pageToken: w.pageToken}
	for _, try := range tries {
		status, answer := empty.signed("stranger", try.operation, try.body, time.Now())
		if status != try.status || answer != try.answer {
			t.Errorf("%s %s:\nwith the owner's resources %d %s\nwithout                    %d %s", try.operation, try.body, try.status, try.answer, status, answer)
		}
		for _, secret := range []string{"plan", "i-1\"", "another", "request-of-the-owner", owner + `"`} {
			if strings.Contains(try.answer, secret) && !strings.Contains(try.body, strings.Trim(secret, `"`)) {
				t.Errorf("%s %s tells %q: %s", try.operation, try.body, secret, try.answer)
			}
		}
	}
	if len(tries) < 80 {
		t.Errorf("only %d tries", len(tries))
	}
}

type try struct {
	operation, body string
	status          int
	answer          string
}

func isolationTries(w *fixture) []try {
	var tries []try
	for operation, bodies := range strangersBodies(w) {
		for _, body := range bodies {
			status, answer := w.signed("stranger", operation, body, time.Now())
			tries = append(tries, try{operation, body, status, answer})
		}
	}
	// What the owner has is as it was.
	got := w.must("admin", "GetInstance", `{"ServiceId":"`+w.svc+`","InstanceId":"i-1"}`)
	if attrs, _ := json.Marshal(got["Instance"]); !strings.Contains(string(attrs), `"secret":"plan"`) {
		w.Errorf("the instance is now %s", attrs)
	}
	w.must("admin", "GetService", `{"Id":"`+w.svcARN+`"}`)
	return tries
}

func strangersBodies(w *fixture) map[string][]string {
	// Ids in every form: bare, ARN, and the ARN with the stranger's own account.
	namespaces := []string{w.ns, w.nsARN, strings.Replace(w.nsARN, owner, stranger, 1)}
	services := []string{w.svc, w.svcARN, strings.Replace(w.svcARN, owner, stranger, 1)}
	bodies := map[string][]string{
		"ListNamespaces": {`{}`, `{"NextToken":"` + w.pageToken + `","MaxResults":1}`, `{"Filters":[{"Name":"RESOURCE_OWNER","Values":["OTHER_ACCOUNTS"]}]}`,
			`{"Filters":[{"Name":"NAME","Values":["shop"]}]}`},
		"ListServices":   {`{}`, `{"Filters":[{"Name":"RESOURCE_OWNER","Values":["OTHER_ACCOUNTS"]}]}`},
		"ListOperations": {`{}`},
		"GetOperation":   {`{"OperationId":"` + w.operation + `"}`, `{"OperationId":"` + w.operation + `","OwnerAccount":"` + owner + `"}`},
	}
	add := func(operation string, refs []string, body string) {
		for _, ref := range refs {
			bodies[operation] = append(bodies[operation], strings.ReplaceAll(body, "REF", ref))
		}
	}
	for _, operation := range []string{"DeleteNamespace", "GetNamespace"} {
		add(operation, namespaces, `{"Id":"REF"}`)
	}
	for _, operation := range []string{"UpdateHttpNamespace", "UpdatePrivateDnsNamespace", "UpdatePublicDnsNamespace"} {
		add(operation, namespaces, `{"Id":"REF","Namespace":{"Description":"mine"}}`)
	}
	add("CreateService", namespaces, `{"Name":"mine","NamespaceId":"REF"}`)
	add("CreateService", namespaces, `{"Name":"web","NamespaceId":"REF","CreatorRequestId":"x"}`)
	add("ListServices", namespaces, `{"Filters":[{"Name":"NAMESPACE_ID","Values":["REF"]}]}`)
	add("ListOperations", namespaces, `{"Filters":[{"Name":"NAMESPACE_ID","Values":["REF"]}]}`)
	add("ListOperations", services, `{"Filters":[{"Name":"SERVICE_ID","Values":["REF"]}]}`)
	for _, operation := range []string{"GetService", "DeleteService"} {
		add(operation, services, `{"Id":"REF"}`)
	}
	add("UpdateService", services, `{"Id":"REF","Service":{"Description":"mine"}}`)
	for _, operation := range []string{"ListInstances", "GetInstancesHealthStatus", "GetServiceAttributes"} {
		add(operation, services, `{"ServiceId":"REF"}`)
	}
	add("UpdateServiceAttributes", services, `{"ServiceId":"REF","Attributes":{"a":"b"}}`)
	add("DeleteServiceAttributes", services, `{"ServiceId":"REF","Attributes":["a"]}`)
	for _, operation := range []string{"GetInstance", "DeregisterInstance"} {
		add(operation, services, `{"ServiceId":"REF","InstanceId":"i-1"}`)
	}
	add("RegisterInstance", services, `{"ServiceId":"REF","InstanceId":"i-1","Attributes":{"secret":"mine"}}`)
	add("UpdateInstanceCustomHealthStatus", services, `{"ServiceId":"REF","InstanceId":"i-1","Status":"UNHEALTHY"}`)
	for _, operation := range []string{"DiscoverInstances", "DiscoverInstancesRevision"} {
		add(operation, []string{owner, stranger}, `{"NamespaceName":"shop","ServiceName":"web","OwnerAccount":"REF"}`)
		add(operation, []string{""}, `{"NamespaceName":"shop","ServiceName":"web"}`)
	}
	arns := append(namespaces[1:], services[1:]...)
	add("TagResource", arns, `{"ResourceARN":"REF","Tags":[{"Key":"a","Value":"b"}]}`)
	add("UntagResource", arns, `{"ResourceARN":"REF","TagKeys":["a"]}`)
	add("ListTagsForResource", arns, `{"ResourceARN":"REF"}`)
	return bodies
}

// TestSharing is what an owner and a consumer may and may not do; see "Sharing
// AWS Cloud Map namespaces" in the developer guide.
func TestSharing(t *testing.T) {
	w := newFixture(t, "shared")
	w.share(stranger)
	ns := `"` + w.nsARN + `"`
	got := w.must("stranger", "GetNamespace", `{"Id":`+ns+`}`)
	if dig(got, "Namespace", "ResourceOwner") != owner {
		t.Errorf("namespace %v", got)
	}
	w.fails("stranger", "GetNamespace", `{"Id":"`+w.ns+`"}`, "NamespaceNotFound") // a bare id is one's own
	for operation, body := range map[string]string{
		"UpdateHttpNamespace": `{"Id":` + ns + `,"Namespace":{"Description":"d"}}`, "DeleteNamespace": `{"Id":` + ns + `}`,
		"UpdateService": `{"Id":"` + w.svcARN + `","Service":{"Description":"d"}}`, "DeleteService": `{"Id":"` + w.svcARN + `"}`,
		"UpdateServiceAttributes": `{"ServiceId":"` + w.svcARN + `","Attributes":{"a":"b"}}`,
		"DeleteServiceAttributes": `{"ServiceId":"` + w.svcARN + `","Attributes":["a"]}`,
		"RegisterInstance":        `{"ServiceId":"` + w.svcARN + `","InstanceId":"i-1","Attributes":{"secret":"mine"}}`,
		"DeregisterInstance":      `{"ServiceId":"` + w.svcARN + `","InstanceId":"i-1"}`,
		"CreateService":           `{"Name":"tagged","NamespaceId":` + ns + `,"Tags":[{"Key":"a","Value":"b"}]}`,
	} {
		w.fails("stranger", operation, body, "AccessDeniedException")
	}
	for _, arn := range []string{w.nsARN, w.svcARN} {
		w.fails("stranger", "TagResource", `{"ResourceARN":"`+arn+`","Tags":[{"Key":"a","Value":"b"}]}`, "ResourceNotFoundException")
		w.fails("stranger", "UntagResource", `{"ResourceARN":"`+arn+`","TagKeys":["a"]}`, "ResourceNotFoundException")
		w.fails("stranger", "ListTagsForResource", `{"ResourceARN":"`+arn+`"}`, "ResourceNotFoundException")
	}
	svcARN := w.consumerService()
	w.consumerInstance()
	w.discovery()
	w.lists(svcARN)
	// The owner may delete everything inside.
	w.must("admin", "DeregisterInstance", `{"ServiceId":"`+svcARN+`","InstanceId":"mine-1"}`)
	w.must("stranger", "RegisterInstance", `{"ServiceId":"`+svcARN+`","InstanceId":"mine-2","Attributes":{}}`)
	w.fails("admin", "DeleteNamespace", `{"Id":"`+w.ns+`"}`, "ResourceInUse")
	// Without the share the consumer is cut off from its own services too.
	w.share()
	for operation, body := range map[string]string{
		"GetService": `{"Id":"` + svcARN + `"}`, "RegisterInstance": `{"ServiceId":"` + svcARN + `","InstanceId":"mine-3","Attributes":{}}`,
		"ListInstances": `{"ServiceId":"` + svcARN + `"}`,
	} {
		w.fails("stranger", operation, body, "ServiceNotFound")
	}
	w.fails("stranger", "GetNamespace", `{"Id":`+ns+`}`, "NamespaceNotFound")
}

// share sets who the namespace is shared with, as a setting.
func (w *fixture) share(with ...command.AccountID) {
	rules := *w.rules.Load()
	rules.Registry.Shares = []registry.Share{{Owner: owner, Namespace: "shared", With: with}}
	w.rules.Store(&rules)
	w.decides.Store(&rules)
}

// consumerService has the consumer make a service with an instance.
func (w *fixture) consumerService() string {
	made := w.must("stranger", "CreateService", `{"Name":"mine","NamespaceId":"`+w.nsARN+`"}`)
	if dig(made, "Service", "CreatedByAccount") != stranger || dig(made, "Service", "ResourceOwner") != owner {
		w.Errorf("service %v", made)
	}
	arn := dig(made, "Service", "Arn")
	op := dig(w.must("stranger", "RegisterInstance", `{"ServiceId":"`+arn+`","InstanceId":"mine-1","Attributes":{}}`), "", "OperationId")
	w.fails("stranger", "GetOperation", `{"OperationId":"`+op+`"}`, "OperationNotFound")
	got := w.must("stranger", "GetOperation", `{"OperationId":"`+op+`","OwnerAccount":"`+owner+`"}`)
	if dig(got, "Operation", "OwnerAccount") != owner {
		w.Errorf("operation %v", got)
	}
	w.fails("admin", "GetOperation", `{"OperationId":"`+op+`"}`, "OperationNotFound")
	inst := w.must("admin", "GetInstance", `{"ServiceId":"`+arn+`","InstanceId":"mine-1"}`)
	if dig(inst, "Instance", "CreatedByAccount") != stranger || dig(inst, "", "ResourceOwner") != owner {
		w.Errorf("instance %v", inst)
	}
	w.fails("admin", "RegisterInstance", `{"ServiceId":"`+arn+`","InstanceId":"mine-1","Attributes":{}}`, "AccessDeniedException")
	return arn
}

// consumerInstance has the consumer come and go with an instance of its own in a
// service of the owner's.
func (w *fixture) consumerInstance() {
	svc := `"ServiceId":"` + w.svcARN + `","InstanceId":"guest"`
	w.fails("stranger", "RegisterInstance", `{"ServiceId":"`+w.svc+`","InstanceId":"guest","Attributes":{}}`, "ServiceNotFound")
	w.must("stranger", "RegisterInstance", `{`+svc+`,"Attributes":{}}`)
	w.must("stranger", "RegisterInstance", `{`+svc+`,"Attributes":{"a":"b"}}`)
	for _, user := range []string{"admin", "stranger"} {
		inst := w.must(user, "GetInstance", `{`+svc+`}`)
		if dig(inst, "Instance", "CreatedByAccount") != stranger || dig(inst, "", "ResourceOwner") != owner {
			w.Errorf("instance %v", inst)
		}
		list := w.must(user, "ListInstances", `{"ServiceId":"`+w.svcARN+`"}`)
		if dig(list, "Instances", "CreatedByAccount") != stranger || dig(list, "", "ResourceOwner") != owner {
			w.Errorf("instances %v", list)
		}
	}
	w.fails("admin", "RegisterInstance", `{`+svc+`,"Attributes":{}}`, "AccessDeniedException")
	w.must("stranger", "DeregisterInstance", `{`+svc+`}`)
	w.must("stranger", "RegisterInstance", `{`+svc+`,"Attributes":{}}`)
	w.must("admin", "DeregisterInstance", `{`+svc+`}`)
}

func (w *fixture) discovery() {
	w.fails("stranger", "DiscoverInstances", `{"NamespaceName":"shared","ServiceName":"web"}`, "NamespaceNotFound")
	found := w.must("stranger", "DiscoverInstances", `{"NamespaceName":"shared","ServiceName":"web","OwnerAccount":"`+owner+`"}`)
	if dig(found, "Instances", "InstanceId") != "i-1" {
		w.Errorf("found %v", found)
	}
	w.fails("stranger", "DiscoverInstances", `{"NamespaceName":"another","ServiceName":"web","OwnerAccount":"`+owner+`"}`, "NamespaceNotFound")
	w.must("stranger", "DiscoverInstancesRevision", `{"NamespaceName":"shared","ServiceName":"mine","OwnerAccount":"`+owner+`"}`)
}

func (w *fixture) lists(svcARN string) {
	w.must("stranger", "CreateHttpNamespace", `{"Name":"own"}`)
	for filter, want := range map[string]int{
		"": 2, `{"Name":"RESOURCE_OWNER","Values":["SELF"]}`: 1, `{"Name":"RESOURCE_OWNER","Values":["OTHER_ACCOUNTS"]}`: 1,
	} {
		if got := w.count("ListNamespaces", filter, "Namespaces"); got != want {
			w.Errorf("namespaces with %q: %d, want %d", filter, got, want)
		}
	}
	for filter, want := range map[string]int{
		"": 2, `{"Name":"RESOURCE_OWNER","Values":["SELF"]}`: 0, `{"Name":"NAMESPACE_ID","Values":["` + w.nsARN + `"]}`: 2,
		`{"Name":"NAMESPACE_ID","Values":["` + w.ns + `"]}`: 0,
	} {
		if got := w.count("ListServices", filter, "Services"); got != want {
			w.Errorf("services with %q: %d, want %d", filter, got, want)
		}
	}
	// One at a time gives the same as all at once.
	token, seen := "", 0
	for {
		page := w.must("stranger", "ListServices", `{"MaxResults":1,"NextToken":"`+token+`"}`)
		seen += len(page["Services"].([]any))
		if token, _ = page["NextToken"].(string); token == "" {
			break
		}
	}
	if seen != 2 {
		w.Errorf("%d services on pages of one", seen)
	}
}

func (w *fixture) count(operation, filter, list string) int {
	w.Helper()
	out := w.must("stranger", operation, `{"Filters":[`+filter+`]}`)
	return len(out[list].([]any))
}

// TestStoredShare shares by a command, not by a setting.
func TestStoredShare(t *testing.T) {
	w := newFixture(t, "shared")
	do := func(account command.AccountID, c *registry.ShareNamespace) error {
		_, err := w.replica.Propose(context.Background(), account, c)
		return err
	}
	if err := do(owner, &registry.ShareNamespace{Ref: w.ns, With: []command.AccountID{stranger}}); err != nil {
		t.Fatal(err)
	}
	w.must("stranger", "GetNamespace", `{"Id":"`+w.nsARN+`"}`)
	if got := w.count("ListNamespaces", "", "Namespaces"); got != 1 {
		t.Errorf("%d namespaces", got)
	}
	if err := do(stranger, &registry.ShareNamespace{Ref: w.nsARN, With: []command.AccountID{"333333333333"}}); err == nil {
		t.Error("a consumer shares what is not its own")
	}
	if err := do(owner, &registry.ShareNamespace{Ref: w.ns, With: []command.AccountID{"me"}}); err == nil {
		t.Error("shared with no account")
	}
	if err := do(owner, &registry.ShareNamespace{Ref: w.ns, With: []command.AccountID{stranger}, Stop: true}); err != nil {
		t.Fatal(err)
	}
	w.fails("stranger", "GetNamespace", `{"Id":"`+w.nsARN+`"}`, "NamespaceNotFound")
	if got := w.count("ListNamespaces", "", "Namespaces"); got != 0 {
		t.Errorf("%d namespaces", got)
	}
}
