package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// answerLines answers each line by f.
func answerLines(c net.Conn, f func(line string) string) {
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		io.WriteString(c, f(lines.Text()))
	}
}

func TestAsk(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		input  string
		answer func(string) string
		want   string
	}{
		{"lines", nil, "a\nb\n", func(s string) string { return "<" + s + ">\n" }, "<a>\n<b>\n"},
		{"no newline", nil, "a\nb\n", func(s string) string { return "<" + s + ">" }, "<a>\n<b>\n"},
		{"an empty line ends", nil, "a\n\nb\n", func(s string) string { return "<" + s + ">\n" }, "<a>\n"},
		{"last line without its end", nil, "a\nb", func(s string) string { return "<" + s + ">\n" }, "<a>\n<b>\n"},
		{"crlf", []string{"--crlf"}, "a\n", func(s string) string { return fmt.Sprintf("%q\n", s) }, "\"a\"\n"},
	}
	for _, tt := range tests {
		at := server(t, func(c *net.TCPConn) { answerLines(c, tt.answer) })
		p := startParley(t, nil, nil, append([]string{"dial", "--ask", at}, tt.args...)...)
		p.feed(tt.input)
		p.expect(0)
		if got := p.stdout.String(); got != tt.want {
			t.Errorf("%s: stdout %q, want %q", tt.name, got, tt.want)
		}
		if got := p.stderr.String(); got != "" {
			t.Errorf("%s: stderr %q, want nothing", tt.name, got)
		}
	}
}

// What is sent ends with a newline on a stream, and with CR LF for --crlf.
func TestAskLineEnds(t *testing.T) {
	for args, want := range map[string]string{"": "q\n", "--crlf": "q\r\n"} {
		got := make(chan string, 1)
		at := server(t, func(c *net.TCPConn) {
			b := make([]byte, len(want))
			io.ReadFull(c, b)
			got <- string(b)
			io.WriteString(c, "a\n")
			io.ReadAll(c)
		})
		p := startParley(t, nil, nil, append([]string{"dial", "--ask", at}, strings.Fields(args)...)...)
		p.feed("q\n")
		p.expect(0)
		if g := <-got; g != want {
			t.Errorf("ask %s sent %q, want %q", args, g, want)
		}
	}
}

// The peer's end is said; it is a failure when it stands in for an answer.
func TestAskPeerEnds(t *testing.T) {
	t.Run("after its answer", func(t *testing.T) {
		at := server(t, func(c *net.TCPConn) {
			bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, "bye\n")
		})
		p := startParley(t, nil, nil, "dial", "--ask", at)
		io.WriteString(p.stdin, "a\n")
		p.expect(0)
		if out, err := p.stdout.String(), p.stderr.String(); out != "bye\n" || err != "parley: note: peer closed\n" {
			t.Errorf("stdout %q, stderr %q, want bye and the note", out, err)
		}
	})
	t.Run("without an answer", func(t *testing.T) {
		at := server(t, func(c *net.TCPConn) { bufio.NewReader(c).ReadString('\n') })
		p := startParley(t, nil, nil, "dial", "--ask", at)
		io.WriteString(p.stdin, "a\n")
		p.expect(1)
		want := "parley: error: dial " + at + ": closed by peer without an answer after 2 bytes sent, 0 received"
		if got := p.errors(); len(got) != 1 || got[0] != want {
			t.Errorf("error lines %q, want %q", got, want)
		}
	})
	t.Run("with questions left", func(t *testing.T) {
		at := server(t, func(c *net.TCPConn) {
			bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, "bye\n")
			c.CloseWrite()
			io.ReadAll(c)
		})
		p := startParley(t, nil, nil, "dial", "--ask", at)
		io.WriteString(p.stdin, "a\nb\nc\n")
		p.expect(1)
		if got := p.errors(); len(got) != 1 || !strings.Contains(got[0], "closed by peer") {
			t.Errorf("error lines %q, want one of a peer that closed", got)
		}
	})
}

// Datagrams: a question is bare; an answer that does not come is said.
func TestAskDatagrams(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	pc.SetDeadline(time.Now().Add(testPatience))
	p := startParley(t, nil, nil, "dial", "--ask", "--linger", "200ms", "udp://"+pc.LocalAddr().String())
	io.WriteString(p.stdin, "lost\n")
	b := make([]byte, 100)
	pc.ReadFrom(b)
	p.stderr.await(t, "warning: no answer within 200ms")
	p.feed("found\n")
	n, from, err := pc.ReadFrom(b)
	if string(b[:n]) != "found" || err != nil {
		t.Errorf("the question is %q, %v, want it bare", b[:n], err)
	}
	pc.WriteTo([]byte("here"), from)
	p.expect(1)
	if got := p.stdout.String(); got != "here\n" {
		t.Errorf("stdout %q, want here", got)
	}
}
