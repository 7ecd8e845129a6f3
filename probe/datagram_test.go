package probe

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// answerer opens text for datagrams and calls answer for each, until the test
// ends.
func answerer(t testing.TB, text string, answer func(pc net.PacketConn, from net.Addr, b []byte)) endpoint.Endpoint {
	t.Helper()
	e := endpoint.MustParse(text)
	pc, err := transport.ListenPacket(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go answerAll(pc, answer, done)
	t.Cleanup(func() {
		pc.Close()
		<-done
	})
	return e.WithAddr(pc.LocalAddr())
}

// answerAll is a goroutine; it ends with pc.
func answerAll(pc net.PacketConn, answer func(net.PacketConn, net.Addr, []byte), done chan<- struct{}) {
	defer close(done)
	b := make([]byte, maxDatagram)
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		answer(pc, from, b[:n])
	}
}

// with answers always the same.
func with(b []byte) func(net.PacketConn, net.Addr, []byte) {
	return func(pc net.PacketConn, from net.Addr, _ []byte) { pc.WriteTo(b, from) }
}

func echo(pc net.PacketConn, from net.Addr, b []byte) { pc.WriteTo(b, from) }

func TestAnswered(t *testing.T) {
	e := answerer(t, "udp://127.0.0.1:0", echo)
	r := lookAt(t, t.Context(), newLooker(Options{}), "echo@"+e.String())
	if r.State != Answered || !r.Up || r.Answer != "echo: the same bytes" || r.Asked == "" || r.Time <= 0 || r.Err != nil {
		t.Errorf("echo: %+v", r)
	}
	if want := strings.TrimPrefix(e.String(), "udp://"); r.Address != want {
		t.Errorf("address %q, want %q", r.Address, want)
	}
	r = lookAt(t, t.Context(), newLooker(Options{}), e.String())
	if r.State != Answered || !r.Up || r.Answer != "an empty datagram" || r.Asked != "an empty datagram" {
		t.Errorf("an empty datagram: %+v", r)
	}
	r = lookAt(t, t.Context(), newLooker(Options{}), "ntp@"+e.String())
	if r.State != Answered || r.Up || !strings.HasPrefix(r.Answer, "48 bytes: ") || !strings.Contains(fmt.Sprint(r.Err), "not one of ntp") {
		t.Errorf("an echo for ntp: %+v", r)
	}
}

// The longest datagram is counted whole.
func TestLongAnswer(t *testing.T) {
	e := answerer(t, "udp://127.0.0.1:0", with(bytes.Repeat([]byte("x"), 65507)))
	if r := lookAt(t, t.Context(), newLooker(Options{}), e.String()); !strings.HasPrefix(r.Answer, "65507 bytes: ") {
		t.Errorf("%s, %s (%v)", r.State, r.Answer, r.Err)
	}
}

