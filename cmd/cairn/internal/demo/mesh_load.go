package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// meshReply is what an instance of web answers.
type meshReply struct{ Instance, Platform string }

// app is the application of an instance. It knows nothing of the mesh.
type app struct {
	instance, platform string
	seen               *certificates
	failing            atomic.Bool
}

// fail makes the application answer with errors.
func (a *app) fail() { a.failing.Store(true) }

// serve answers until ctx ends.
func (a *app) serve(ctx context.Context, l net.Listener) {
	server := &http.Server{ReadHeaderTimeout: callLimit, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.seen.add(r.Header.Get("X-Forwarded-Client-Cert"))
		if a.failing.Load() {
			http.Error(w, a.instance+" fails", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(meshReply{a.instance, a.platform}) // an error means that the client has gone
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	_ = server.Serve(l) // it ends with ctx
}

// certificates are those that clients showed to the instances.
type certificates struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (c *certificates) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if len(c.seen) < 1000 && text != "" {
		c.seen[text] = true
	}
}

func (c *certificates) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// ask sends a request to web.local through the proxy of the client.
func (m *mesh) ask(ctx context.Context, client *http.Client) (meshReply, error) {
	var answer meshReply
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.client+"/", nil)
	if err != nil {
		return answer, err
	}
	request.Host = webHost
	response, err := client.Do(request)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(text, &answer)
}

// meshRow is what the client saw in one phase.
type meshRow struct {
	phase              string // empty: while a change comes into force
	requests, failures int
	firstError         string
	platforms          map[string]int  // answers
	used               map[string]bool // instances
	latencies          []time.Duration
}

// meshLoad sends requests and counts what comes back. A request counts in the phase in
// which it began.
type meshLoad struct {
	mesh   *mesh
	client *http.Client

	mu   sync.Mutex
	rows []*meshRow
}

func newMeshLoad(m *mesh) *meshLoad {
	l := &meshLoad{mesh: m, client: &http.Client{Timeout: 2 * callLimit, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	l.begin("")
	return l
}

// begin begins a phase.
func (l *meshLoad) begin(phase string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, &meshRow{phase: phase, platforms: map[string]int{}, used: map[string]bool{}})
}

// run sends requests at a rate until ctx ends, and waits for those under way. A request
// counts for the phase in which it begins.
func (l *meshLoad) run(ctx context.Context, perSecond float64) {
	defer l.client.CloseIdleConnections()
	atRate(ctx, perSecond, l.request, func(err error) { l.count(l.current(), meshReply{}, 0, err) })
}

func (l *meshLoad) request(ctx context.Context) {
	row, begin := l.current(), time.Now()
	answer, err := l.mesh.ask(ctx, l.client)
	l.count(row, answer, time.Since(begin), err)
}

func (l *meshLoad) current() *meshRow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[len(l.rows)-1]
}

func (l *meshLoad) count(row *meshRow, answer meshReply, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	row.requests++
	if err != nil {
		row.failures++
		if row.firstError == "" {
			row.firstError = err.Error()
		}
		return
	}
	row.platforms[answer.Platform]++
	row.used[answer.Instance] = true
	row.latencies = append(row.latencies, took)
}

// holds reports whether there are enough answers of the current phase, and whether they
// fulfil a condition.
func (l *meshLoad) holds(condition func(*meshRow) bool) (enough, holds bool) {
	row := l.current()
	l.mu.Lock()
	defer l.mu.Unlock()
	enough = len(row.latencies) >= minAnswers
	return enough, enough && condition(row)
}

// minAnswers is how many answers show that a change is in force.
const minAnswers = 10

// report returns the rows of the phases, once all requests have ended. Requests that
// failed while a change came into force count in the phase that follows.
func (l *meshLoad) report() []*meshRow {
	var phases []*meshRow
	failed := &meshRow{}
	for _, r := range l.rows {
		if r.phase == "" {
			failed.addFailures(r)
			continue
		}
		r.addFailures(failed)
		phases, failed = append(phases, r), &meshRow{}
	}
	return phases
}

func (r *meshRow) addFailures(other *meshRow) {
	r.requests += other.failures
	r.failures += other.failures
	r.firstError = cmp.Or(r.firstError, other.firstError)
}

// printMeshReport prints the table of the phases.
func printMeshReport(w io.Writer, rows []*meshRow) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "PHASE\tREQUESTS\tFAILURES\tON-PREMISES\tECS\tINSTANCES USED\tP50\tP99")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%d\t%v\t%v\n", r.phase, r.requests, r.failures,
			r.share(platforms[0]), r.share(platforms[1]), len(r.used), quantile(r.latencies, 0.5), quantile(r.latencies, 0.99))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.firstError != "" {
			if _, err := fmt.Fprintf(w, "first failure in %q: %s\n", r.phase, r.firstError); err != nil {
				return err
			}
		}
	}
	return nil
}

// share returns the share of the answers that came from a platform.
func (r *meshRow) share(p platform) string {
	return fmt.Sprintf("%.1f %%", 100*float64(r.platforms[p.where])/float64(max(1, len(r.latencies))))
}
