package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
	"github.com/rogpeppe/go-internal/testscript"

	"parley/endpoint"
	"parley/transport"
)

// patience is how long a script waits for something that is to happen.
const patience = 30 * time.Second

// TestServeScripts runs testdata/serve, with these commands beside testscript's:
//
//	serve [-n LINES] [-fd NAMES] [-in FILE] NAME ARGS   start parley serve, await its listening lines; $NAME1 ... are the endpoints
//	signal NAME INT|TERM|HUP|STOP|CONT                           send a signal to it
//	logged NAME REGEXP                                  await a match in its stderr; $match is the first group
//	stopped NAME STATUS[|STATUS]                        await its exit; NAME.out and NAME.err are what it printed
//	refused ENDPOINT                                    await that nobody listens there any more
//	open CONN ENDPOINT, send CONN TEXT, recv CONN TEXT, ended CONN, shut CONN    be a client; \n in what is sent is the end of a line
//	heard CONN REGEXP                                   read lines up to one that matches; $match is the first group
//	hold ENDPOINT                                       listen there as another program would; $held is where
//	fetch URL FILE                                      GET
//	jsonlines FILE                                      every line is a JSON object
//	lockdefaults                                        keep other runs of these tests off the default ports
func TestServeScripts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no sh, and no signals to send")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/serve",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			s := &serveScript{servers: map[string]*child{}, conns: map[string]net.Conn{}, lines: map[string][]byte{}}
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Values[serveKey{}] = s
			e.Defer(s.close)
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": scriptServe, "signal": scriptSignal, "logged": scriptLogged, "stopped": scriptStopped,
			"open": scriptOpen, "send": scriptSend, "recv": scriptRecv, "ended": scriptEnded, "refused": scriptRefused, "shut": scriptShut, "heard": scriptHeard,
			"hold": scriptHold, "fetch": scriptFetch, "jsonlines": scriptJSONLines, "lockdefaults": scriptLockDefaults,
		},
	})
}

type serveKey struct{}

// serveScript is what a script has started.
type serveScript struct {
	servers map[string]*child
	conns   map[string]net.Conn
	lines   map[string][]byte // read from a conn, and not yet heard
	held    []io.Closer
	unlock  func()
}

func (s *serveScript) close() {
	for _, c := range s.conns {
		c.Close()
	}
	for _, c := range s.servers {
		c.end()
	}
	for _, c := range s.held {
		c.Close()
	}
	if s.unlock != nil {
		s.unlock()
	}
}

func scriptOf(ts *testscript.TestScript) *serveScript {
	return ts.Value(serveKey{}).(*serveScript)
}

