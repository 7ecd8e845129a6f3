package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// On a terminal lines are edited while others arrive above them, Ctrl-D says q, and
// the terminal is as it was in the end.
func TestTerminalChatOne(t *testing.T) {
	got := make(chan string, 1)
	say := make(chan string)
	at := server(t, func(c *net.TCPConn) {
		for text := range say {
			io.WriteString(c, text)
		}
		b, _ := io.ReadAll(c)
		got <- string(b)
	})
	o := startOnTerminal(t, "chat", "--one", at)
	o.stdout.await(t, "> $")
	o.press("half a li")
	o.stdout.await(t, "half a li$")
	say <- "news\x1b[2J\n"
	o.stdout.await(t, `news␛\[2J\r\n> half a li$`)
	close(say)
	o.press("ne\r\x04")
	o.expect(0)
	o.expectRestored()
	if g := <-got; g != "half a line\nq\n" {
		t.Errorf("the peer got %q", g)
	}
}

// A peer that ends, ends the program.
func TestTerminalChatOnePeerEnds(t *testing.T) {
	at := server(t, func(c *net.TCPConn) { io.WriteString(c, "bye") })
	o := startOnTerminal(t, "chat", "--one", at)
	o.stdout.await(t, "bye\r\n")
	o.stdout.await(t, "parley: note: peer closed\r\n")
	o.expect(0)
	o.expectRestored()
}

// The last line, which the system took and the peer answered with a reset, is known
// to be lost.
func TestChatOneLastLineLost(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {}) // closes both directions
	guest := startParley(t, nil, nil, "chat", "--one", at)
	time.Sleep(200 * time.Millisecond) // until the end has come, of which nothing is said yet
	io.WriteString(guest.stdin, "too late\n")
	guest.expect(1)
	guest.stderr.await(t, `chat \S+: closed by peer after 9 bytes sent, 0 received`)
}

// A host that waits keeps what is typed, and leaves with q.
func TestTerminalChatOneWaits(t *testing.T) {
	o := startOnTerminal(t, "chat", "--host", "--one", "tcp://127.0.0.1:0")
	o.stdout.await(t, `listening tcp://\S+\r\n`)
	o.press("hello\r")
	o.stdout.await(t, "nobody is here yet; it is sent when somebody comes")
	o.press("q\r")
	o.stdout.await(t, "nobody came; 1 line not sent")
	o.expect(0)
	o.expectRestored()
}

// Lines on a terminal: what is typed is not shown twice.
func TestTerminalChatPlain(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	o := startOnTerminal(t, "chat", "--plain", "--name", "bob", at[0])
	o.stdout.await(t, `\* in lobby now; 2 here\r\n> $`)
	o.press("hello ada\r")
	ada.stdout.await(t, "bob: hello ada\n")
	ada.types("hello bob")
	o.stdout.await(t, `\d\d:\d\d ada: hello bob\r\n`)
	if got := o.stdout.String(); strings.Contains(got, "bob: hello ada") {
		t.Errorf("bob's line is shown twice: %q", got)
	}
	o.press("q\r")
	o.expect(0)
	o.expectRestored()
}

// Lines, where the terminal cannot move its cursor.
func TestTerminalChatDumb(t *testing.T) {
	_, at := chatServer(t)
	o := startOn(t, "dumb", "chat", "--name", "bob", at[0])
	o.stdout.await(t, `\* in lobby now; 1 here\r\n`)
	if !o.cooked() {
		t.Error("the terminal is raw, want it left alone")
	}
	o.press("\x03")
	o.expect(130)
}

// The screen in a real terminal: what others say is seen, what is typed is sent,
// and the terminal is as it was in the end.
func TestChatTmux(t *testing.T) {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("no tmux here")
	}
	parley, err := exec.LookPath("parley")
	if err != nil {
		t.Fatal(err)
	}
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	socket := filepath.Join(t.TempDir(), "tmux")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(tmux, append([]string{"-S", socket, "-f", os.DevNull}, args...)...)
		cmd.Env = append(os.Environ(), "TERM=xterm-256color", "TMUX=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	run("new-session", "-d", "-x", "100", "-y", "30", "sh")
	t.Cleanup(func() { exec.Command(tmux, "-S", socket, "kill-server").Run() })
	see := func(want string) {
		t.Helper()
		for end := time.Now().Add(testPatience); ; time.Sleep(20 * time.Millisecond) {
			shown := run("capture-pane", "-p")
			if strings.Contains(shown, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%q is not on the screen:\n%s", want, shown)
			}
		}
	}
	run("send-keys", "echo be''fore; stty -a > "+filepath.Dir(socket)+"/tty1; "+parley+" chat --name bob "+at[0]+"; echo status $?", "Enter")
	ada.stdout.await(t, `\* bob has come\n`)
	ada.types("hello bob")
	see("hello bob")
	run("send-keys", "hello ada", "Enter")
	ada.stdout.await(t, "bob: hello ada\n")
	see("hello ada")
	run("send-keys", "/quit", "Enter")
	see("status 0")
	see("before") // the screen was another than the shell's
	ada.stdout.await(t, `\* bob has gone`)
	run("send-keys", "stty -a > "+filepath.Dir(socket)+"/tty2; echo do''ne", "Enter")
	see("done")
	was, _ := os.ReadFile(filepath.Dir(socket) + "/tty1")
	is, _ := os.ReadFile(filepath.Dir(socket) + "/tty2")
	if len(was) == 0 || string(was) != string(is) {
		t.Errorf("the terminal was\n%s\nand is\n%s", was, is)
	}
}

// Nobody there: the error stands on a terminal that is as it was.
func TestTerminalChatRefused(t *testing.T) {
	o := startOnTerminal(t, "chat", "unix:"+filepath.Join(t.TempDir(), "nobody"))
	o.expect(1)
	o.stdout.await(t, "parley: hint: `parley chat --host unix:")
	o.expectRestored()
}

// A signal ends the screen.
func TestTerminalChatSignal(t *testing.T) {
	_, at := chatServer(t)
	ada := chatter(t, at[0], "ada")
	o := startOnTerminal(t, "chat", "--name", "bob", at[0])
	ada.stdout.await(t, `\* bob has come\n`)
	o.signal(syscall.SIGTERM)
	o.expect(143)
	o.expectRestored()
	ada.stdout.await(t, `\* bob has gone \(left\)\n`)
}
