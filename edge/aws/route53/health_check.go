package route53

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// checkView is a health check as the API shows it: one of Route 53, or that of an instance
// of Cloud Map.
type checkView struct {
	check    *hostedzone.HealthCheck
	svc      *registry.Service
	instance *registry.Instance
	id       string
}

// findCheck returns a health check of the caller's account.
func findCheck(c *service.Call, id *string) (*checkView, error) {
	want := service.Value(trimID(id))
	c.Target = want
	if h, ok := c.State.HostedZones.Check(want); ok && h.Account == c.Account {
		return &checkView{check: h, id: want}, nil
	}
	for v := range instanceChecks(c) {
		if v.id == want {
			return v, nil
		}
	}
	return nil, hostedzone.NoCheck(want)
}

// instanceChecks yields the health checks of instances of the account.
func instanceChecks(c *service.Call) func(func(*checkView) bool) {
	return func(yield func(*checkView) bool) {
		for _, svc := range c.State.Registry.Services(c.Account, "") {
			if svc.HealthCheck == nil {
				continue
			}
			for _, inst := range svc.Instances("") {
				if !yield(&checkView{svc: svc, instance: inst, id: hostedzone.InstanceCheck(svc, inst)}) {
					return
				}
			}
		}
	}
}

// checks returns all health checks of the account in the order of their ids.
func checks(c *service.Call) []*checkView {
	var all []*checkView
	for h := range c.State.HostedZones.Checks(c.Account, "") {
		all = append(all, &checkView{check: h, id: h.ID})
	}
	for v := range instanceChecks(c) {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *checkView) int { return strings.Compare(a.id, b.id) })
	return all
}

func countChecks(c *service.Call) int64 { return int64(len(checks(c))) }

func (v *checkView) shape(c *service.Call) *HealthCheck {
	if v.check != nil {
		return &HealthCheck{
			Id: v.id, CallerReference: v.check.CallerReference, HealthCheckVersion: new(v.check.Version), HealthCheckConfig: configShape(&v.check.Config),
		}
	}
	arn := c.Rules.Registry.ServiceARN(v.svc.Account, v.svc.ID)
	hc := v.svc.HealthCheck
	attrs := v.instance.Attributes()
	cfg := hostedzone.CheckConfig{Type: string(hc.Type), Path: hc.ResourcePath, Threshold: int64(hc.FailureThreshold), Interval: 30}
	if ip, ok := attrs.Get(registry.AttrIPv4); ok {
		cfg.IP = ip
	} else if ip, ok := attrs.Get(registry.AttrIPv6); ok {
		cfg.IP = ip
	}
	if port, ok := attrs.Get(registry.AttrPort); ok {
		_, _ = fmt.Sscan(port, &cfg.Port) // registration has checked it
	}
	return &HealthCheck{
		Id: v.id, CallerReference: string(v.svc.ID) + "/" + string(v.instance.ID()), HealthCheckVersion: new(int64(1)), HealthCheckConfig: configShape(&cfg),
		LinkedService: &LinkedService{ServicePrincipal: cloudMapPrincipal, Description: arn},
	}
}

// managed is the refusal of changes of an instance's health check.
func (v *checkView) managed(c *service.Call) error {
	if v.check != nil {
		return nil
	}
	return &hostedzone.Error{Code: hostedzone.AccessDenied, Message: fmt.Sprintf("The resource healthcheck/%s can only be managed through AWS CloudMap (%s)",
		v.id, c.Rules.Registry.ServiceARN(v.svc.Account, v.svc.ID))}
}

