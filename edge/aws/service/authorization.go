package service

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
)

// Access decides on what a caller asks for.
type Access interface {
	// Context has the condition keys that every request has.
	access.Context
	// Permit returns nil, or the error to answer with.
	Permit(*access.Request) error
}

// Authorization is what a call is about, in the terms of IAM. The Describe function of an
// operation fills it in. A resource that the state does not have is described by the words
// of the caller, so that a refusal does not reveal whether it exists.
type Authorization struct {
	request access.Request
	call    *Call
	keys    []keyValues
	values  []string // of keys, one key after the other
	tags    []Tag    // that the request has
	tagKeys []string
	tagged  string // the ARN that is tagged on creation
	passed  []passedRole

	// Space for what most calls need, so that they allocate nothing.
	resourceBuf [2]access.Resource
	keyBuf      [4]keyValues
	valueBuf    [5]string
}

// keyValues is a condition key with its values in values[from:to].
type keyValues struct {
	key      string
	from, to int
}

// Tag is a tag in an input.
type Tag struct{ Key, Value string }

// Resource adds a resource that must be allowed. Tags may be nil.
func (a *Authorization) Resource(arn string, tags access.Tagged) {
	a.request.Resources = append(a.request.Resources, access.Resource{ARN: arn, Tags: tags})
}

// OptionalResource adds a resource that need not be allowed but must not be
// denied.
func (a *Authorization) OptionalResource(arn string, tags access.Tagged) {
	a.request.Resources = append(a.request.Resources, access.Resource{ARN: arn, Tags: tags, Optional: true})
}

// Key adds a value of a condition key of the API. Values of one key must be added
// one after the other.
func (a *Authorization) Key(key, value string) {
	a.values = append(a.values, value)
	n := len(a.values)
	if last := len(a.keys) - 1; last >= 0 && a.keys[last].key == key {
		a.keys[last].to = n
		return
	}
	a.keys = append(a.keys, keyValues{key, n - 1, n})
}

// Tags are those that the request gives to a resource: aws:RequestTag and
// aws:TagKeys.
func (a *Authorization) Tags(tags []Tag) {
	a.tags = tags
	for _, t := range tags {
		a.tagKeys = append(a.tagKeys, t.Key)
	}
}

// TagKeys are the keys of tags that the request names without a value.
func (a *Authorization) TagKeys(keys []string) { a.tagKeys = keys }

// TagOnCreation says that the tags of the request are given to a new resource,
// which takes the permission TagResource on it. Its condition key CreateAction, in
// APIs that have one, is the name of the operation.
func (a *Authorization) TagOnCreation(arn string) { a.tagged = arn }

// authorize asks whether the caller may do what the input says.
func (c *Call) authorize(in any) error {
	a := &c.authorization
	*a = Authorization{call: c}
	a.request.Action, a.request.Context = c.Operation.Action, a
	a.request.Resources, a.keys, a.values = a.resourceBuf[:0], a.keyBuf[:0], a.valueBuf[:0]
	if c.Operation.Describe != nil {
		c.Operation.Describe(c, a, in)
	} else {
		a.Resource("*", nil)
	}
	if err := c.Access.Permit(&a.request); err != nil {
		return err
	}
	if err := a.permitTags(); err != nil {
		return err
	}
	return a.permitRoles()
}

// permitTags asks whether the caller may tag what the call creates. The new resource has
// the tags of the request: aws:ResourceTag is present "in requests that create a resource
// with an attached tag" (IAM User Guide, global condition context keys). So a policy can
// allow TagResource for resources that have, or get, a tag, and for no others.
func (a *Authorization) permitTags() error {
	if a.tagged == "" || len(a.tags) == 0 {
		return nil
	}
	api := a.call.Operation.api.Name
	a.Key(api+":CreateAction", a.call.Operation.Name)
	a.request.Action = api + ":TagResource"
	a.request.Resources = append(a.resourceBuf[:0], access.Resource{ARN: a.tagged, Tags: newTags(a.tags)})
	return a.call.Access.Permit(&a.request)
}

// has reports whether the action that is asked for has a condition key of the API.
func (a *Authorization) has(key string) bool {
	op := a.call.Operation
	if a.request.Action != op.Action {
		_, name, _ := strings.Cut(a.request.Action, ":")
		if op = op.api.Operation(name); op == nil {
			return false
		}
	}
	return slices.ContainsFunc(op.Keys, func(k string) bool { return strings.EqualFold(k, key) })
}

// Values implements access.Context. Of the keys of its API an action has those
// that its policy lists, and no others.
func (a *Authorization) Values(key string) []string {
	if a.request.Action == actionPassRole {
		return a.passedValues(key)
	}
	if a.ofAPI(key) {
		if a.has(key) {
			return a.find(key)
		}
		return nil
	}
	if key == "aws:tagkeys" {
		return a.tagKeys
	}
	if tag, ok := strings.CutPrefix(key, "aws:requesttag/"); ok {
		return newTags(a.tags).TagValues(tag)
	}
	return a.call.Access.Values(key)
}

// newTags are the tags of a request. They implement access.Tagged.
type newTags []Tag

func (tags newTags) TagValues(key string) []string {
	var values []string
	for _, t := range tags {
		if strings.EqualFold(t.Key, key) {
			values = append(values, t.Value)
		}
	}
	return values
}

// ofAPI reports whether a key, which is in lower case, is one of the API's own.
func (a *Authorization) ofAPI(key string) bool {
	rest, ok := strings.CutPrefix(key, a.call.Operation.api.Name)
	return ok && strings.HasPrefix(rest, ":")
}

func (a *Authorization) find(key string) []string {
	for _, k := range a.keys {
		if strings.EqualFold(k.key, key) {
			return a.values[k.from:k.to:k.to]
		}
	}
	return nil
}