func TestClosedUDP(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("who hears of a closed port differs from system to system")
	}
	where := closedPort(t, "udp")
	for _, text := range []string{where, "tftp@" + where} {
		r := lookAt(t, t.Context(), newLooker(Options{}), text)
		if r.State != Refused || r.Up || r.Errno != "ECONNREFUSED" || !strings.HasPrefix(r.Err.Error(), "ask udp://127.0.0.1:") {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// Silence is never said to be open; it is asked as often as Options say.
func TestNoAnswer(t *testing.T) {
	var mu sync.Mutex
	asked := make(map[string]int)
	e := answerer(t, "udp://127.0.0.1:0", func(_ net.PacketConn, from net.Addr, _ []byte) {
		mu.Lock()
		defer mu.Unlock()
		asked[from.String()]++
	})
	r := lookAt(t, t.Context(), newLooker(Options{Timeout: 120 * time.Millisecond, Tries: 3}), e.String())
	if r.State != NoAnswer || r.Up || r.Err == nil || r.Errno != "" || r.Answer != "" || r.Time != 0 {
		t.Errorf("%+v", r)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 1 {
		t.Fatalf("asked from %d ports", len(asked))
	}
	for _, n := range asked {
		if n != 3 {
			t.Errorf("asked %d times, want 3", n)
		}
	}
}

// The first question is lost, the second answered.
func TestSecondTry(t *testing.T) {
	n := 0
	e := answerer(t, "udp://127.0.0.1:0", func(pc net.PacketConn, from net.Addr, b []byte) {
		if n++; n == 2 {
			pc.WriteTo(b, from)
		}
	})
	r := lookAt(t, t.Context(), newLooker(Options{Timeout: patience, Tries: 200}), "echo@"+e.String())
	if r.State != Answered || r.Time < patience/200 {
		t.Errorf("%s in %v, want answered after the second question (%v)", r.State, r.Time, r.Err)
	}
}

// An answer from another port of the same host counts for tftp alone.
func TestAnswerFromElsewhere(t *testing.T) {
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	e := answerer(t, "udp://127.0.0.1:0", func(_ net.PacketConn, from net.Addr, _ []byte) {
		other.WriteTo([]byte("\x00\x05\x00\x01no\x00"), from)
	})
	r := lookAt(t, t.Context(), newLooker(Options{}), "tftp@"+e.String())
	if r.State != Answered || r.Answer != `tftp: error 1, "no"` {
		t.Errorf("tftp: %s %s (%v)", r.State, r.Answer, r.Err)
	}
	r = lookAt(t, t.Context(), newLooker(Options{Timeout: 50 * time.Millisecond}), "dns@"+e.String())
	if r.State != NoAnswer {
		t.Errorf("dns: %s %s", r.State, r.Answer)
	}
}

// A socket that hears everybody takes the answers of one host.
func TestFromHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("127.0.0.2 is Linux's")
	}
	stranger, err := net.ListenPacket("udp", "127.0.0.2:0")
	if err != nil {
		t.Skip(err)
	}
	defer stranger.Close()
	e := answerer(t, "udp://127.0.0.1:0", func(_ net.PacketConn, from net.Addr, _ []byte) {
		stranger.WriteTo([]byte("\x00\x05\x00\x01no\x00"), from)
	})
	if r := lookAt(t, t.Context(), newLooker(Options{Timeout: 50 * time.Millisecond}), "tftp@"+e.String()); r.State != NoAnswer {
		t.Errorf("an answer of another host: %s %s", r.State, r.Answer)
	}
}

func TestDatagramEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := answerer(t, "udp://127.0.0.1:0", func(net.PacketConn, net.Addr, []byte) { cancel() })
	begun := time.Now()
	r := lookAt(t, ctx, newLooker(Options{Timeout: time.Hour}), e.String())
	if took := time.Since(begun); r.Up || took > patience {
		t.Errorf("%s after %v", r.State, took)
	}
}

func TestUnixgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("an answer needs a name that Linux gives")
	}
	e := answerer(t, "unixgram:"+filepath.Join(t.TempDir(), "g"), echo)
	r := lookAt(t, t.Context(), newLooker(Options{}), e.String())
	if r.State != Open || !r.Up || r.Asked != "" || r.Time <= 0 || r.Address != "" {
		t.Errorf("%+v", r)
	}
	r = lookAt(t, t.Context(), newLooker(Options{}), "echo@"+e.String())
	if r.State != Answered || !r.Up || r.Answer != "echo: the same bytes" {
		t.Errorf("echo: %+v", r)
	}
	r = lookAt(t, t.Context(), newLooker(Options{}), e.String()+"x")
	if r.State != Failed || r.Up || r.Errno != "ENOENT" {
		t.Errorf("no socket: %+v", r)
	}
}

// Every question reaches its service, and a good answer is understood on the way
// back.
func TestEveryQuestionIsAsked(t *testing.T) {
	for _, q := range questions {
		t.Run(q.service, func(t *testing.T) {
			asked := make(chan []byte, 4) // two sockets of two tries
			e := answerer(t, "udp://127.0.0.1:0", func(pc net.PacketConn, from net.Addr, b []byte) {
				asked <- bytes.Clone(b)
				pc.WriteTo([]byte("?"), from)
			})
			r := lookAt(t, t.Context(), newLooker(Options{}), fmt.Sprintf("%s@%v", q.service, e))
			if r.State != Answered || r.Answer != `1 byte: "?"` || r.Asked != q.asked {
				t.Errorf("%s: %s %s, asked %s (%v)", q.service, r.State, r.Answer, r.Asked, r.Err)
			}
			if got := <-asked; len(got) != len(q.ask(number)) {
				t.Errorf("%s was asked % x", q.service, got)
			}
		})
	}
}
