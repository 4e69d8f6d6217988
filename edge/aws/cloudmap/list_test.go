package cloudmap

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lister is a paged operation and what it lists.
type lister struct {
	name string
	in   object
	page func(object) []string // the ids in an answer
	// add makes an item, remove takes one away.
	add    func(i int)
	remove func(id string)
}

// pagedOperations are those whose items come and go.
var pagedOperations = map[string]func(*harness) lister{
	"ListNamespaces": func(h *harness) lister {
		return lister{"ListNamespaces", filters(where("NAME", "BEGINS_WITH", "n-")), idsIn("Namespaces"),
			func(i int) { h.httpNamespace(fmt.Sprint("n-", i)) },
			func(id string) { h.call("DeleteNamespace", object{"Id": id}) }}
	},
	"ListServices": func(h *harness) lister {
		ns := h.httpNamespace("many-services")
		return lister{"ListServices", filters(where("NAMESPACE_ID", "", ns)), idsIn("Services"),
			func(i int) { h.service(ns, fmt.Sprint("s", i), nil) },
			func(id string) { h.call("DeleteService", object{"Id": id}) }}
	},
	"ListInstances":            func(h *harness) lister { return instanceLister(h, "ListInstances", idsIn("Instances")) },
	"GetInstancesHealthStatus": func(h *harness) lister { return instanceLister(h, "GetInstancesHealthStatus", idsOfStatus) },
}

func instanceLister(h *harness, name string, page func(object) []string) lister {
	svc := h.service(h.httpNamespace("for-"+name), "fleet", object{"HealthCheckCustomConfig": object{}})
	return lister{name, object{"ServiceId": svc}, page,
		func(i int) { h.register(svc, fmt.Sprintf("i-%02d", i), nil) },
		func(id string) { h.call("DeregisterInstance", object{"ServiceId": svc, "InstanceId": id}) }}
}

// idsIn returns the ids of a list in its order.
func idsIn(listName string) func(object) []string {
	return func(answer object) []string {
		var got []string
		for _, e := range answer[listName].(list) {
			got = append(got, text(e, "Id"))
		}
		return got
	}
}

func idsOfStatus(answer object) []string {
	return slices.Sorted(maps.Keys(answer["Status"].(object)))
}

// newLister makes ten items and the operation that lists them.
func (h *harness) newLister(name string) lister {
	h.Helper()
	l := pagedOperations[name](h)
	for i := range 10 {
		l.add(i)
	}
	return l
}

// listPage returns a page and the token of the next one.
func (h *harness) listPage(l lister, max int, token string) ([]string, string) {
	h.Helper()
	in := object{"MaxResults": max}
	for k, v := range l.in {
		in[k] = v
	}
	if token != "" {
		in["NextToken"] = token
	}
	answer := h.call(l.name, in)
	return l.page(answer), text(answer, "NextToken")
}

// listAll goes through all pages and calls between after each.
func (h *harness) listAll(l lister, max int, between func(page []string)) []string {
	h.Helper()
	var all []string
	for token := ""; ; {
		page, next := h.listPage(l, max, token)
		if len(page) > max || len(page) == 0 && next != "" {
			h.Errorf("%s: a page of %d, want up to %d, next token %q", l.name, len(page), max, next)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		token = next
		between(page)
	}
}

func TestPages(t *testing.T) {
	for name := range pagedOperations {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, false)
			l := h.newLister(name)
			whole, token := h.listPage(l, 100, "")
			if len(whole) != 10 || token != "" {
				t.Fatalf("%d items and token %q", len(whole), token)
			}
			for _, max := range []int{1, 3, 5, 10} { // 5 and 10 end on a full page
				if got := h.listAll(l, max, func([]string) {}); !slices.Equal(got, whole) {
					t.Errorf("by %d: got %v, want %v", max, got, whole)
				}
			}
		})
	}
}

// TestPagesWithChanges: what stays all the time is listed exactly once, whatever
// comes and goes between the pages.
func TestPagesWithChanges(t *testing.T) {
	for name := range pagedOperations {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, false)
			l := h.newLister(name)
			stay, _ := h.listPage(l, 100, "")
			gone, i := map[string]bool{}, 10
			got := h.listAll(l, 3, func(page []string) {
				l.remove(page[len(page)-1]) // the one the token names
				gone[page[len(page)-1]] = true
				l.add(i)
				i++
			})
			for _, id := range stay {
				if n := occurrences(got, id); n != 1 {
					t.Errorf("%s was listed %d times, removed: %t", id, n, gone[id])
				}
			}
		})
	}
}

