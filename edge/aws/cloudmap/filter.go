package cloudmap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// filter is a filter of any list, checked for what all lists have in common.
type filter struct {
	name      string
	condition FilterCondition
	values    []string
}

// conditions says which conditions each filter of a list may have.
type conditions map[string][]FilterCondition

var (
	namespaceConditions = conditions{
		"TYPE":           {FilterConditionEq, FilterConditionBeginsWith},
		"NAME":           {FilterConditionEq, FilterConditionBeginsWith},
		"HTTP_NAME":      {FilterConditionEq, FilterConditionBeginsWith},
		"RESOURCE_OWNER": {FilterConditionEq},
	}
	serviceConditions = conditions{
		"NAMESPACE_ID":   {FilterConditionEq},
		"RESOURCE_OWNER": {FilterConditionEq},
	}
	operationConditions = conditions{
		"NAMESPACE_ID": {FilterConditionEq},
		"SERVICE_ID":   {FilterConditionEq},
		"STATUS":       {FilterConditionEq, FilterConditionIn},
		"TYPE":         {FilterConditionEq, FilterConditionIn},
		"UPDATE_DATE":  {FilterConditionBetween},
	}
)

// newFilter checks a filter. Without a condition it is EQ, as SDKs leave it out;
// UPDATE_DATE has BETWEEN alone.
func newFilter(allowed conditions, name string, condition *FilterCondition, values []string) (filter, error) {
	f := filter{name: name, condition: FilterConditionEq, values: values}
	if condition != nil {
		f.condition = *condition
	} else if len(allowed[name]) == 1 {
		f.condition = allowed[name][0]
	}
	if !slices.Contains(allowed[name], f.condition) {
		return f, invalid("Condition %s is not allowed for filter %s: it must be one of %v", f.condition, name, allowed[name])
	}
	want := 1
	if f.condition == FilterConditionBetween {
		want = 2
	}
	if f.condition != FilterConditionIn && len(values) != want || len(values) == 0 {
		return f, invalid("Filter %s with condition %s takes %d service.Value(s), but %d are given", name, f.condition, want, len(values))
	}
	return f, nil
}

func invalid(format string, args ...any) error {
	return &command.InvalidInput{Message: fmt.Sprintf(format, args...)}
}

// matches applies EQ, IN and BEGINS_WITH.
func (f *filter) matches(s string) bool {
	if f.condition == FilterConditionBeginsWith {
		return strings.HasPrefix(s, f.values[0])
	}
	return slices.Contains(f.values, s)
}

// oneOf checks that the values are of an enum; with BEGINS_WITH they need
// not be.
func (f *filter) oneOf(values ...string) error {
	if f.condition == FilterConditionBeginsWith {
		return nil
	}
	for _, v := range f.values {
		if !slices.Contains(values, v) {
			return invalid("Value %q is not allowed for filter %s: it must be one of %v", v, f.name, values)
		}
	}
	return nil
}

// everything lets everything through; filters are added to it.
func everything[T any](*T) bool { return true }

func and[T any](a, b func(*T) bool) func(*T) bool {
	return func(v *T) bool { return a(v) && b(v) }
}

func namespaceFilter(c *service.Call, in []*NamespaceFilter) (func(*registry.Namespace) bool, error) {
	wanted := everything[registry.Namespace]
	for _, nf := range in {
		f, err := newFilter(namespaceConditions, string(*nf.Name), nf.Condition, nf.Values)
		if err != nil {
			return nil, err
		}
		test := func(ns *registry.Namespace) bool { return f.matches(ns.Name) }
		switch *nf.Name {
		case NamespaceFilterNameType:
			err = f.oneOf(string(registry.DNSPublic), string(registry.DNSPrivate), string(registry.HTTP))
			test = func(ns *registry.Namespace) bool { return f.matches(string(ns.Type)) }
		case NamespaceFilterNameHttpName:
			test = func(ns *registry.Namespace) bool { return f.matches(ns.HTTPName) }
		case NamespaceFilterNameResourceOwner:
			err = f.oneOf(ownerSelf, ownerOthers)
			test = func(ns *registry.Namespace) bool { return f.matches(ownerWord(c, ns.Account)) }
		}
		if err != nil {
			return nil, err
		}
		wanted = and(wanted, test)
	}
	return wanted, nil
}

// Values of the filter RESOURCE_OWNER.
const (
	ownerSelf   = "SELF"
	ownerOthers = "OTHER_ACCOUNTS"
)

