package registry

import (
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/internal/record"
)

// Check is the active check of a service with the settings from the service's
// own attributes: what a prober needs to know. It is immutable.
type Check struct {
	HealthCheck
	Settings CheckSettings
	// Stamp tells this check from others that the service has had. It is never
	// zero.
	Stamp uint64
}

// CheckSettings are what a service's attributes say about its check. Zero
// values mean the settings of the node.
type CheckSettings struct {
	Interval         time.Duration
	Timeout          time.Duration // for the whole probe
	SuccessThreshold int
	ExpectedStatus   []StatusRange // empty: 200 to 399
	Body             string        // to be found in the first 5,120 bytes of the body
	Host             string        // in place of service.namespace
	GRPC             bool          // the gRPC health protocol, over TLS for type HTTPS
}

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct{ First, Last int }

// Check returns the service's active check, or nil.
func (svc *Service) Check() *Check { return svc.check }

// newCheck puts a check together from a service as it is stored. Settings that
// are not understood are left out: they were refused, unless strict mode, where
// they have no meaning, let them in.
func newCheck(svc *Service) *Check {
	if svc.HealthCheck == nil {
		return nil
	}
	c := &Check{HealthCheck: *svc.HealthCheck}
	stamp := svc.HealthCheck.encode(nil)
	for k, v := range svc.Attributes.All() {
		if strings.HasPrefix(k, ownPrefix) && c.Settings.set(k, v) == "" {
			stamp = record.AppendString(stamp, 100, k)
			stamp = record.AppendString(stamp, 101, v)
		}
	}
	c.Stamp = fingerprint(string(stamp))
	return c
}
