// Program is what runs in the containers of tests. Its first argument says what it
// does. It uses the standard library only and is linked statically.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	args := append(os.Args[1:], "", "", "")
	switch args[0] {
	case "serve": // PORT: answers each connection with its host name
		serve(args[1])
	case "check": // PORT: exit code 0 if something listens there
		c, err := net.Dial("tcp", "127.0.0.1:"+args[1])
		exitOn(err)
		c.Close()
	case "get": // ADDRESS: prints what a server sends
		c, err := net.DialTimeout("tcp", args[1], 5*time.Second)
		exitOn(err)
		b := make([]byte, 1000)
		n, _ := c.Read(b)
		os.Stdout.Write(b[:n])
	case "lookup": // NAME
		addresses, err := net.LookupHost(args[1])
		exitOn(err)
		fmt.Println(strings.Join(addresses, " "))
	case "wait": // until SIGTERM; prints "ready" first
		fmt.Println("ready")
		wait(syscall.SIGTERM)
		fmt.Println("got SIGTERM")
	case "wait-usr1":
		fmt.Println("ready")
		wait(syscall.SIGUSR1)
		fmt.Println("got SIGUSR1")
	case "ignore": // SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		forever()
	case "exit": // CODE
		n, _ := strconv.Atoi(args[1])
		os.Exit(n)
	case "eat": // memory until it is killed
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
		}
	case "fork": // children until the limit, then waits
		fork()
	case "sleep":
		forever()
	case "env":
		for _, e := range os.Environ() {
			fmt.Println(e)
		}
	case "lines": // COUNT
		n, _ := strconv.Atoi(args[1])
		for i := range n {
			fmt.Println("line", i)
		}
	case "long": // LENGTH of one line
		n, _ := strconv.Atoi(args[1])
		fmt.Println(strings.Repeat("x", n))
	case "cat": // FILE...
		for _, f := range os.Args[2:] {
			b, err := os.ReadFile(f)
			exitOn(err)
			os.Stdout.Write(b)
		}
	case "write": // FILE TEXT
		exitOn(os.WriteFile(args[1], []byte(args[2]), 0o644))
	case "fill": // FILE: writes until an error
		fill(args[1])
	case "exists": // FILE
		_, err := os.Stat(args[1])
		exitOn(err)
	case "count-starts": // FILE: exit code is the number of starts
		b, _ := os.ReadFile(args[1])
		exitOn(os.WriteFile(args[1], append(b, 'x'), 0o644))
		os.Exit(len(b) + 1)
	default:
		fmt.Fprintln(os.Stderr, "unknown argument", args[0])
		os.Exit(64)
	}
}

func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func wait(s os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, s)
	<-c
}

func serve(port string) {
	l, err := net.Listen("tcp", ":"+port)
	exitOn(err)
	fmt.Println("listening")
	go func() {
		wait(syscall.SIGTERM)
		fmt.Println("got SIGTERM")
		os.Exit(0)
	}()
	name, _ := os.Hostname()
	for {
		c, err := l.Accept()
		exitOn(err)
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		fmt.Println("from", host)
		fmt.Fprintln(c, "hello from", name)
		c.Close()
	}
}

func fork() {
	n := 0
	for {
		cmd := exec.Command("/proc/self/exe", "sleep")
		if err := cmd.Start(); err != nil {
			fmt.Println("children:", n, err)
			forever()
		}
		n++
	}
}

func fill(file string) {
	f, err := os.Create(file)
	exitOn(err)
	b := make([]byte, 1<<20)
	for {
		if _, err := f.Write(b); err != nil {
			fmt.Println(err)
			return
		}
	}
}