func occurrences(list []string, id string) int {
	n := 0
	for _, s := range list {
		if s == id {
			n++
		}
	}
	return n
}

func TestWrongTokens(t *testing.T) {
	h := newHarness(t, false)
	l := h.newLister("ListInstances")
	_, token := h.listPage(l, 3, "")
	namespaces := h.newLister("ListNamespaces")
	_, foreign := h.listPage(namespaces, 3, "")
	other := h.service(h.httpNamespace("other"), "s", nil)
	for what, in := range map[string]object{
		"garbage":            {"ServiceId": l.in["ServiceId"], "NextToken": "garbage"},
		"not base 64":        {"ServiceId": l.in["ServiceId"], "NextToken": "!!!"},
		"cut short":          {"ServiceId": l.in["ServiceId"], "NextToken": token[:8]},
		"of another call":    {"ServiceId": l.in["ServiceId"], "NextToken": foreign},
		"of another service": {"ServiceId": other, "NextToken": token},
		"too long":           {"ServiceId": l.in["ServiceId"], "NextToken": strings.Repeat("x", 4097)},
	} {
		t.Run(what, func(t *testing.T) { h.fails("InvalidInput", "ListInstances", in) })
	}
	h.invalid("NextToken", "ListNamespaces", object{"NextToken": foreign}) // without the filters
	h.account = "111111111111"
	namespaces.in["NextToken"] = foreign
	h.invalid("NextToken", "ListNamespaces", namespaces.in)
	h.account = testAccount

	// The ARN of a service names the same list as its id.
	in := object{"ServiceId": "arn:aws:servicediscovery:eu-west-1:000000000000:service/" + l.in["ServiceId"].(string), "NextToken": token}
	if got := h.call("ListInstances", in); len(got["Instances"].(list)) != 7 {
		t.Errorf("got %v", got)
	}
	for name := range pagedOperations {
		in := object{"MaxResults": 101, "ServiceId": l.in["ServiceId"]}
		if strings.HasPrefix(name, "ListN") || strings.HasPrefix(name, "ListS") {
			delete(in, "ServiceId")
		}
		h.invalid("at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100", name, in)
		in["MaxResults"] = 0
		h.invalid("at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1", name, in)
	}
}

func filters(all ...any) object { return object{"Filters": list(all)} }

func where(name, condition string, values ...any) object {
	f := object{"Name": name, "Values": list(values)}
	if condition != "" {
		f["Condition"] = condition
	}
	return f
}

func TestNamespaceFilters(t *testing.T) {
	h := newHarness(t, false)
	http, private, public := h.httpNamespace("shop"), h.privateNamespace("shop"), h.publicNamespace("shop.example")
	second := text(h.call("GetNamespace", object{"Id": private}), "Namespace", "Properties", "HttpProperties", "HttpName")
	for _, test := range []struct {
		in   object
		want []string
	}{
		{object{}, []string{http, private, public}},
		{filters(), []string{http, private, public}},
		{filters(where("TYPE", "", "HTTP")), []string{http}},
		{filters(where("TYPE", "EQ", "DNS_PRIVATE")), []string{private}},
		{filters(where("TYPE", "BEGINS_WITH", "DNS_")), []string{private, public}},
		{filters(where("NAME", "EQ", "shop")), []string{http, private}},
		{filters(where("NAME", "EQ", "shop.example")), []string{public}},
		{filters(where("NAME", "", "sho")), nil},
		{filters(where("NAME", "BEGINS_WITH", "sho")), []string{http, private, public}},
		{filters(where("HTTP_NAME", "EQ", "shop")), []string{http}},
		{filters(where("HTTP_NAME", "EQ", second)), []string{private}},
		{filters(where("HTTP_NAME", "BEGINS_WITH", "shop-")), []string{private}},
		{filters(where("NAME", "", "shop"), where("TYPE", "", "DNS_PRIVATE")), []string{private}},
		{filters(where("NAME", "", "shop.example"), where("TYPE", "", "HTTP")), nil},
		{filters(where("RESOURCE_OWNER", "", "SELF")), []string{http, private, public}},
		{filters(where("RESOURCE_OWNER", "EQ", "OTHER_ACCOUNTS")), nil},
	} {
		h.wantIDs(fmt.Sprint(test.in), ids(h.call("ListNamespaces", test.in), "Namespaces", "Id"), test.want...)
	}
	for _, in := range []object{
		filters(where("TYPE", "EQ", "HTTP", "DNS_PUBLIC")),
		filters(where("TYPE", "IN", "HTTP")),
		filters(where("TYPE", "EQ", "FTP")),
		filters(where("NAME", "BETWEEN", "a", "b")),
		filters(where("NAME", "EQ")),
		filters(where("NAME", "EQ", "")),
		filters(where("RESOURCE_OWNER", "BEGINS_WITH", "SELF")),
		filters(where("RESOURCE_OWNER", "EQ", "ME")),
		filters(where("NAMESPACE_ID", "EQ", http)),
		filters(where("NAME", "LIKE", "a")),
		filters(object{"Values": list{"a"}}),
		filters(object{"Name": "NAME"}),
		filters(nil),
	} {
		h.fails("InvalidInput", "ListNamespaces", in)
	}
}

