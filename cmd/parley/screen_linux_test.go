package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal is a parley whose stdin, stdout and stderr are a terminal of its own.
type onTerminal struct {
	*process
	keys  *os.File // what is written is typed
	tty   *os.File
	shown chan struct{} // closed when the copying of what is shown has ended
}

// startOnTerminal starts parley on a new pseudo-terminal, as a session leader, so
// that Ctrl-C of a cooked terminal is a signal. What it shows is p.stdout, without
// the zero bytes of the editor's prompt.
func startOnTerminal(t *testing.T, args ...string) *onTerminal {
	t.Helper()
	return startOn(t, "xterm", args...)
}

// startOn is startOnTerminal on a terminal of a kind.
func startOn(t *testing.T, term string, args ...string) *onTerminal {
	t.Helper()
	master, tty := openTerminal(t)
	p := &process{t: t, cmd: exec.Command("parley", args...), stdout: newRecord(), stderr: newRecord(), done: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = tty, tty, tty
	p.cmd.Env = append(os.Environ(), "TERM="+term)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &onTerminal{process: p, keys: master, tty: tty, shown: make(chan struct{})}
	go p.reap() // ends with the process
	go o.show() // ends when the terminal is closed
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		tty.Close()
		<-o.shown
		master.Close()
	})
	return o
}

func openTerminal(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals: %v", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	return master, tty
}

func (o *onTerminal) show() {
	defer close(o.shown)
	b := make([]byte, 4096)
	for {
		n, err := o.keys.Read(b)
		io.WriteString(o.stdout, strings.ReplaceAll(string(b[:n]), "\x00", ""))
		if err != nil {
			return
		}
	}
}

func (o *onTerminal) press(keys string) {
	o.t.Helper()
	if _, err := io.WriteString(o.keys, keys); err != nil {
		o.t.Fatal(err)
	}
}

// cooked reports whether the terminal is as it was.
func (o *onTerminal) cooked() bool {
	o.t.Helper()
	state, err := unix.IoctlGetTermios(int(o.tty.Fd()), unix.TCGETS)
	if err != nil {
		o.t.Fatal(err)
	}
	const want = unix.ICANON | unix.ECHO | unix.ISIG
	return state.Lflag&want == want && state.Oflag&unix.OPOST != 0
}

func (o *onTerminal) expectRestored() {
	o.t.Helper()
	if !o.cooked() {
		o.t.Error("the terminal was not restored")
	}
}

// Rule 2: on a terminal the peer's end ends the program, which says so.
func TestTerminalPeerEnds(t *testing.T) {
	end := make(chan struct{})
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "welcome\n")
		<-end
		c.CloseWrite()
		io.ReadAll(c)
	})
	o := startOnTerminal(t, "dial", at)
	o.stdout.await(t, "welcome\r\n")
	if o.cooked() {
		t.Error("no line editor: the terminal is cooked")
	}
	close(end)
	o.stdout.await(t, "parley: note: peer closed\r\n")
	o.expect(0)
	o.expectRestored()
}

// Lines are edited, have a history, and Ctrl-D ends the input.
func TestTerminalEditing(t *testing.T) {
	got := make(chan string)
	at := server(t, func(c *net.TCPConn) {
		lines := bufio.NewReader(c)
		for {
			line, err := lines.ReadString('\n')
			got <- line
			if err != nil {
				break
			}
		}
		io.WriteString(c, "late")
	})
	o := startOnTerminal(t, "dial", at)
	o.press("helo\x1b[Dl\r") // helo, one to the left, l
	if g := <-got; g != "hello\n" {
		t.Errorf("the peer got %q, want hello", g)
	}
	o.press("\x1b[A!\r") // the last line again, and more
	if g := <-got; g != "hello!\n" {
		t.Errorf("the peer got %q, want hello!", g)
	}
	o.press("\x04")
	if g := <-got; g != "" {
		t.Errorf("the peer got %q, want the end", g)
	}
	o.stdout.await(t, "late")
	o.expect(0)
	o.expectRestored()
}

// What arrives appears above the line that is being edited; an unfinished line
// stays before it.
func TestTerminalOutputAbove(t *testing.T) {
	more := make(chan string)
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "login: ")
		for text := range more {
			io.WriteString(c, text)
		}
	})
	o := startOnTerminal(t, "dial", at)
	o.stdout.await(t, "login: ")
	o.press("ali")
	o.stdout.await(t, "login: .*i$")
	more <- "\nnews\n"
	o.stdout.await(t, `login: \r\nnews\r\nali$`)
	close(more)
	o.expect(0)
	o.expectRestored()
}