func ownerWord(c *service.Call, owner command.AccountID) string {
	if owner == c.Account {
		return ownerSelf
	}
	return ownerOthers
}

func serviceFilter(c *service.Call, in []*ServiceFilter) (func(*registry.Service) bool, error) {
	wanted := everything[registry.Service]
	for _, sf := range in {
		f, err := newFilter(serviceConditions, string(*sf.Name), sf.Condition, sf.Values)
		if err != nil {
			return nil, err
		}
		test := func(svc *registry.Service) bool { return f.matches(ownerWord(c, svc.Account)) }
		if *sf.Name == ServiceFilterNameNamespaceId {
			err = f.wholeIDs(c, "namespace")
			test = func(svc *registry.Service) bool { return f.matches(wholeID(svc.Account, string(svc.Namespace))) }
		} else {
			err = f.oneOf(ownerSelf, ownerOthers)
		}
		if err != nil {
			return nil, err
		}
		wanted = and(wanted, test)
	}
	return wanted, nil
}

// wholeIDs replaces ids and ARNs by account and id, since a bare id means one of
// the caller's own. A list has only what the caller sees, so naming something
// else finds nothing.
func (f *filter) wholeIDs(c *service.Call, kind string) error {
	f.values = slices.Clone(f.values)
	for i, v := range f.values {
		account, id, err := c.Rules.Registry.ID(c.Account, kind, v)
		if err != nil {
			return err
		}
		f.values[i] = wholeID(account, id)
	}
	return nil
}

func wholeID(account command.AccountID, id string) string { return string(account) + "/" + id }

func operationFilter(c *service.Call, in []*OperationFilter) (func(*registry.Operation) bool, error) {
	wanted := everything[registry.Operation]
	for _, of := range in {
		f, err := newFilter(operationConditions, string(*of.Name), of.Condition, of.Values)
		if err != nil {
			return nil, err
		}
		test, err := f.operationTest(c)
		if err != nil {
			return nil, err
		}
		wanted = and(wanted, test)
	}
	return wanted, nil
}

func (f *filter) operationTest(c *service.Call) (func(*registry.Operation) bool, error) {
	switch OperationFilterName(f.name) {
	case OperationFilterNameNamespaceId:
		err := f.wholeIDs(c, "namespace")
		return func(op *registry.Operation) bool { return f.matches(wholeID(op.OwnerAccount(), string(op.Namespace))) }, err
	case OperationFilterNameServiceId:
		err := f.wholeIDs(c, "service")
		return func(op *registry.Operation) bool { return f.matches(wholeID(op.OwnerAccount(), string(op.Service))) }, err
	case OperationFilterNameStatus:
		f.values = slices.Clone(f.values)
		for i, v := range f.values {
			if v == "SUCCEED" { // so the API page spells it in the text on filters
				f.values[i] = string(OperationStatusSuccess)
			}
		}
		err := f.oneOf(string(OperationStatusSubmitted), string(OperationStatusPending), string(OperationStatusSuccess), string(OperationStatusFail))
		return func(op *registry.Operation) bool { return f.matches(op.Status()) }, err
	case OperationFilterNameType:
		err := f.oneOf(string(registry.CreateNamespaceOperation), string(registry.DeleteNamespaceOperation),
			string(registry.UpdateNamespaceOperation), string(registry.UpdateServiceOperation),
			string(registry.RegisterInstanceOperation), string(registry.DeregisterInstanceOperation))
		return func(op *registry.Operation) bool { return f.matches(string(op.Type)) }, err
	}
	return f.updateDate()
}

// updateDate takes two times in seconds since 1970, the earlier one first. Both
// ends count.
func (f *filter) updateDate() (func(*registry.Operation) bool, error) {
	var ends [2]float64
	for i, v := range f.values {
		seconds, err := strconv.ParseFloat(v, 64)
		if err != nil || seconds != seconds {
			return nil, invalid("Value %q is not allowed for filter UPDATE_DATE: it must be a time in seconds since 1970", v)
		}
		ends[i] = seconds
	}
	if ends[0] > ends[1] {
		return nil, invalid("Filter UPDATE_DATE begins at %s and ends earlier, at %s", f.values[0], f.values[1])
	}
	return func(op *registry.Operation) bool {
		date := float64(op.Date) / 1000
		return ends[0] <= date && date <= ends[1]
	}, nil
}
