package registry

import (
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/internal/record"
)

// Check is the active check of a service with the settings from the service's
// attributes, as a prober needs it. It is immutable.
type Check struct {
	HealthCheck
	Settings CheckSettings
	// Stamp identifies this version of the check. It is never zero.
	Stamp uint64
}

// CheckSettings are the settings of a check in the service's attributes. Zero values
// mean the settings of the node.
type CheckSettings struct {
	Interval         time.Duration
	Timeout          time.Duration // for the whole probe
	SuccessThreshold int
	ExpectedStatus   []StatusRange // empty: 200 to 399
	Body             string        // must be in the first 5,120 bytes of the body
	Host             string        // instead of service.namespace
	GRPC             bool          // the gRPC health protocol, over TLS for type HTTPS
}

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct{ First, Last int }

// Check returns the service's active check, or nil.
func (svc *Service) Check() *Check { return svc.check }

// newCheck returns the check of a stored service. It ignores invalid settings, which
// only strict mode accepts, where they have no meaning.
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