// An unfinished line is shown at once while an empty line is being edited.
func TestTerminalUnfinishedLine(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {
		bufio.NewReader(c).ReadString('\n')
		io.WriteString(c, "pass")
		time.Sleep(50 * time.Millisecond) // so that it is not one read
		io.WriteString(c, "word: ")
		io.ReadAll(c)
	})
	o := startOnTerminal(t, "dial", at)
	o.press("alice\r")
	o.stdout.await(t, "password: $")
	o.press("\x04")
	o.expect(0)
}

// Ctrl-C ends in order with 130.
func TestTerminalInterrupt(t *testing.T) {
	seen := make(chan error, 1)
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "x\n")
		_, err := io.ReadAll(c)
		seen <- err
	})
	o := startOnTerminal(t, "dial", at)
	o.stdout.await(t, "x\r\n")
	o.press("half a line\x03")
	o.expect(130)
	o.expectRestored()
	if err := <-seen; err != nil {
		t.Errorf("the peer read %v, want an end in order", err)
	}
}

// A signal from elsewhere restores the terminal too.
func TestTerminalSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		at := server(t, func(c *net.TCPConn) {
			io.WriteString(c, "x\n")
			io.ReadAll(c)
		})
		o := startOnTerminal(t, "dial", at)
		o.stdout.await(t, "x\r\n")
		o.signal(sig)
		o.expect(128 + int(sig))
		o.expectRestored()
	}
}

// An error is printed on a terminal that is restored.
func TestTerminalReset(t *testing.T) {
	cut := make(chan struct{})
	at := server(t, func(c *net.TCPConn) {
		io.WriteString(c, "x\n")
		<-cut
		c.SetLinger(0)
	})
	o := startOnTerminal(t, "dial", at)
	o.stdout.await(t, "x\r\n")
	close(cut)
	o.expect(1)
	o.expectRestored()
	o.stdout.await(t, `parley: error: dial \S+: reset by peer after 0 bytes sent, 2 received\r\n`)
}

// Asking on a terminal: prompt, answer, prompt, and an empty line ends.
func TestTerminalAsk(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {
		answerLines(c, func(s string) string { return "<" + s + ">" })
	})
	o := startOnTerminal(t, "dial", "--ask", at)
	o.stdout.await(t, "> $")
	o.press("a\r")
	o.stdout.await(t, `> a\r\n(.|\r|\n)*<a>\r\n(.|\r|\n)*> $`)
	o.press("\r")
	o.expect(0)
	o.expectRestored()
}

// A terminal that cannot move its cursor has no line editor, but the same rules.
func TestTerminalDumb(t *testing.T) {
	at := server(t, func(c *net.TCPConn) {
		answerLines(c, func(s string) string { return "<" + s + ">" })
	})
	o := startOn(t, "dumb", "dial", "--ask", at)
	o.stdout.await(t, "> $")
	if !o.cooked() {
		t.Error("the terminal is raw, want it left alone")
	}
	o.press("a\n")
	o.stdout.await(t, `^> a\r\n<a>\r\n> $`)
	o.press("\x03")
	o.expect(130)
}

// Each line typed is one datagram, its line feed included.
func TestTerminalDatagrams(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	o := startOnTerminal(t, "dial", "udp://"+pc.LocalAddr().String())
	b := make([]byte, 100)
	for _, line := range []string{"one", "two"} {
		o.press(line + "\r")
		if n, _, err := pc.ReadFrom(b); string(b[:n]) != line+"\n" || err != nil {
			t.Errorf("datagram %q, %v, want the line %s", b[:n], err, line)
		}
	}
	o.press("\x04")
	o.stdout.await(t, "waiting for replies until 1s after the last")
	o.expect(0)
}

// The keyboard sees Ctrl-C while nobody asks for a line.
func TestKeyboard(t *testing.T) {
	r, w := io.Pipe()
	interrupts := make(chan struct{}, 1)
	k := newKeyboard(r, func() { interrupts <- struct{}{} })
	io.WriteString(w, "abc")
	io.WriteString(w, "d\x03e")
	<-interrupts
	w.CloseWithError(syscall.EIO)
	b, err := io.ReadAll(k)
	if string(b) != "abce" || err != nil {
		t.Errorf("read %q, %v, want abce and the end", b, err)
	}
	k.close()
	if _, err := k.Read(b[:1]); !errors.Is(err, io.EOF) {
		t.Errorf("after close: %v, want io.EOF", err)
	}
}
