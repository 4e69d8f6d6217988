package arn_test

import (
	"testing"

	"github.com/cairn-discovery/cairn/core/arn"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		want arn.ARN
		ok   bool
	}{
		"arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1": {arn.ARN{"aws", "servicediscovery", "us-east-1", "123456789012", "service/srv-1"}, true},
		"arn:aws:iam::123456789012:user/ann":                            {arn.ARN{"aws", "iam", "", "123456789012", "user/ann"}, true},
		"arn:aws:iam::123456789012:oidc-provider/a:8443/b":              {arn.ARN{"aws", "iam", "", "123456789012", "oidc-provider/a:8443/b"}, true},
		"arn:aws:route53:::hostedzone/Z1":                               {arn.ARN{"aws", "route53", "", "", "hostedzone/Z1"}, true},
		"arn:aws-cn:ecs:cn-north-1:1:":                                  {arn.ARN{"aws-cn", "ecs", "cn-north-1", "1", ""}, true},
		"arn:aws:iam::123456789012":                                     {},
		"ARN:aws:iam::123456789012:user/ann":                            {},
		"srv-1":                                                         {},
		"":                                                              {},
	}
	for text, tt := range tests {
		got, ok := arn.Parse(text)
		if got != tt.want || ok != tt.ok {
			t.Errorf("Parse(%q) = %+v, %t; want %+v, %t", text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestKindAndID(t *testing.T) {
	for resource, want := range map[string][2]string{"service/srv-1": {"service", "srv-1"}, "service/a/b": {"service", "a/b"}, "service/": {"service", ""}, "root": {"root", ""}} {
		kind, id, ok := arn.ARN{Resource: resource}.KindAndID()
		if [2]string{kind, id} != want || ok != (resource != "root") {
			t.Errorf("%q: got %q, %q, %t", resource, kind, id, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1")
	f.Add("arn:aws:iam::a:b:c")
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := arn.Parse(text)
		if ok && a.Partition == arn.Partition && arn.Format(a.Service, a.Region, a.Account, a.Resource) != text {
			t.Errorf("%q is formatted differently", text)
		}
		if ok && !arn.Is(text) {
			t.Errorf("%q was parsed but is not an ARN", text)
		}
	})
}
