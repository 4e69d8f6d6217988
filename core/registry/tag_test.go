package registry_test

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

func tags(n int, prefix string) []registry.Tag {
	var list []registry.Tag
	for i := range n {
		list = append(list, registry.Tag{Key: fmt.Sprint(prefix, i), Value: "v"})
	}
	return list
}

func (w *fixture) tagsOf(arn string) map[string]string {
	w.Helper()
	ns, svc, err := w.state.FindResource(&w.rules, w.account, arn)
	if err != nil {
		w.Fatalf("%v", err)
	}
	if ns != nil {
		return ns.Tags.Map()
	}
	return svc.Tags.Map()
}

func TestTags(t *testing.T) {
	w := newFixture(t, false)
	ns := w.created(&registry.CreateNamespace{Type: registry.HTTP, Name: "h", Tags: tags(2, "k")})
	svc := w.service(ns, registry.CreateService{Name: "s", Tags: tags(2, "k")})
	for _, arn := range []string{w.rules.NamespaceARN(testAccount, ns.ID), w.rules.ServiceARN(testAccount, svc.ID)} {
		w.do(&registry.TagResource{ARN: arn, Tags: []registry.Tag{{Key: "k0", Value: "new"}, {Key: "empty"}}})
		w.do(&registry.UntagResource{ARN: arn, Keys: []string{"k1", "missing"}})
		if got := fmt.Sprint(w.tagsOf(arn)); got != "map[empty: k0:new]" {
			t.Errorf("%s: got %s", arn, got)
		}
		w.do(&registry.TagResource{ARN: arn, Tags: tags(48, "more")})
		e := refused[*registry.TooManyTags](w, &registry.TagResource{ARN: arn, Tags: tags(1, "last")})
		if e.Resource != arn {
			t.Errorf("TooManyTags of %q", e.Resource)
		}
		w.do(&registry.TagResource{ARN: arn, Tags: tags(48, "more")}) // the same keys need no room
		for _, wrong := range [][]registry.Tag{{{Key: "aws:x"}}, {{Key: "AWS:x"}}, {{Key: "a"}, {Key: "a"}}} {
			refused[*command.InvalidInput](w, &registry.TagResource{ARN: arn, Tags: wrong})
		}
	}
}

func TestTagsAtCreation(t *testing.T) {
	w := newFixture(t, false)
	ns := w.created(&registry.CreateNamespace{Type: registry.HTTP, Name: "h", Tags: tags(50, "k")})
	w.service(ns, registry.CreateService{Name: "s", Tags: tags(50, "k")})
	refused[*registry.TooManyTags](w, &registry.CreateNamespace{Type: registry.HTTP, Name: "i", Tags: tags(51, "k")})
	refused[*registry.TooManyTags](w, &registry.CreateService{Name: "t", NamespaceRef: string(ns.ID), Tags: tags(51, "k")})
	refused[*command.InvalidInput](w, &registry.CreateNamespace{Type: registry.HTTP, Name: "i", Tags: []registry.Tag{{Key: "aws:x"}}})
}

func TestTagsOfNothing(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.HTTP, "h")
	for _, arn := range []string{
		w.rules.NamespaceARN(testAccount, "ns-0"),
		w.rules.NamespaceARN(otherAccount, ns.ID),
		w.rules.ServiceARN(testAccount, registry.ServiceID(ns.ID)),
		"arn:aws:servicediscovery:us-east-1:000000000000:namespace/" + string(ns.ID),
	} {
		refused[*command.NotFound](w, &registry.TagResource{ARN: arn, Tags: tags(1, "k")})
		refused[*command.NotFound](w, &registry.UntagResource{ARN: arn, Keys: []string{"k"}})
	}
	for _, arn := range []string{"", "x", string(ns.ID), "arn:aws:s3:::bucket", "arn:aws:servicediscovery:eu-west-1:000000000000:instance/i"} {
		refused[*command.InvalidInput](w, &registry.TagResource{ARN: arn, Tags: tags(1, "k")})
	}
}
