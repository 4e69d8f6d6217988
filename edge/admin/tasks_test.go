package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// sentence is an explanation.
type sentence string

func (s sentence) String() string { return string(s) + "\n" }

func withTasks(c *Config) {
	c.Logs = func(_ context.Context, r LogRequest, w io.Writer) error {
		if r.Task == "gone" {
			return errors.New("there is no task gone")
		}
		_, err := fmt.Fprintf(w, "%+v\n", r)
		return err
	}
	c.ExplainTask = func(_ context.Context, task string) (fmt.Stringer, error) {
		if task == "" {
			return nil, errors.New("task is missing")
		}
		return sentence(task + " is running"), nil
	}
}

func TestTasks(t *testing.T) {
	tests := []struct {
		path   string
		change func(*Config)
		status int
		text   string
	}{
		{"/tasks/logs?task=t1", nil, 404, "this node runs no tasks: it was started without --runner\n"},
		{"/tasks/explain?task=t1", nil, 404, "404 page not found\n"},
		{"/tasks/logs?task=t1", withTasks, 200, "{Task:t1 Container: Follow:false Tail:0}\n"},
		{"/tasks/logs?task=t1&container=app&follow=true&tail=7", withTasks, 200, "{Task:t1 Container:app Follow:true Tail:7}\n"},
		{"/tasks/logs", withTasks, 400, "task is missing: /tasks/logs?task=ID[&container=NAME][&follow=true][&tail=N]\n"},
		{"/tasks/logs?task=t1&tail=-1", withTasks, 400, "tail=\"-1\" must be a number from 0 to 1000000\n"},
		{"/tasks/logs?task=t1&tail=x", withTasks, 400, "tail=\"x\" must be a number from 0 to 1000000\n"},
		{"/tasks/logs?task=gone", withTasks, 404, "there is no task gone\n"},
		{"/tasks/explain?task=t1", withTasks, 200, "t1 is running\n"},
		{"/tasks/explain?task=t1&format=json", withTasks, 200, "\"t1 is running\"\n"},
		{"/tasks/explain", withTasks, 400, "task is missing\n"},
		{"/tasks/logs?task=t1", func(c *Config) { withTasks(c); notReady(c) }, 503, "no logs: loading the registry\n"},
	}
	for _, test := range tests {
		w := serve(newServer(t, test.change), httptest.NewRequest("GET", "http://localhost"+test.path, nil))
		if w.Code != test.status || w.Body.String() != test.text {
			t.Errorf("%s: %d %q, want %d %q", test.path, w.Code, w.Body, test.status, test.text)
		}
	}
}

// TestLogsArriveAtOnce: a client that follows sees a line before the next is written.
func TestLogsArriveAtOnce(t *testing.T) {
	seen := make(chan struct{})
	server := httptest.NewServer(newServer(t, func(c *Config) {
		c.Logs = func(ctx context.Context, _ LogRequest, w io.Writer) error {
			if _, err := io.WriteString(w, "first\n"); err != nil {
				return err
			}
			select {
			case <-seen:
			case <-ctx.Done():
				return ctx.Err()
			}
			_, err := io.WriteString(w, "second\n")
			return err
		}
	}).handler)
	defer server.Close()
	answer, err := http.Get(server.URL + "/tasks/logs?task=t1&follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for _, want := range []string{"first", "second"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("line is %q (%v), want %q", lines.Text(), lines.Err(), want)
		}
		if want == "first" {
			close(seen)
		}
	}
}