func condition(cond string) (bool, error) {
	switch cond {
	case "defaults":
		return defaultsFree(), nil
	case "ipv6":
		ln, err := net.Listen("tcp", "[::1]:0")
		if err == nil {
			ln.Close()
		}
		return err == nil, nil
	case "rawip":
		c, err := net.ListenPacket("ip4:253", "127.0.0.1")
		if err == nil {
			c.Close()
		}
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// defaultsFree reports whether every default endpoint can be bound now.
func defaultsFree() bool {
	for _, k := range kinds() {
		for _, text := range k.Default {
			target, err := endpoint.ParseTarget(text)
			if err != nil {
				return false
			}
			ln, pc, err := transport.Open(context.Background(), target.Endpoint)
			if err != nil {
				return false
			}
			if ln != nil {
				ln.Close()
			} else {
				pc.Close()
			}
		}
	}
	return true
}

// scriptLockDefaults keeps other test runs of this machine off the default ports.
func scriptLockDefaults(ts *testscript.TestScript, neg bool, args []string) {
	unlock, err := lockedfile.MutexAt(filepath.Join(os.TempDir(), "parley-default-ports.lock")).Lock()
	ts.Check(err)
	scriptOf(ts).unlock = unlock
}

// An output collects what a process prints, and can be awaited.
type output struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	text    []byte
	ended   bool
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

// copy is a goroutine; it ends with r.
func (o *output) copy(r io.Reader, done *sync.WaitGroup) {
	defer done.Done()
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		o.mu.Lock()
		o.text = append(o.text, b[:n]...)
		o.ended = err != nil
		close(o.changed)
		o.changed = make(chan struct{})
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await returns the text when match reports true of it, or false at the end of
// the output or of patience.
func (o *output) await(match func(text string) bool) (string, bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		o.mu.Lock()
		text, ended, changed := string(o.text), o.ended, o.changed
		o.mu.Unlock()
		if match(text) {
			return text, true
		}
		if ended {
			return text, false
		}
		select {
		case <-changed:
		case <-timer.C:
			return text, false
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// A child is a parley serve process that a script owns.
type child struct {
	cmd            *exec.Cmd
	stdout, stderr *output
	copying        sync.WaitGroup
	once           sync.Once
	err            error
}

func start(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, stdout: newOutput(), stderr: newOutput()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.copying.Add(2)
	go c.stdout.copy(out, &c.copying)
	go c.stderr.copy(errs, &c.copying)
	return c, nil
}

// wait returns the exit status; a process that does not end is killed.
func (c *child) wait() (int, error) {
	c.once.Do(func() {
		timer := time.AfterFunc(patience, func() { c.cmd.Process.Kill() })
		defer timer.Stop()
		c.copying.Wait()
		c.err = c.cmd.Wait()
	})
	var exit *exec.ExitError
	if c.err != nil && !errors.As(c.err, &exit) {
		return -1, c.err
	}
	return c.cmd.ProcessState.ExitCode(), nil
}

func (c *child) end() {
	c.cmd.Process.Kill()
	c.wait()
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	lines, names, in := -1, "", ""
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-n":
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			lines = n
		case "-fd":
			names = args[1]
		case "-in":
			in = args[1]
		}
		args = args[2:]
	}
	name, args := args[0], args[1:]
	if lines < 0 {
		lines = strings.Count(strings.Join(args, "\x00"), "@")
	}
	// exec, so that the process is parley and not the shell.
	cmd := exec.Command("sh", append([]string{"-c", `[ -z "$LISTEN_FDS" ] || export LISTEN_PID=$$; exec parley serve "$@"`, "sh"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"), "XDG_STATE_HOME="+ts.Getenv("XDG_STATE_HOME"))
	if names != "" {
		cmd.Env = append(cmd.Env, "LISTEN_FDNAMES="+names, fmt.Sprintf("LISTEN_FDS=%d", strings.Count(names, ":")+1))
		cmd.ExtraFiles = passedSockets(ts, strings.Count(names, ":")+1)
	}
	if in != "" {
		cmd.Stdin = strings.NewReader(ts.ReadFile(in))
	}
	c, err := start(cmd)
	ts.Check(err)
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	scriptOf(ts).servers[name] = c
	text, ok := c.stdout.await(func(text string) bool { return strings.Count(text, "\n") >= lines })
	if !ok {
		c.wait()
		ts.Fatalf("serve %s: want %d lines, have %q and stderr:\n%s", strings.Join(args, " "), lines, text, c.stderr)
	}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		_, at, _ := strings.Cut(line, "@")
		ts.Setenv(fmt.Sprintf("%s%d", name, i+1), at)
	}
}

// passedSockets are listening sockets as systemd passes them; $passed1 ... are
// their addresses.
func passedSockets(ts *testscript.TestScript, n int) []*os.File {
	var files []*os.File
	for i := range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		f, err := ln.(*net.TCPListener).File()
		ts.Check(err)
		ts.Setenv(fmt.Sprintf("passed%d", i+1), ln.Addr().String())
		ln.Close()
		files = append(files, f)
	}
	return files
}

func serverOf(ts *testscript.TestScript, name string) *child {
	c := scriptOf(ts).servers[name]
	if c == nil {
		ts.Fatalf("no server is called %s", name)
	}
	return c
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(serverOf(ts, args[0]).cmd.Process.Signal(testSignals[args[1]]))
}

func scriptLogged(ts *testscript.TestScript, neg bool, args []string) {
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	c := serverOf(ts, args[0])
	text, ok := c.stderr.await(re.MatchString)
	if !ok {
		ts.Fatalf("%s logged no %q, but:\n%s", args[0], args[1], text)
	}
	if groups := re.FindStringSubmatch(text); len(groups) > 1 {
		ts.Setenv("match", groups[1])
	}
}

func scriptStopped(ts *testscript.TestScript, neg bool, args []string) {
	c := serverOf(ts, args[0])
	status, err := c.wait()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(c.stdout.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(c.stderr.String()), 0o600))
	if !slices.Contains(strings.Split(args[1], "|"), strconv.Itoa(status)) {
		ts.Fatalf("%s: exit status %d, want %s; stderr:\n%s", args[0], status, args[1], c.stderr)
	}
}

func scriptOpen(ts *testscript.TestScript, neg bool, args []string) {
	e, err := endpoint.Parse(args[1])
	ts.Check(err)
	c, err := transport.Dial(context.Background(), e)
	ts.Check(err)
	c.SetDeadline(time.Now().Add(patience))
	scriptOf(ts).conns[args[0]] = c
}

// scriptRefused awaits that nobody listens at an endpoint any more.
func scriptRefused(ts *testscript.TestScript, neg bool, args []string) {
	e, err := endpoint.Parse(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !errors.Is(err, winsock(syscall.ECONNREFUSED)) {
		var c net.Conn
		if c, err = transport.Dial(ctx, e); err == nil {
			c.Close()
		}
		ts.Check(ctx.Err())
	}
}

func connOf(ts *testscript.TestScript, name string) net.Conn {
	c := scriptOf(ts).conns[name]
	if c == nil {
		ts.Fatalf("no conn is called %s", name)
	}
	return c
}

func scriptSend(ts *testscript.TestScript, neg bool, args []string) {
	_, err := connOf(ts, args[0]).Write([]byte(strings.ReplaceAll(args[1], `\n`, "\n")))
	ts.Check(err)
}

func scriptRecv(ts *testscript.TestScript, neg bool, args []string) {
	want := []byte(args[1])
	got := make([]byte, len(want))
	n, err := io.ReadFull(connOf(ts, args[0]), got)
	if err != nil || !bytes.Equal(got, want) {
		ts.Fatalf("recv %s: got %q (%v), want %q", args[0], got[:n], err, want)
	}
}

func scriptHeard(ts *testscript.TestScript, neg bool, args []string) {
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	conn, s := connOf(ts, args[0]), scriptOf(ts)
	var heard []string
	for b := make([]byte, 64<<10); ; {
		for line, rest, ok := bytes.Cut(s.lines[args[0]], []byte("\n")); ok; line, rest, ok = bytes.Cut(rest, []byte("\n")) {
			s.lines[args[0]] = rest
			heard = append(heard, string(line))
			if groups := re.FindSubmatch(line); groups != nil {
				if len(groups) > 1 {
					ts.Setenv("match", string(groups[1]))
				}
				return
			}
		}
		n, err := conn.Read(b)
		if err != nil {
			ts.Fatalf("heard %s: no %q (%v), but %q and %q", args[0], args[1], err, heard, s.lines[args[0]])
		}
		s.lines[args[0]] = append(s.lines[args[0]], b[:n]...)
	}
}

func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	rest, err := io.ReadAll(connOf(ts, args[0]))
	if err != nil || len(rest) > 0 {
		ts.Fatalf("ended %s: got %q (%v), want the end", args[0], rest, err)
	}
}

func scriptShut(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(connOf(ts, args[0]).Close())
}

func scriptHold(ts *testscript.TestScript, neg bool, args []string) {
	e, err := endpoint.Parse(args[0])
	ts.Check(err)
	ln, pc, err := transport.Open(context.Background(), e)
	ts.Check(err)
	s := scriptOf(ts)
	if ln != nil {
		s.held = append(s.held, ln)
		e = e.WithAddr(ln.Addr())
	} else {
		s.held = append(s.held, pc)
		e = e.WithAddr(pc.LocalAddr())
	}
	ts.Setenv("held", e.String())
}

func scriptFetch(ts *testscript.TestScript, neg bool, args []string) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(args[0])
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	if (res.StatusCode == 200) == neg {
		ts.Fatalf("fetch %s: %s\n%s", args[0], res.Status, body)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o600))
}

func scriptJSONLines(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	for _, line := range lines {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			ts.Fatalf("%s: %q: %v", args[0], line, err)
		}
		if fields["time"] == nil || fields["level"] == nil || fields["msg"] == nil {
			ts.Fatalf("%s: %q: want time, level, msg", args[0], line)
		}
	}
}
