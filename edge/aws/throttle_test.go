package aws

import (
	"errors"
	"testing"

	"cairn/core/registry"
	"cairn/edge/aws/awsjson"
	"cairn/edge/aws/cloudmap"
)

// TestThrottle is row 14 of the decisions: AWS's rates in strict mode only.
func TestThrottle(t *testing.T) {
	discover, _ := cloudmap.FindAction("DiscoverInstances")
	list, _ := cloudmap.FindAction("ListNamespaces")
	th := newThrottle()
	ask := func(strict bool, account registry.AccountID, action cloudmap.Action) error {
		return th.check(&registry.Rules{Strict: strict}, account, action)
	}
	var refused error
	for range 100_000 { // far more than the burst and what flows in meanwhile
		if err := ask(false, "1", discover); err != nil {
			t.Fatalf("extended: %v", err)
		}
		if refused == nil {
			refused = ask(true, "1", discover)
		}
	}
	if e, ok := errors.AsType[*awsjson.Error](refused); !ok || e.Code != "RequestLimitExceeded" || e.Status != 400 {
		t.Errorf("got %v", refused)
	}
	for range 2000 {
		if err := ask(true, "2", discover); err != nil {
			t.Fatalf("another account: %v", err)
		}
		if err := ask(true, "1", list); err != nil {
			t.Fatalf("another operation: %v", err)
		}
	}
}
