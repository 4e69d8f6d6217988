// Package health turns the results of probes into a verdict: is an instance
// healthy? It is pure; it knows neither clocks nor sockets.
//
// A verdict changes only after a number of like results in a row, as a Route 53
// health check's does:
//
//	             passes in a row = Success
//	UNKNOWN ──────────────────────────────► HEALTHY
//	   │                                     │   ▲
//	   │ failures in a row = Failure         │   │ Success passes in a row
//	   ▼                                     ▼   │
//	UNHEALTHY ◄────────── Failure failures ──────┘
//
//	track := health.Start(health.Unknown)
//	changed := track.Observe(true, health.Thresholds{Failure: 3})
//	verdict := track.Verdict()
package health

// Verdict is what the results so far amount to. The zero value is Unknown.
type Verdict uint8

// The verdicts; they stand for the health statuses of the Cloud Map API.
const (
	Unknown Verdict = iota
	Healthy
	Unhealthy
)

func (v Verdict) String() string {
	switch v {
	case Healthy:
		return "HEALTHY"
	case Unhealthy:
		return "UNHEALTHY"
	}
	return "UNKNOWN"
}

// Thresholds are how many like results in a row make a verdict.
type Thresholds struct {
	// Failure is 1 to 10: that of HealthCheckConfig.
	Failure int
	// Success is 0 to 10; 0 means the same as Failure, which is what Route 53
	// does.
	Success int
}

func (t Thresholds) needed(pass bool) int {
	if pass && t.Success > 0 {
		return t.Success
	}
	return max(t.Failure, 1)
}

// Track is the memory of one check: its verdict and the like results since the
// last unlike one. The zero value is an instance that nothing is known of. It is
// small because there may be a hundred thousand.
type Track struct {
	verdict Verdict
	pass    bool  // what the streak is made of
	found   bool  // results have led to the verdict, or to the same one
	streak  uint8 // saturates at 255
}

// Start begins with a verdict that is known from before: Unknown for a new
// instance, Healthy where AWS's way of trusting new instances is wanted, or what
// was stored before a restart. No result counts yet.
func Start(v Verdict) Track { return Track{verdict: v} }

// Found begins with a verdict that results have led to. Others do not count yet.
func Found(v Verdict) Track { return Track{verdict: v, found: true} }

// Verdict returns the current verdict.
func (t Track) Verdict() Verdict { return t.verdict }

// Found returns the verdict that results have led to since Start, Unknown if there were not
// enough.
func (t Track) Found() Verdict {
	if t.found {
		return t.verdict
	}
	return Unknown
}

// Adopt replaces the verdict unless results have led to it. The results in a row stay.
func (t *Track) Adopt(v Verdict) {
	if !t.found {
		t.verdict = v
	}
}

// Resume counts equal results that others have had before those of this Track, if these are
// the same or none. It makes no verdict: the next result may.
func (t *Track) Resume(results uint8, pass bool) {
	if t.found || t.streak > 0 && t.pass != pass {
		return
	}
	t.pass, t.streak = pass, uint8(min(int(t.streak)+int(results), 255))
}

// Unfinished returns the results in a row that count towards another verdict than the
// present one, and whether they were passes. It is 0 if they confirm the verdict.
func (t Track) Unfinished() (results uint8, pass bool) {
	if t.verdict != Unknown && t.pass == (t.verdict == Healthy) {
		return 0, t.pass
	}
	return t.streak, t.pass
}

// Streak returns how many results in a row were like the last one, up to 255,
// and whether they were passes.
func (t Track) Streak() (n int, pass bool) { return int(t.streak), t.pass }

// Observe takes in one result and reports whether the verdict changed.
func (t *Track) Observe(pass bool, th Thresholds) (changed bool) {
	if pass != t.pass {
		t.pass, t.streak = pass, 0
	}
	if t.streak < 255 {
		t.streak++
	}
	next := Unhealthy
	if pass {
		next = Healthy
	}
	if int(t.streak) < th.needed(pass) {
		return false
	}
	changed = next != t.verdict
	t.verdict, t.found = next, true
	return changed
}

// Forget drops the results that count towards the next verdict; the verdict
// itself stays. That is what happens when the check is changed: results of the
// old check say nothing about the new one, but an instance that served until now
// is not taken out because somebody corrected a path.
func (t *Track) Forget() { t.streak, t.found = 0, false }
