package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// post sends one Cloud Map operation.
func post(ctx context.Context, client *http.Client, url, operation, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// writers creates namespaces in parallel until the server is gone, and returns the
// names of those that were acknowledged.
func writers(t *testing.T, url string, busy func()) []string {
	const n = 8
	var mu sync.Mutex
	var acknowledged []string
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				name := fmt.Sprintf("n-%d-%d", w, i)
				code, text, err := post(t.Context(), client, url, "CreateHttpNamespace", fmt.Sprintf(`{"Name":%q}`, name))
				switch {
				case err != nil: // the server has stopped
					return
				case code != http.StatusOK:
					t.Errorf("%s: %d %s", name, code, text)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, name)
				if len(acknowledged) == 10*n {
					busy()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return acknowledged
}

// TestSIGTERMWhileWriting stops a node while clients write: it ends with exit code
// 0 within ten seconds, and has every write that was acknowledged.
func TestSIGTERMWhileWriting(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(config, []byte("quotas: {namespaces_per_account: 0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	s := serveIn(t, data, "--config", config)
	busy := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		<-busy
		begin := time.Now()
		err := s.end(syscall.SIGTERM)
		if took := time.Since(begin); err == nil && took > 10*time.Second {
			err = fmt.Errorf("stopping took %v", took)
		}
		ended <- err
	}()
	acknowledged := writers(t, "http://"+s.api, func() { close(busy) })
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	s = serveIn(t, data, "--config", config)
	for _, name := range acknowledged {
		code, text, err := post(t.Context(), http.DefaultClient, "http://"+s.api, "ListNamespaces",
			fmt.Sprintf(`{"Filters":[{"Name":"NAME","Values":[%q]}]}`, name))
		if err != nil || code != 200 || !strings.Contains(text, `"`+name+`"`) {
			t.Fatalf("%s was acknowledged: %d %s %v", name, code, text, err)
		}
	}
}

// TestSIGTERMWithAStuckClient stops a node while a client does not finish its
// request: it ends in time and with exit code 0.
func TestSIGTERMWithAStuckClient(t *testing.T) {
	s := serveIn(t, t.TempDir())
	conn, err := net.Dial("tcp", s.api)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n"+
		"X-Amz-Target: Route53AutoNaming_v20170314.ListNamespaces\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100"))); err != nil {
		t.Fatal(err) // from here on the request is in flight
	}
	begin := time.Now()
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// TestSystemdIsNotified checks systemd's protocol: datagrams to the socket named by
// NOTIFY_SOCKET.
func TestSystemdIsNotified(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	s, err := startServer(append(os.Environ(), "NOTIFY_SOCKET="+path), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	if err := s.end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		message := make([]byte, 100)
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		n, err := socket.Read(message)
		if err != nil || string(message[:n]) != want {
			t.Errorf("got %q, %v; want %s", message[:n], err, want)
		}
	}
}
