package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A program under the race detector sleeps for a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=10 "+os.Getenv("GORACE"))
	testscript.Main(leakChecked{m}, map[string]func(){"parley": main})
}

// leakChecked fails the tests when goroutines are left. It is leak.Main within
// testscript.Main, both of which want to be the last.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	state, err := os.MkdirTemp("", "parley-state-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(state)
	os.Setenv("XDG_STATE_HOME", state) // no test touches the user's own
	status := l.m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	return status
}

// testPatience bounds what a test waits for. Nothing takes that long but a failure.
const testPatience = 20 * time.Second

// process is a parley that a test has started.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser // nil when the test gave it a file
	stdout *record
	stderr *record
	done   chan struct{}
}

// startParley starts parley. Its stdin is a pipe, or in if that is not nil; its stdout
// is recorded, or out if that is not nil. It is killed at the end of the test.
func startParley(t *testing.T, in, out *os.File, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("parley", args...), stdout: newRecord(), stderr: newRecord(), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if out != nil {
		p.cmd.Stdout = out
	}
	if in != nil {
		p.cmd.Stdin = in
	} else {
		var err error
		if p.stdin, err = p.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.reap() // ends with the process
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

func (p *process) reap() {
	p.cmd.Wait()
	close(p.done)
}

// feed writes text to stdin and ends it.
func (p *process) feed(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, text); err != nil {
		p.t.Fatalf("write stdin: %v", err)
	}
	p.stdin.Close()
}

// wait waits for the end and returns the exit status.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(testPatience):
		p.t.Fatalf("parley %v has not ended; stdout %q, stderr %q", p.cmd.Args[1:], p.stdout.String(), p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// expect waits for the end and checks the status.
func (p *process) expect(status int) {
	p.t.Helper()
	if got := p.wait(); got != status {
		p.t.Errorf("parley %v: status %d, want %d; stderr %q", p.cmd.Args[1:], got, status, p.stderr.String())
	}
}

// errors returns the error lines on stderr.
func (p *process) errors() []string {
	var lines []string
	for line := range strings.Lines(p.stderr.String()) {
		if strings.HasPrefix(line, "parley: error: ") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// listening waits for the line that says where a listener listens.
func (p *process) listening() string {
	p.t.Helper()
	return p.stderr.await(p.t, `(?m)^listening (\S+)$`)
}

// signal sends a signal to the process.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// record is a buffer that can be waited on.
type record struct {
	mu      sync.Mutex // guards what follows
	buf     bytes.Buffer
	changed chan struct{} // closed and replaced by each write
}

func newRecord() *record { return &record{changed: make(chan struct{})} }

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// await waits until pattern is there and returns its last group.
func (r *record) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(testPatience)
	for {
		r.mu.Lock()
		m, changed := re.FindStringSubmatch(r.buf.String()), r.changed
		r.mu.Unlock()
		if m != nil {
			return m[len(m)-1]
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%q has not come; there is %q", pattern, r.String())
		}
	}
}

// server accepts one connection on loopback and gives it to serve, in a goroutine
// that the end of the test waits for. It returns the endpoint.
func server(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go acceptOne(ln, serve, done) // ends with serve, or when ln is closed
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return "tcp://" + ln.Addr().String()
}

func acceptOne(ln net.Listener, serve func(*net.TCPConn), done chan<- struct{}) {
	defer close(done)
	c, err := ln.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testPatience))
	serve(c.(*net.TCPConn))
}

// dialTCP connects to the endpoint tcp://HOST:PORT of a listener.
func dialTCP(t *testing.T, at string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(at, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(testPatience))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// devNull is an open /dev/null.
func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestScripts runs testdata/*.txtar. Commands of its own, for parleys that run
// beside the script:
//
//	start NAME ARGS...         starts parley ARGS, and waits until it listens; its first
//	                           endpoint is then $NAME, the further ones $NAME2 $NAME3 ...
//	finish NAME SIGNAL STATUS  sends the signal (INT, TERM; - for none), waits for the end, and
//	                           checks the status; its output is in the files NAME.out NAME.err
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: scriptSetup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":  scriptStart,
			"finish": scriptFinish,
		},
	})
}
