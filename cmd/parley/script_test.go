package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// background is a parley that a script has started.
type background struct {
	cmd            *exec.Cmd
	stdout, stderr *record
	done           chan struct{}
}

// backgroundsKey finds a script's backgrounds by name: a map[string]*background
// among the values of its testscript.Env.
type backgroundsKey struct{}

func scriptSetup(env *testscript.Env) error {
	env.Values[backgroundsKey{}] = make(map[string]*background)
	env.Vars = append(env.Vars, "GORACE="+os.Getenv("GORACE"), "XDG_STATE_HOME="+filepath.Join(env.WorkDir, "state"))
	return nil
}

var listeningLine = regexp.MustCompile(`(?m)^listening (?:[a-z0-9-]+(?:\?\S*?)?@)?(\S+)$`)

func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS...")
	}
	b := &background{stdout: newRecord(), stderr: newRecord(), done: make(chan struct{})}
	b.cmd = exec.Command("parley", args[1:]...)
	b.cmd.Dir = ts.Getenv("WORK")
	b.cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("WORK"), "XDG_STATE_HOME="+ts.Getenv("XDG_STATE_HOME"))
	b.cmd.Stdout, b.cmd.Stderr = b.stdout, b.stderr
	ts.Check(b.cmd.Start())
	go b.reap() // ends with the process
	ts.Defer(b.kill)
	ts.Value(backgroundsKey{}).(map[string]*background)[args[0]] = b
	b.awaitListening(ts, args[0], listenersOf(args[1:]))
}

// listenersOf is how many lines a command line has written when all that it names
// listens: one, or one for each target of serve.
func listenersOf(args []string) int {
	n := 0
	for _, arg := range args {
		if args[0] == "serve" && strings.Contains(arg, "@") {
			n++
		}
	}
	return max(n, 1)
}

func (b *background) reap() {
	b.cmd.Wait()
	close(b.done)
}

func (b *background) kill() {
	b.cmd.Process.Kill()
	<-b.done
}

// awaitListening waits until as many listen as were to.
func (b *background) awaitListening(ts *testscript.TestScript, name string, want int) {
	for end := time.Now().Add(testPatience); ; {
		b.stderr.mu.Lock()
		errChanged := b.stderr.changed
		b.stderr.mu.Unlock()
		b.stdout.mu.Lock()
		outChanged := b.stdout.changed
		b.stdout.mu.Unlock()
		all := listeningLine.FindAllStringSubmatch(b.stdout.String()+b.stderr.String(), -1)
		for i, m := range all {
			number := ""
			if i > 0 {
				number = strconv.Itoa(i + 1)
			}
			ts.Setenv(name+number, m[1])
		}
		if len(all) >= want {
			return
		}
		select {
		case <-errChanged:
		case <-outChanged:
		case <-b.done:
			ts.Fatalf("%s has ended: %s%s", name, b.stdout, b.stderr)
		case <-time.After(time.Until(end)):
			ts.Fatalf("%s does not listen: %s%s", name, b.stdout, b.stderr)
		}
	}
}

func scriptFinish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: finish NAME SIGNAL STATUS")
	}
	b := ts.Value(backgroundsKey{}).(map[string]*background)[args[0]]
	if b == nil {
		ts.Fatalf("finish: no %s was started", args[0])
	}
	switch args[1] {
	case "-":
	case "INT":
		ts.Check(b.cmd.Process.Signal(os.Interrupt))
	case "TERM":
		ts.Check(b.cmd.Process.Signal(syscall.SIGTERM))
	default:
		ts.Fatalf("unknown signal %s", args[1])
	}
	select {
	case <-b.done:
	case <-time.After(testPatience):
		ts.Fatalf("%s has not ended: %s%s", args[0], b.stdout, b.stderr)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(b.stdout.String()), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(b.stderr.String()), 0o666))
	if got := strconv.Itoa(b.cmd.ProcessState.ExitCode()); got != args[2] {
		ts.Fatalf("%s: status %s, want %s: %s", args[0], got, args[2], b.stderr)
	}
}
