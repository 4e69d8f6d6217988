//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// peerArg makes this program one of the servers that cairn is compared with.
const peerArg = "peer"

// startPeer starts such a server:
//
//	bytes  answers every request with the given bytes
//	log    answers after it has decoded the JSON of the request and appended
//	       the body to a log with group commit
func (r *run) startPeer(kind string, answer []byte) (*process, error) {
	file := filepath.Join(r.dir, "peer-"+kind)
	if err := os.WriteFile(file, answer, 0o644); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startPinned(exec.Command(self, peerArg, kind, file), regexp.MustCompile(`msg=ready api=(\S+)`))
}

// servePeer is the server's side. It returns the exit code.
func servePeer(args []string) int {
	if err := peerMain(args[0], args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		return 1
	}
	return 0
}

func peerMain(kind, file string) error {
	answer, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	handler := answerWith(answer)
	if kind == "log" {
		log, err := createLog(file + ".log")
		if err != nil {
			return err
		}
		defer log.close()
		handler = logged(log, handler)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		<-end
		server.Close()
	}()
	fmt.Fprintf(os.Stderr, "msg=ready api=%s\n", ln.Addr())
	if err := server.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// answerWith reads the request and writes what cairn's answer consists of.
func answerWith(answer []byte) http.HandlerFunc {
	length := strconv.Itoa(len(answer))
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		h := w.Header()
		h.Set("Content-Type", "application/x-amz-json-1.1")
		h.Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
		h.Set("Content-Length", length)
		w.Write(answer)
	}
}

// logged makes the request durable before it is answered.
func logged(log *appendLog, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var in struct {
				ServiceId, InstanceId string
				Attributes            map[string]string
			}
			err = json.Unmarshal(body, &in)
		}
		if err == nil {
			err = log.append(body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, r)
	}
}
