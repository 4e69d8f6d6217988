package aws

import (
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"cairn/core/registry"
	"cairn/edge/aws/awsjson"
	"cairn/edge/aws/cloudmap"
)

// throttle keeps each account to the request rates that AWS publishes. They
// apply in strict mode only.
type throttle struct {
	mu      sync.Mutex
	buckets map[bucketKey]*rate.Limiter
}

type bucketKey struct {
	account   registry.AccountID
	operation string
}

// publishedRates are per account and region, in requests per second; see
// "AWS Cloud Map quotas" in the developer guide.
var publishedRates = map[string]struct {
	perSecond rate.Limit
	burst     int
}{
	"DiscoverInstances":         {1000, 2000},
	"DiscoverInstancesRevision": {3000, 3000},
}

func newThrottle() *throttle {
	return &throttle{buckets: map[bucketKey]*rate.Limiter{}}
}

// check refuses a request that is over its rate.
func (t *throttle) check(rules *registry.Rules, account registry.AccountID, action cloudmap.Action) error {
	if !rules.Strict {
		return nil
	}
	published, ok := publishedRates[action.Name()]
	if !ok || t.bucket(account, action.Name(), published.perSecond, published.burst).Allow() {
		return nil
	}
	return &awsjson.Error{Code: "RequestLimitExceeded", Status: http.StatusBadRequest, Message: "Rate exceeded"}
}

func (t *throttle) bucket(account registry.AccountID, operation string, perSecond rate.Limit, burst int) *rate.Limiter {
	key := bucketKey{account, operation}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buckets[key] == nil {
		t.buckets[key] = rate.NewLimiter(perSecond, burst)
	}
	return t.buckets[key]
}
