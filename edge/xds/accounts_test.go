package xds_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// TestRejectionsOfAccounts: two accounts have nodes with one id. What one rejects is not shown
// as that of the other, and however much it rejects, what the other has rejected is kept.
func TestRejectionsOfAccounts(t *testing.T) {
	caller := command.AccountID("111111111111")
	w := start(t, func(c *xds.Config) {
		c.Authenticate = func(context.Context, *xds.Credentials) (*xds.Caller, error) { return &xds.Caller{Account: caller}, nil }
	})
	reject := func(account command.AccountID, id, reason string) {
		t.Helper()
		caller = account
		c := w.connect(&corev3.Node{Id: id})
		c.want(resource.Listener, "cairn/server/127.0.0.1:80")
		c.expectOnly(resource.Listener, "cairn/server/127.0.0.1:80")
		c.reject(resource.Listener, reason, "cairn/server/127.0.0.1:80")
		wait(t, "the rejection is known", func() bool {
			report, _ := w.server.Explain(account, id)
			return strings.Contains(report, reason)
		})
	}
	reject("111111111111", "web", "reason of one")
	for i := range 12 {
		reject("222222222222", "web", fmt.Sprint("reason of two, ", i))
	}
	for _, c := range []struct {
		account    command.AccountID
		has, lacks string
	}{
		{"111111111111", "reason of one", "reason of two"},
		{"222222222222", "reason of two", "reason of one"},
		{"", "reason of one", "reason of three"},
		{"", "reason of two", "reason of three"},
	} {
		report, ok := w.server.Explain(c.account, "web")
		if !ok || !strings.Contains(report, c.has) || strings.Contains(report, c.lacks) {
			t.Errorf("account %q: %s", c.account, report)
		}
	}
	if report, ok := w.server.Explain("333333333333", "web"); ok {
		t.Errorf("an account without such a node: %s", report)
	}
	if testing.Short() {
		return
	}
	for i := range 1010 { // more than are kept
		reject("222222222222", fmt.Sprint("node-", i), "many")
	}
	if report, _ := w.server.Explain("111111111111", "web"); !strings.Contains(report, "reason of one") {
		t.Errorf("what one account has rejected was displaced by the other: %s", report)
	}
}