func TestServiceFilters(t *testing.T) {
	h := newHarness(t, false)
	first, second := h.httpNamespace("a"), h.httpNamespace("b")
	a, b := h.service(first, "s", nil), h.service(second, "s", nil)
	for _, test := range []struct {
		in   object
		want []string
	}{
		{object{}, []string{a, b}},
		{filters(where("NAMESPACE_ID", "", first)), []string{a}},
		{filters(where("NAMESPACE_ID", "EQ", "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/"+second)), []string{b}},
		{filters(where("NAMESPACE_ID", "EQ", "arn:aws:servicediscovery:eu-west-1:111111111111:namespace/"+second)), nil},
		{filters(where("NAMESPACE_ID", "", "ns-0")), nil},
		{filters(where("NAMESPACE_ID", "", first), where("NAMESPACE_ID", "", second)), nil},
		{filters(where("RESOURCE_OWNER", "", "SELF"), where("NAMESPACE_ID", "", first)), []string{a}},
		{filters(where("RESOURCE_OWNER", "", "OTHER_ACCOUNTS")), nil},
	} {
		h.wantIDs(fmt.Sprint(test.in), ids(h.call("ListServices", test.in), "Services", "Id"), test.want...)
	}
	for _, in := range []object{
		filters(where("NAMESPACE_ID", "IN", first)),
		filters(where("NAMESPACE_ID", "EQ", first, second)),
		filters(where("NAMESPACE_ID", "BEGINS_WITH", "ns-")),
		filters(where("NAMESPACE_ID", "EQ", "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-0")),
		filters(where("TYPE", "EQ", "HTTP")),
	} {
		h.fails("InvalidInput", "ListServices", in)
	}
}

// TestListOperations covers filters and pages; operations cannot be removed.
func TestListOperations(t *testing.T) {
	h := newHarness(t, false)
	ns := h.privateNamespace("p")
	svc := h.service(ns, "s", object{"DnsConfig": aRecord(1)})
	failed := text(h.call("CreatePrivateDnsNamespace", object{"Name": "p", "Vpc": "vpc-1"}), "OperationId")
	h.register(svc, "i", object{"AWS_INSTANCE_IPV4": "10.0.0.1"})
	h.call("UpdateService", object{"Id": svc, "Service": object{"DnsConfig": aRecord(2)}})
	h.call("DeregisterInstance", object{"ServiceId": svc, "InstanceId": "i"})
	h.call("UpdatePrivateDnsNamespace", object{"Id": ns, "Namespace": object{"Description": "d"}})
	foreign := "arn:aws:servicediscovery:eu-west-1:111111111111:"
	for _, test := range []struct {
		in   object
		want int
	}{
		{object{}, 6},
		{filters(where("NAMESPACE_ID", "", ns)), 5},
		{filters(where("NAMESPACE_ID", "", "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/"+ns)), 5},
		{filters(where("NAMESPACE_ID", "", foreign+"namespace/"+ns)), 0},
		{filters(where("SERVICE_ID", "EQ", svc)), 3},
		{filters(where("SERVICE_ID", "EQ", foreign+"service/"+svc)), 0},
		{filters(where("STATUS", "", "FAIL")), 1},
		{filters(where("STATUS", "EQ", "SUCCESS")), 5},
		{filters(where("STATUS", "EQ", "SUCCEED")), 5},
		{filters(where("STATUS", "IN", "SUCCESS", "FAIL")), 6},
		{filters(where("STATUS", "IN", "PENDING", "SUBMITTED")), 0},
		{filters(where("TYPE", "", "REGISTER_INSTANCE")), 1},
		{filters(where("TYPE", "IN", "REGISTER_INSTANCE", "DEREGISTER_INSTANCE", "UPDATE_SERVICE", "UPDATE_NAMESPACE")), 4},
		{filters(where("TYPE", "", "CREATE_NAMESPACE"), where("STATUS", "", "SUCCESS")), 1},
		{filters(where("UPDATE_DATE", "BETWEEN", "0", "99999999999")), 6},
		{filters(where("UPDATE_DATE", "BETWEEN", "0", "1.5")), 0},
	} {
		if got := ids(h.call("ListOperations", test.in), "Operations", "Id"); len(got) != test.want {
			t.Errorf("%v: got %d, want %d", test.in, len(got), test.want)
		}
	}
	for _, in := range []object{
		filters(where("NAMESPACE_ID", "IN", ns)),
		filters(where("SERVICE_ID", "EQ", svc, svc)),
		filters(where("STATUS", "EQ", "SUCCESS", "FAIL")),
		filters(where("STATUS", "EQ", "DONE")),
		filters(where("STATUS", "BEGINS_WITH", "S")),
		filters(where("TYPE", "IN", "CREATE_SERVICE")),
		filters(where("UPDATE_DATE", "EQ", "0")),
		filters(where("UPDATE_DATE", "BETWEEN", "0")),
		filters(where("UPDATE_DATE", "BETWEEN", "2", "1")),
		filters(where("UPDATE_DATE", "BETWEEN", "yesterday", "today")),
		filters(where("UPDATE_DATE", "BETWEEN", "NaN", "1")),
	} {
		h.fails("InvalidInput", "ListOperations", in)
	}
	h.checkUpdateDate(failed)
	h.checkPagesOfOperations()
}

