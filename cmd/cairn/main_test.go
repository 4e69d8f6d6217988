package main

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/testca"
)

var update = flag.Bool("update", false, "rewrite expected outputs and generated documents")

// TestMain makes the test binary the program, which scripts and startServer run
// under the name cairn.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "cairn" {
		hideAWSSettings()
	}
	testscript.Main(m, map[string]func(){"cairn": main})
}

// hideAWSSettings keeps the AWS settings of the user out of the tests.
func hideAWSSettings() {
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_PROFILE":                 "",
		"AWS_REGION":                  "",
		"AWS_DEFAULT_REGION":          "",
		"AWS_ACCESS_KEY_ID":           "",
		"AWS_SECRET_ACCESS_KEY":       "",
		"AWS_CA_BUNDLE":               "",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
}

// TestScripts runs command lines against real nodes. Besides testscript's own
// commands there are:
//
//	cairn ARG...               runs a command line in this process, which is quick
//	exits CODE ARG...          the same; it must end with CODE
//	exec cairn ARG...          runs it in a process and folder of its own
//	node start NAME [FLAG...]  runs "cairn serve" on free ports and waits until it is ready
//	node stop NAME             SIGTERM, and exit code 0
//	node interrupt NAME        SIGINT, and exit code 0
//	node kill NAME             SIGKILL
//	node hangup NAME TEXT      SIGHUP, then waits for TEXT in the log
//	node logged NAME TEXT      waits for TEXT in the log
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup:         setUpScript(t),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"node":  nodeCommand,
			"cairn": cairnCommand,
			"exits": exitsCommand,
		},
	})
}

type serversKey struct{}

// setUpScript gives scripts a place for their nodes, and the files of a test's
// authority ($CA_FILE) and of a certificate for localhost ($CERT_FILE, $KEY_FILE).
func setUpScript(t *testing.T) func(*testscript.Env) error {
	ca := testca.New(t)
	certFile, keyFile := ca.Issue(t, testca.Names{DNS: []string{"localhost"}, IPs: []string{"127.0.0.1"}})
	return func(env *testscript.Env) error {
		servers := map[string]*serverProcess{}
		env.Values[serversKey{}] = servers
		env.Defer(func() {
			for _, s := range servers {
				s.kill()
			}
		})
		env.Setenv("CAIRN_XDS_ADDR", "127.0.0.1:0") // nodes of several scripts run at a time
		env.Setenv("CA_FILE", ca.File)
		env.Setenv("CERT_FILE", certFile)
		env.Setenv("KEY_FILE", keyFile)
		return nil
	}
}

func cairnCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use exits, which checks the exit code")
	}
	expectExit(ts, 0, args)
}

func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	expectExit(ts, code, args[1:])
}

func expectExit(ts *testscript.TestScript, want int, args []string) {
	p := &cli.Program{Stdout: ts.Stdout(), Stderr: ts.Stderr(), Env: func(name string) (string, bool) {
		v := ts.Getenv(name)
		return v, v != ""
	}}
	if got := p.Execute(newRoot(p), args); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
