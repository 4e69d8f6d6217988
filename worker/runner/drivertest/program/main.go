// Command program is what the containers of tests run. It needs nothing in its root
// file system. The first argument says what it does:
//
//	serve PORT      serves HTTP until SIGTERM: / /health /env
//	check URL       exits with 0 if a GET is answered with 200
//	exit CODE       exits
//	sleep           waits for SIGTERM and exits with 0
//	ignore          ignores SIGTERM
//	eat             uses memory until it is killed
//	fork            starts processes until it cannot, prints how many, and waits
//	env             prints the environment, a line each, and exits
//	print N         prints N numbered lines and exits
//	id              prints ids, groups and capabilities and exits
//	write FILE TEXT writes a file
//	read FILE       prints a file
//	get URL         prints the answer to a GET
//	lookup NAME     prints the addresses of a name
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		fail("no command")
	}
	arg := func(n int) string {
		if len(args) <= n {
			fail(args[0] + " needs more arguments")
		}
		return args[n]
	}
	switch args[0] {
	case "serve":
		serve(arg(1))
	case "check":
		check(arg(1))
	case "exit":
		os.Exit(number(arg(1)))
	case "sleep":
		waitForTerm("waiting")
	case "ignore":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ignoring")
		for {
			time.Sleep(time.Hour)
		}
	case "eat":
		eat()
	case "fork":
		fork()
	case "env":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "print":
		for i := range number(arg(1)) {
			fmt.Println("line", i)
		}
	case "id":
		id()
	case "write":
		must(os.WriteFile(arg(1), []byte(arg(2)), 0o644))
	case "read":
		data, err := os.ReadFile(arg(1))
		must(err)
		fmt.Print(string(data))
	case "get":
		get(arg(1))
	case "lookup":
		all, err := net.LookupHost(arg(1))
		must(err)
		fmt.Println(strings.Join(all, "\n"))
	default:
		fail("unknown command " + args[0])
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func waitForTerm(ready string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println(ready)
	<-c
	fmt.Println("terminated")
}

func serve(port string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello", r.RemoteAddr) })
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat("/tmp/unhealthy"); err == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, strings.Join(os.Environ(), "\n")) })
	ln, err := net.Listen("tcp", ":"+port)
	must(err)
	go func() { must(http.Serve(ln, mux)) }()
	waitForTerm("serving")
}

func check(url string) {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		fail(resp.Status)
	}
}

func get(url string) {
	client := http.Client{Timeout: 3 * time.Second}
	resp, err := client.Get(url)
	must(err)
	defer resp.Body.Close()
	_, err = io.Copy(os.Stdout, resp.Body)
	must(err)
}

func eat() {
	var all [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = 1
		}
		all = append(all, b)
		if len(all) > 64<<10 {
			return
		}
	}
}

func fork() {
	n := 0
	for {
		if err := exec.Command("/proc/self/exe", "ignore").Start(); err != nil {
			break
		}
		n++
	}
	waitForTerm(fmt.Sprint("forked ", n))
}

func id() {
	groups, err := os.Getgroups()
	must(err)
	fmt.Println("uid", os.Getuid(), "gid", os.Getgid(), "groups", groups)
	data, err := os.ReadFile("/proc/self/status")
	must(err)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") {
			fmt.Print(line)
		}
	}
	wd, err := os.Getwd()
	must(err)
	fmt.Println("dir", wd)
}
