package mesh

// Protocols of listeners.
const (
	HTTP  = "http"
	HTTP2 = "http2"
	GRPC  = "grpc"
	TCP   = "tcp"
)

// Listener is a listener of a virtual node, or of a virtual gateway, which has neither
// OutlierDetection nor Timeout.
type Listener struct {
	ConnectionPool   *ConnectionPool   `json:"connectionPool,omitempty"`
	HealthCheck      *HealthCheck      `json:"healthCheck,omitempty"`
	OutlierDetection *OutlierDetection `json:"outlierDetection,omitempty"`
	PortMapping      PortMapping       `json:"portMapping"`
	Timeout          *ListenerTimeout  `json:"timeout,omitempty"`
	TLS              *ListenerTLS      `json:"tls,omitempty"`
}

// PortMapping is a port with its protocol.
type PortMapping struct {
	Port     int64  `json:"port"`
	Protocol string `json:"protocol"`
}

// ConnectionPool is a union, whose member is that of the listener's protocol. A virtual
// gateway has no TCP.
type ConnectionPool struct {
	GRPC  *RequestPool `json:"grpc,omitempty"`
	HTTP  *HTTPPool    `json:"http,omitempty"`
	HTTP2 *RequestPool `json:"http2,omitempty"`
	TCP   *TCPPool     `json:"tcp,omitempty"`
}

// RequestPool limits requests.
type RequestPool struct {
	MaxRequests int64 `json:"maxRequests"`
}

// HTTPPool limits connections, and requests that wait for one. 0: no limit of these.
type HTTPPool struct {
	MaxConnections     int64 `json:"maxConnections"`
	MaxPendingRequests int64 `json:"maxPendingRequests,omitempty"`
}

// TCPPool limits connections.
type TCPPool struct {
	MaxConnections int64 `json:"maxConnections"`
}

// HealthCheck is how clients check a listener.
type HealthCheck struct {
	HealthyThreshold int64   `json:"healthyThreshold"`
	IntervalMillis   int64   `json:"intervalMillis"`
	Path             *string `json:"path,omitempty"`
	// Port is that of the listener if it is 0.
	Port               int64  `json:"port,omitempty"`
	Protocol           string `json:"protocol"`
	TimeoutMillis      int64  `json:"timeoutMillis"`
	UnhealthyThreshold int64  `json:"unhealthyThreshold"`
}

// OutlierDetection ejects endpoints that fail.
type OutlierDetection struct {
	BaseEjectionDuration Duration `json:"baseEjectionDuration"`
	Interval             Duration `json:"interval"`
	MaxEjectionPercent   int64    `json:"maxEjectionPercent"`
	MaxServerErrors      int64    `json:"maxServerErrors"`
}

// milliseconds is a unit of Duration; the other one is "s".
const milliseconds = "ms"

// Duration is a time as the client wrote it.
type Duration struct {
	Unit  string `json:"unit,omitempty"`
	Value *int64 `json:"value,omitempty"`
}

// maxMillis is the longest Duration that Millis returns: 100 years.
const maxMillis = 100 * 365 * 24 * 60 * 60 * 1000

// Millis returns the duration in milliseconds, at most 100 years. A missing value is 0, a
// missing unit is seconds.
func (d *Duration) Millis() int64 {
	if d == nil || d.Value == nil {
		return 0
	}
	n := min(max(*d.Value, 0), maxMillis)
	if d.Unit != milliseconds {
		n *= 1000
	}
	return min(n, maxMillis)
}

// ListenerTimeout is a union, whose member is that of the listener's protocol.
type ListenerTimeout struct {
	GRPC  *RequestTimeout `json:"grpc,omitempty"`
	HTTP  *RequestTimeout `json:"http,omitempty"`
	HTTP2 *RequestTimeout `json:"http2,omitempty"`
	TCP   *TCPTimeout     `json:"tcp,omitempty"`
}

// RequestTimeout limits a request, and the time in which nothing happens. A value of 0
// means no limit. Without them: 15 s for a request and 300 s idle.
type RequestTimeout struct {
	Idle       *Duration `json:"idle,omitempty"`
	PerRequest *Duration `json:"perRequest,omitempty"`
}

// TCPTimeout limits the time in which nothing happens.
type TCPTimeout struct {
	Idle *Duration `json:"idle,omitempty"`
}

// Modes of ListenerTLS.
const (
	TLSStrict     = "STRICT"
	TLSPermissive = "PERMISSIVE"
	TLSDisabled   = "DISABLED"
)

// ListenerTLS is how a listener does TLS.
type ListenerTLS struct {
	Certificate ListenerTLSCertificate `json:"certificate"`
	Mode        string                 `json:"mode"`
	Validation  *ListenerTLSValidation `json:"validation,omitempty"`
}

// ListenerTLSCertificate is a union.
type ListenerTLSCertificate struct {
	ACM  *ACMCertificate  `json:"acm,omitempty"`
	File *FileCertificate `json:"file,omitempty"`
	SDS  *SDSCertificate  `json:"sds,omitempty"`
}

// ListenerTLSValidation makes a listener require certificates of clients.
type ListenerTLSValidation struct {
	SubjectAlternativeNames *SubjectAlternativeNames `json:"subjectAlternativeNames,omitempty"`
	// Trust has no ACM.
	Trust Trust `json:"trust"`
}