// checkUpdateDate asks for everything up to the date of one operation.
func (h *harness) checkUpdateDate(id string) {
	h.Helper()
	date := func(id string) float64 {
		return at(h.call("GetOperation", object{"OperationId": id}), "Operation", "UpdateDate").(float64)
	}
	var want []string
	for _, each := range ids(h.call("ListOperations", object{}), "Operations", "Id") {
		if date(each) <= date(id) {
			want = append(want, each)
		}
	}
	in := filters(where("UPDATE_DATE", "", "0", strconv.FormatFloat(date(id), 'f', 3, 64))) // BETWEEN is its only condition
	h.wantIDs("up to "+id, ids(h.call("ListOperations", in), "Operations", "Id"), want...)
}

func (h *harness) checkPagesOfOperations() {
	h.Helper()
	l := lister{name: "ListOperations", page: idsIn("Operations")}
	whole, _ := h.listPage(l, 100, "")
	if !slices.IsSortedFunc(whole, func(a, b string) int { return strings.Compare(b[33:], a[33:]) }) {
		h.Errorf("not newest first: %v", whole)
	}
	i := 0
	got := h.listAll(l, 2, func([]string) {
		h.httpNamespace(fmt.Sprint("extra", i))
		i++
	})
	// A new one may come in between, if it is of the same millisecond.
	got = slices.DeleteFunc(got, func(id string) bool { return !slices.Contains(whole, id) })
	if !slices.Equal(got, whole) {
		h.Errorf("by 2: got %v, want %v", got, whole)
	}
	h.fails("OperationNotFound", "GetOperation", object{"OperationId": "none"})
	h.fails("OperationNotFound", "GetOperation", object{"OperationId": whole[0], "OwnerAccount": "111111111111"})
	h.invalid("Value null at 'operationId'", "GetOperation", object{})
}

func TestGetOperation(t *testing.T) {
	h := newHarness(t, false)
	svc := h.service(h.httpNamespace("h"), "s", nil)
	id := text(h.call("RegisterInstance", object{"ServiceId": svc, "InstanceId": "i", "Attributes": object{}}), "OperationId")
	op := at(h.call("GetOperation", object{"OperationId": id, "OwnerAccount": "000000000000"}), "Operation").(object)
	if op["CreateDate"] != op["UpdateDate"] || op["CreateDate"] == nil {
		t.Errorf("got dates %v and %v", op["CreateDate"], op["UpdateDate"])
	}
	want := object{"Id": id, "Type": "REGISTER_INSTANCE", "Status": "SUCCESS", "OwnerAccount": "000000000000", "ErrorCode": nil, "ErrorMessage": nil}
	for name, value := range want {
		if op[name] != value {
			t.Errorf("%s: got %v, want %v", name, op[name], value)
		}
	}
}
