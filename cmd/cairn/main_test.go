package main

import (
	"errors"
	"flag"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite expected outputs and generated documents")

// TestMain lets the test binary be the program: scripts, and startServer, run
// it under the name cairn.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cairn": main})
}

// TestScripts runs command lines against real processes. Besides testscript's
// own commands there are:
//
//	node start NAME [FLAG...]  runs "cairn serve" on free ports and waits until it is ready
//	node stop NAME             SIGTERM, and exit code 0
//	node interrupt NAME        SIGINT, and exit code 0
//	node kill NAME             SIGKILL
//	node hangup NAME TEXT      SIGHUP, then waits for TEXT in the log
//	node logged NAME TEXT      the log has TEXT
//	exits CODE ARG...          runs cairn, which must end with CODE
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup:         setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"node":  nodeCommand,
			"exits": exitsCommand,
		},
	})
}

type serversKey struct{}

func setUpScript(env *testscript.Env) error {
	servers := map[string]*server{}
	env.Values[serversKey{}] = servers
	env.Defer(func() {
		for _, s := range servers {
			s.kill()
		}
	})
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return nil
}

func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("cairn", args[1:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
