package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// journal notes what happened, in order.
type journal struct{ events chan string }

func newJournal() *journal { return &journal{events: make(chan string, 100)} }

func (j *journal) note(event string) { j.events <- event }

func (j *journal) all() []string {
	close(j.events)
	var all []string
	for e := range j.events {
		all = append(all, e)
	}
	return all
}

// tidy is a component that starts up at once and stops well.
func (j *journal) tidy(name string) component {
	up := make(chan struct{})
	return component{name: name, up: up, stopTimeout: time.Second, run: func(ctx context.Context) error {
		j.note("start " + name)
		close(up)
		<-ctx.Done()
		j.note("stop " + name)
		return ctx.Err()
	}}
}

func (j *journal) run(ctx context.Context, components ...component) error {
	return runComponents(ctx, components, func() { j.note("up") }, func() { j.note("stopping") })
}

func TestComponentsStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := j.run(ctx, j.tidy("a"), j.tidy("b"), j.tidy("c")); err != nil {
			t.Errorf("runComponents() = %v, want nil", err)
		}
		want := []string{"start a", "start b", "start c", "up", "stopping", "stop c", "stop b", "stop a"}
		if got := j.all(); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestComponentFailsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		failing := component{name: "b", run: func(ctx context.Context) error {
			time.Sleep(time.Minute) // of the bubble's clock
			return errors.New("broken")
		}}
		err := j.run(t.Context(), j.tidy("a"), failing, j.tidy("c"))
		if err == nil || err.Error() != "b: broken" {
			t.Errorf("runComponents() = %v, want b: broken", err)
		}
		want := []string{"start a", "start c", "up", "stopping", "stop c", "stop a"}
		if got := j.all(); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestComponentFailsWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		failing := component{name: "b", up: make(chan struct{}), run: func(ctx context.Context) error {
			return errors.New("broken")
		}}
		err := j.run(t.Context(), j.tidy("a"), failing, j.tidy("c"))
		if err == nil || err.Error() != "b: broken" {
			t.Errorf("runComponents() = %v, want b: broken", err)
		}
		want := []string{"start a", "stopping", "stop a"}
		if got := j.all(); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestComponentEndsWithoutReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		quitter := component{name: "b", run: func(context.Context) error { return nil }}
		err := j.run(t.Context(), j.tidy("a"), quitter)
		if err == nil || !strings.Contains(err.Error(), "b ended unexpectedly") {
			t.Errorf("runComponents() = %v", err)
		}
	})
}

func TestStopWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		loading := j.tidy("loading")
		loading.up = make(chan struct{}) // never
		if err := j.run(ctx, j.tidy("a"), loading); err != nil {
			t.Errorf("runComponents() = %v, want nil", err)
		}
		got := j.all()
		if slices.Contains(got, "up") || !slices.Contains(got, "stop a") {
			t.Errorf("got %v", got)
		}
	})
}

func TestComponentThatHangsDoesNotKeepOthersFromStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		release := make(chan struct{})
		hanging := component{name: "b", stopTimeout: 5 * time.Second, run: func(context.Context) error {
			<-release
			return nil
		}}
		begin := time.Now()
		err := j.run(ctx, j.tidy("a"), hanging)
		if err == nil || err.Error() != "b did not stop within 5s" {
			t.Errorf("runComponents() = %v", err)
		}
		if took := time.Since(begin); took != time.Minute+5*time.Second {
			t.Errorf("took %v", took)
		}
		if got := j.all(); !slices.Contains(got, "stop a") {
			t.Errorf("a was not stopped: %v", got)
		}
		close(release)
	})
}

func TestComponentThatMayBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		release := make(chan struct{})
		late := 0
		hanging := component{name: "b", stopTimeout: 5 * time.Second, late: func() { late++ }, run: func(context.Context) error {
			<-release
			return nil
		}}
		if err := j.run(ctx, j.tidy("a"), hanging); err != nil || late != 1 {
			t.Errorf("runComponents() = %v, late %d times", err, late)
		}
		if got := j.all(); !slices.Contains(got, "stop a") {
			t.Errorf("a was not stopped: %v", got)
		}
		close(release)
	})
}