// filled returns nil for the zero value, which answers leave out.
func filled[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func configShape(cfg *hostedzone.CheckConfig) *HealthCheckConfig {
	out := &HealthCheckConfig{
		Type: new(HealthCheckType(cfg.Type)), IPAddress: filled(cfg.IP), Port: filled(cfg.Port), ResourcePath: filled(cfg.Path),
		FullyQualifiedDomainName: filled(cfg.Domain), SearchString: filled(cfg.Search),
		Inverted: new(cfg.Inverted), Disabled: new(cfg.Disabled),
	}
	if !cfg.Probed() {
		out.ChildHealthChecks, out.HealthThreshold = slices.Clone(cfg.Children), new(cfg.HealthThreshold)
		if out.ChildHealthChecks == nil {
			out.ChildHealthChecks = []string{}
		}
		return out
	}
	out.RequestInterval, out.FailureThreshold = new(cfg.Interval), new(cfg.Threshold)
	out.MeasureLatency, out.EnableSNI = new(cfg.MeasureLatency), new(cfg.SNI)
	for _, r := range cfg.Regions {
		out.Regions = append(out.Regions, HealthCheckRegion(r))
	}
	return out
}

// configOf reads the configuration of a new health check.
func configOf(in *HealthCheckConfig) hostedzone.CheckConfig {
	cfg := hostedzone.CheckConfig{
		Type: string(service.Value(in.Type)), IP: service.Value(in.IPAddress), Port: service.Value(in.Port), Path: service.Value(in.ResourcePath),
		Domain: service.Value(in.FullyQualifiedDomainName), Search: service.Value(in.SearchString),
		Interval: service.Value(in.RequestInterval), Threshold: service.Value(in.FailureThreshold), MeasureLatency: service.Value(in.MeasureLatency),
		Inverted: service.Value(in.Inverted), Disabled: service.Value(in.Disabled),
		Children: in.ChildHealthChecks, HealthThreshold: service.Value(in.HealthThreshold),
	}
	cfg.SNI = strings.HasPrefix(cfg.Type, hostedzone.CheckHTTPS)
	if in.EnableSNI != nil {
		cfg.SNI = *in.EnableSNI
	}
	for _, r := range in.Regions {
		cfg.Regions = append(cfg.Regions, string(r))
	}
	return cfg
}

// checkMembers refuses members that only kinds of health checks have which are not here:
// they would be lost.
func checkMembers(alarm *AlarmIdentifier, insufficient *InsufficientDataHealthStatus, control *string) error {
	const text = "Invalid parameter : %s is valid for health checks of type %s only, which are not supported"
	switch {
	case alarm != nil:
		return invalidInput(fmt.Sprintf(text, "AlarmIdentifier", "CLOUDWATCH_METRIC"))
	case insufficient != nil:
		return invalidInput(fmt.Sprintf(text, "InsufficientDataHealthStatus", "CLOUDWATCH_METRIC"))
	case control != nil:
		return invalidInput(fmt.Sprintf(text, "RoutingControlArn", "RECOVERY_CONTROL"))
	}
	return nil
}

func (a *api) CreateHealthCheck(ctx context.Context, c *service.Call, in *CreateHealthCheckRequest) (*CreateHealthCheckResponse, error) {
	if cfg := in.HealthCheckConfig; *cfg.Type != HealthCheckTypeCloudwatchMetric && *cfg.Type != HealthCheckTypeRecoveryControl {
		if err := checkMembers(cfg.AlarmIdentifier, cfg.InsufficientDataHealthStatus, cfg.RoutingControlArn); err != nil {
			return nil, err
		}
	}
	reply, err := c.Propose(ctx, &hostedzone.CreateCheck{CallerReference: *in.CallerReference, Config: configOf(in.HealthCheckConfig)})
	if err != nil {
		return nil, err
	}
	h := reply.Value.(*hostedzone.HealthCheck)
	c.Target = h.ID
	v := &checkView{check: h, id: h.ID}
	return &CreateHealthCheckResponse{HealthCheck: v.shape(c), Location: a.location("healthcheck/" + h.ID)}, nil
}

func (a *api) GetHealthCheck(_ context.Context, c *service.Call, in *GetHealthCheckRequest) (*GetHealthCheckResponse, error) {
	v, err := findCheck(c, in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &GetHealthCheckResponse{HealthCheck: v.shape(c)}, nil
}

func (a *api) GetHealthCheckCount(_ context.Context, c *service.Call, _ *GetHealthCheckCountRequest) (*GetHealthCheckCountResponse, error) {
	return &GetHealthCheckCountResponse{HealthCheckCount: new(countChecks(c))}, nil
}

func (a *api) ListHealthChecks(_ context.Context, c *service.Call, in *ListHealthChecksRequest) (*ListHealthChecksResponse, error) {
	size, err := pageSize(in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	marker := service.Value(in.Marker)
	if err := checkMarker(marker, checkIDForm); err != nil {
		return nil, err
	}
	out := &ListHealthChecksResponse{HealthChecks: []HealthCheck{}, Marker: marker, MaxItems: size.text, IsTruncated: new(false)}
	for _, v := range checks(c) {
		switch {
		case v.id < marker:
		case len(out.HealthChecks) == size.n:
			out.IsTruncated, out.NextMarker = new(true), v.id
			return out, nil
		default:
			out.HealthChecks = append(out.HealthChecks, *v.shape(c))
		}
	}
	return out, nil
}

func (a *api) UpdateHealthCheck(ctx context.Context, c *service.Call, in *UpdateHealthCheckRequest) (*UpdateHealthCheckResponse, error) {
	v, err := findCheck(c, in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	if err := v.managed(c); err != nil {
		return nil, err
	}
	if err := checkMembers(in.AlarmIdentifier, in.InsufficientDataHealthStatus, nil); err != nil {
		return nil, err
	}
	reply, err := c.Propose(ctx, &hostedzone.UpdateCheck{ID: v.id, Version: service.Value(in.HealthCheckVersion), Change: func(cfg *hostedzone.CheckConfig) { update(cfg, in) }})
	if err != nil {
		return nil, err
	}
	return &UpdateHealthCheckResponse{HealthCheck: (&checkView{check: reply.Value.(*hostedzone.HealthCheck), id: v.id}).shape(c)}, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// update changes the members that the input has. Resets come first.
func update(cfg *hostedzone.CheckConfig, in *UpdateHealthCheckRequest) {
	for _, name := range in.ResetElements {
		switch name {
		case ResettableElementNameChildHealthChecks:
			cfg.Children = nil
		case ResettableElementNameFullyQualifiedDomainName:
			cfg.Domain = ""
		case ResettableElementNameRegions:
			cfg.Regions = nil
		case ResettableElementNameResourcePath:
			cfg.Path = ""
		}
	}
	set(&cfg.IP, in.IPAddress)
	set(&cfg.Port, in.Port)
	set(&cfg.Path, in.ResourcePath)
	set(&cfg.Domain, in.FullyQualifiedDomainName)
	set(&cfg.Search, in.SearchString)
	set(&cfg.Threshold, in.FailureThreshold)
	set(&cfg.Inverted, in.Inverted)
	set(&cfg.Disabled, in.Disabled)
	set(&cfg.SNI, in.EnableSNI)
	set(&cfg.HealthThreshold, in.HealthThreshold)
	if len(in.ChildHealthChecks) > 0 {
		cfg.Children = in.ChildHealthChecks
	}
	if len(in.Regions) > 0 {
		cfg.Regions = nil
		for _, r := range in.Regions {
			cfg.Regions = append(cfg.Regions, string(r))
		}
	}
}

func (a *api) DeleteHealthCheck(ctx context.Context, c *service.Call, in *DeleteHealthCheckRequest) (*DeleteHealthCheckResponse, error) {
	v, err := findCheck(c, in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	if err := v.managed(c); err != nil {
		return nil, err
	}
	if _, err := c.Propose(ctx, &hostedzone.DeleteCheck{ID: v.id}); err != nil {
		return nil, err
	}
	return &DeleteHealthCheckResponse{}, nil
}

// Observation is what a node last found of a health check.
type Observation struct {
	// Last is the outcome of the newest probe, Failed that of the newest that failed.
	Last, Failed     health.Reason
	LastAt, FailedAt time.Time
	// Resolved is the address that was probed, where a name was resolved.
	Resolved netip.Addr
	// By is the name of the node that runs the check, if another one does. Then only the
	// verdict is known here.
	By      string
	verdict health.Verdict
}

// status returns the text about the newest probe, or about the verdict of another node.
func (o *Observation) status() []HealthCheckObservation {
	switch {
	case o.By == "":
		return report(statusText(o.Last, o.Resolved), o.LastAt)
	case o.verdict == health.Unknown:
		return []HealthCheckObservation{}
	case o.verdict == health.Unhealthy:
		return report("Failure: found by the node "+o.By+", which runs this check", time.Now())
	}
	return report("Success: found by the node "+o.By+", which runs this check", time.Now())
}

// observe asks the prober. A calculated check has no probes.
func (a *api) observe(c *service.Call, id *string) (Observation, error) {
	v, err := findCheck(c, id)
	if err != nil {
		return Observation{}, err
	}
	if v.check != nil && !v.check.Config.Probed() {
		return Observation{}, invalidInput("The health check " + v.id + " is of type CALCULATED: it has a status of its own only by those of its children.")
	}
	if a.observation == nil {
		return Observation{}, nil
	}
	if v.check != nil {
		o, _ := a.observation(v.id, "", "")
		o.verdict = v.check.Verdict
		return o, nil
	}
	o, _ := a.observation("", string(v.svc.ID), string(v.instance.ID()))
	o.verdict = health.Verdict(v.svc.Health(v.instance))
	return o, nil
}

func report(text string, at time.Time) []HealthCheckObservation {
	if at.IsZero() {
		return []HealthCheckObservation{}
	}
	return []HealthCheckObservation{{
		Region: HealthCheckRegionUsEast1, IPAddress: "127.0.0.1", StatusReport: &StatusReport{Status: text, CheckedTime: timestamp.Milliseconds(at.UnixMilli())},
	}}
}

// statusText words the outcome of a probe as AWS does where its words are known.
func statusText(r health.Reason, resolved netip.Addr) string {
	status := fmt.Sprintf("HTTP Status Code %d, %s", r.Code, http.StatusText(int(r.Code)))
	text := "Failure: the probe " + r.String()
	switch {
	case r.Pass() && r.Code != 0:
		text = "Success: " + status
	case r.Pass():
		text = "Success: TCP connection established"
	case r.Kind == health.BadStatus:
		text = "Failure: " + status
	case r.Kind == health.ConnectTimeout:
		text = "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being blocked by your firewall."
	}
	if resolved.IsValid() {
		text += ". Resolved IP: " + resolved.String()
	}
	return text
}

func (a *api) GetHealthCheckStatus(_ context.Context, c *service.Call, in *GetHealthCheckStatusRequest) (*GetHealthCheckStatusResponse, error) {
	o, err := a.observe(c, in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &GetHealthCheckStatusResponse{HealthCheckObservations: o.status()}, nil
}

func (a *api) GetHealthCheckLastFailureReason(_ context.Context, c *service.Call, in *GetHealthCheckLastFailureReasonRequest) (*GetHealthCheckLastFailureReasonResponse, error) {
	o, err := a.observe(c, in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &GetHealthCheckLastFailureReasonResponse{HealthCheckObservations: report(statusText(o.Failed, o.Resolved), o.FailedAt)}, nil
}

// GetCheckerIpRanges returns the addresses that probes come from: this node's.
func (a *api) GetCheckerIpRanges(context.Context, *service.Call, *GetCheckerIpRangesRequest) (*GetCheckerIpRangesResponse, error) {
	out := &GetCheckerIpRangesResponse{CheckerIpRanges: []string{}}
	if a.checkers != nil {
		for _, p := range a.checkers() {
			out.CheckerIpRanges = append(out.CheckerIpRanges, p.String())
		}
	}
	return out, nil
}
