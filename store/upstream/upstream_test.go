package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// source is a node to follow: a store that it has in common with a writer.
type source struct {
	*memory.Store
	stale atomic.Int64
}

func (s *source) Records() (store.Revision, iter.Seq[store.Record]) {
	var all []store.Record
	revision, err := s.Load(context.Background(), func(changes []store.Change) error {
		for _, c := range changes {
			all = append(all, c.Record)
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return revision, func(yield func(store.Record) bool) {
		for _, r := range all {
			if !yield(r) {
				return
			}
		}
	}
}

func (s *source) Changes(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return s.Watch(ctx, after)
}

func (s *source) Staleness(time.Time) time.Duration { return time.Duration(s.stale.Load()) }

func (s *source) put(t *testing.T, key, value string) store.Revision {
	t.Helper()
	revision, err := s.Commit(t.Context(), store.Txn{Writes: []store.Write{{Key: key, Value: []byte(value)}}})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// start serves a source over HTTP/2 and returns a store that follows it.
func start(t *testing.T) (*source, *Store, *httptest.Server) {
	t.Helper()
	s := &source{Store: memory.New()}
	s.Records() // loads
	stop := make(chan struct{})
	mux := http.NewServeMux()
	handler := NewHandler(s, stop)
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the request came over %s", r.Proto)
		}
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	})
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(func() { close(stop); server.Close() })
	follower, err := New(Config{URL: server.URL, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = follower.Close() })
	return s, follower, server
}

func load(t *testing.T, s store.Store) (map[string]string, store.Revision) {
	t.Helper()
	all := map[string]string{}
	revision, err := s.Load(t.Context(), func(changes []store.Change) error {
		for _, c := range changes {
			all[c.Key] = fmt.Sprint(string(c.Value), "@", c.Revision)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, revision
}

func TestLoadAndFollow(t *testing.T) {
	s, follower, _ := start(t)
	for i := range 1000 {
		s.put(t, fmt.Sprint("k", i), "v")
	}
	all, revision := load(t, follower)
	if want, at := load(t, s.Store); revision != at || !reflect.DeepEqual(all, want) {
		t.Fatalf("%d records at %d, want %d at %d", len(all), revision, len(want), at)
	}
	before := time.Now()
	next, stop := iter.Pull2(follower.Watch(t.Context(), revision))
	defer stop()
	for i := range 10 {
		at := s.put(t, fmt.Sprint("more", i), fmt.Sprint("value", i))
		batch, err, _ := next()
		if err != nil || batch.Revision != at || len(batch.Writes) != 1 || string(batch.Writes[0].Value) != fmt.Sprint("value", i) {
			t.Fatalf("%+v, %v", batch, err)
		}
	}
	if _, err := s.Commit(t.Context(), store.Txn{Writes: []store.Write{{Key: "more1", Delete: true}, {Key: "empty"}}}); err != nil {
		t.Fatal(err)
	}
	batch, err, _ := next()
	if err != nil || !batch.Writes[0].Delete || batch.Writes[0].Key != "more1" || batch.Writes[1].Delete {
		t.Errorf("%+v, %v", batch, err)
	}
	if at := follower.LastContact(); at.Before(before) || at.After(time.Now()) {
		t.Errorf("last contact %v", at)
	}
}

func TestContactIsAsOldAsThatOfTheSource(t *testing.T) {
	s, follower, _ := start(t)
	s.stale.Store(int64(time.Minute))
	next, stop := iter.Pull2(follower.Watch(t.Context(), 0))
	defer stop()
	s.put(t, "k", "v")
	if _, err, _ := next(); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(follower.LastContact()); age < time.Minute || age > 2*time.Minute {
		t.Errorf("the contact is %v old", age)
	}
}

func TestCompacted(t *testing.T) {
	s, follower, _ := start(t)
	for range 3 {
		s.put(t, "k", "v")
	}
	s.Compact(2)
	for _, err := range follower.Watch(t.Context(), 1) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Errorf("got %v", err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	_, follower, server := start(t)
	if _, err := follower.Commit(t.Context(), store.Txn{}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("a write: %v", err)
	}
	follower.token = "wrong"
	if _, err := follower.Load(t.Context(), nil); !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), "no token") {
		t.Errorf("with a wrong token: %v", err)
	}
	server.CloseClientConnections()
	server.Listener.Close()
	for _, err := range follower.Watch(t.Context(), 0) {
		if !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("without a node: %v", err)
		}
	}
	_ = follower.Close()
	if _, err := follower.Load(t.Context(), nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestURL(t *testing.T) {
	for _, bad := range []string{"", "node:8055", "ftp://node", "http://", "http://user:pass@node", "http://node/?x=1", "http://[::1"} {
		if _, err := New(Config{URL: bad}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzFrame(f *testing.F) {
	var seed bytes.Buffer
	w := frameWriter{out: bufio.NewWriter(&seed)}
	for _, one := range []frame{
		{kind: kindRecord, revision: 3, record: store.Record{Key: "k", Value: []byte("v")}}, {kind: kindLoaded, revision: 4},
		{kind: kindBatch, revision: 5, writes: []store.Write{{Key: "a", Value: []byte("b")}, {Key: "c", Delete: true}}}, {kind: kindContact, stale: 7},
	} {
		if err := w.write(&one); err != nil {
			f.Fatal(err)
		}
	}
	_ = w.out.Flush()
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		for range len(in) + 1 {
			got, err := readFrame(r)
			if err != nil {
				return
			}
			again, err := decodeFrame(got.append(nil))
			if err != nil || !bytes.Equal(again.append(nil), got.append(nil)) {
				t.Fatalf("%+v is read as %+v, %v", got, again, err)
			}
		}
	})
}
