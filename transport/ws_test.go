package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"parley/endpoint"
)

// giveConn is a raw dial that has been made already.
func giveConn(nc net.Conn) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) { return nc, nil }
}

// wsStart listens on loopback for e, a ws or wss endpoint.
func wsStart(t testing.TB, e endpoint.Endpoint) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if e.Scheme == "wss" {
		o, err := tlsListenOptionsOf(e)
		if err != nil {
			t.Fatal(err)
		}
		if l, err = listenTLS(l, o); err != nil {
			t.Fatal(err)
		}
	}
	l = listenWS(l, e)
	t.Cleanup(func() { l.Close() })
	return l
}

// wsRaw dials l's TCP or TLS connection.
func wsRaw(ctx context.Context, l net.Listener, e endpoint.Endpoint) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil || e.Scheme != "wss" {
		return nc, err
	}
	o, err := ReadTLSOptions(e)
	if err != nil {
		return nil, err
	}
	return dialTLS(ctx, nc, o)
}

// wsConnect dials l and returns both sides.
func wsConnect(ctx context.Context, l net.Listener, e endpoint.Endpoint) (client, server net.Conn, err error) {
	type result struct {
		c   net.Conn
		err error
	}
	dialled := make(chan result, 1)
	go func() {
		c, err := dialWS(ctx, e, func(ctx context.Context) (net.Conn, error) { return wsRaw(ctx, l, e) })
		dialled <- result{c, err}
	}()
	if server, err = l.Accept(); err != nil {
		return nil, nil, err
	}
	if err = server.(Handshaker).HandshakeContext(ctx); err != nil {
		server.Close()
	}
	r := <-dialled
	return r.c, server, errors.Join(err, r.err)
}

func TestWSConn(t *testing.T) {
	for _, text := range []string{"ws://127.0.0.1:1/nettest", "wss://127.0.0.1:1/nettest"} {
		listen := endpoint.MustParse(text)
		dial := listen
		if listen.Scheme == "wss" {
			dial = listen.With("insecure", "1")
		}
		t.Run(listen.Scheme, func(t *testing.T) {
			l := wsStart(t, listen)
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				if c1, c2, err = wsConnect(t.Context(), l, dial); err != nil {
					return nil, nil, nil, err
				}
				return c1, c2, func() { closeBoth(c1, c2) }, nil
			})
		})
	}
}

// closeBoth closes at once, so that neither side waits for the other.
func closeBoth(a, b net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Close()
	}()
	b.Close()
	<-done
}

// A megabyte each way at once, in messages of all sizes, all of them whole.
func TestWSMessages(t *testing.T) {
	e := wsEndpoint("/")
	client, server, err := wsConnect(t.Context(), wsStart(t, e), e.With("maxmessage", "1M"))
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{0, 1, 125, 126, 4096, 65535, 65536, 500_000, 3}
	done := make(chan error, 2)
	send := func(c net.Conn) {
		for _, n := range sizes {
			if _, err := c.Write(bytes.Repeat([]byte{byte(n)}, n)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}
	go send(client)
	go send(server)
	for _, c := range []net.Conn{client, server} {
		for _, n := range sizes {
			got, err := c.(MessageConn).ReadMessage([]byte("before"), n)
			if want := "before" + string(bytes.Repeat([]byte{byte(n)}, n)); string(got) != want || err != nil {
				t.Fatalf("ReadMessage = %s, %v, want %s", cut(string(got)), err, cut(want))
			}
		}
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- client.Close() }()
	if _, err := server.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read after the peer's Close: %v, want io.EOF itself", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("Close after the peer's: %v", err)
	}
}

func TestWSAbilities(t *testing.T) {
	var c any = new(wsConn)
	if _, ok := c.(HalfCloser); ok {
		t.Error("a wsConn is a HalfCloser, and WebSocket has no half-close")
	}
	if _, ok := c.(MessageConn); !ok {
		t.Error("a wsConn is no MessageConn")
	}
	l := wsStart(t, endpoint.MustParse("wss://127.0.0.1:1/"))
	if p, ok := l.(Pinner); !ok || len(p.Pin()) != len("sha256:")+64 {
		t.Errorf("a wss listener has no pin")
	}
	if _, ok := wsStart(t, wsEndpoint("/")).(Pinner); ok {
		t.Error("a ws listener is a Pinner, and it has no key")
	}
}

// Fragments are one message, and a ping between them is answered at once.
func TestWSFragments(t *testing.T) {
	c, p := wsServed(t)
	p.send(opText, "one ")
	p.send(opPing|opFin, "are you there")
	p.send(opContinue, "two ")
	p.send(opContinue|opFin, "three")
	wantMessage(t, c, "one two three")
	p.want(opPong|opFin, "are you there")

	p.send(opText, "a")
	p.send(opContinue|opFin, "b")
	p.send(opText|opFin, "")
	p.send(opText|opFin, "cd")
	got := make([]byte, 4)
	if n, err := io.ReadFull(c, got); err != nil || string(got) != "abcd" {
		t.Errorf("Read gave %q, %v, want the bytes of the messages, %q", got[:n], err, "abcd")
	}
}

// A dialled conn masks its pongs, as wsPeer checks.
func TestWSPongMasked(t *testing.T) {
	c, p := wsDialled(t, wsEndpoint("/"))
	p.send(opPing|opFin, "masked?")
	p.send(opBinary|opFin, "x")
	wantMessage(t, c, "x")
	p.want(opPong|opFin, "masked?")
}

// Mixing the two ways of reading loses nothing.
func TestWSReadThenReadMessage(t *testing.T) {
	c, p := wsServed(t)
	for _, s := range []string{"hello", "all of it", "", "next"} {
		p.send(opText|opFin, s)
	}
	buf := make([]byte, 2)
	if n, err := c.Read(buf); string(buf[:n]) != "he" || err != nil {
		t.Errorf("Read = %q, %v, want %q", buf[:n], err, "he")
	}
	wantMessage(t, c, "llo")
	buf = make([]byte, 100)
	if n, err := c.Read(buf); string(buf[:n]) != "all of it" || err != nil {
		t.Errorf("Read = %q, %v, want %q", buf[:n], err, "all of it")
	}
	wantMessage(t, c, "") // the empty one: the end of the one before is no message
	wantMessage(t, c, "next")
}

func TestWSTextOrBinary(t *testing.T) {
	c, p := wsServed(t)
	steps := []struct {
		hear byte // 0: nothing
		say  string
		want byte
	}{
		{0, "grüezi", opText},
		{0, "\xff\xfe", opBinary},
		{opBinary, "text all the same", opBinary},
		{opText, "text again", opText},
		{opText, "\x80", opBinary},
	}
	for _, s := range steps {
		if s.hear != 0 {
			p.send(s.hear|opFin, "x")
			wantMessage(t, c, "x")
		}
		if _, err := c.Write([]byte(s.say)); err != nil {
			t.Fatalf("Write(%q): %v", s.say, err)
		}
		p.want(s.want|opFin, s.say)
	}
}

// What the peer sends with its Close behind it is answered before the library
// answers the Close.
func TestWSAnswerBeforeClose(t *testing.T) {
	c, p := wsServed(t)
	p.say(p.frame(opText|opFin, "question") + p.frame(opClose|opFin, closeCode(1000, "")))
	wantMessage(t, c, "question")
	if _, err := c.Write([]byte("answer")); err != nil {
		t.Errorf("Write: %v, want the answer sent", err)
	}
	if _, err := c.ReadMessage(nil, -1); err != io.EOF {
		t.Errorf("ReadMessage: %v, want io.EOF", err)
	}
	p.want(opText|opFin, "answer")
	p.want(opClose|opFin, closeCode(1000, ""))
	if _, err := c.Write([]byte("too late")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write after the peer's Close: %v, want EPIPE", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close after the peer's: %v", err)
	}
}

func TestWSEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(p *wsPeer)
		want error  // matched; io.EOF is compared
		text string // in the error
	}{
		{"normal", func(p *wsPeer) { p.send(opClose|opFin, closeCode(1000, "bye")) }, io.EOF, ""},
		{"going away", func(p *wsPeer) { p.send(opClose|opFin, closeCode(1001, "")) }, io.EOF, ""},
		{"no code", func(p *wsPeer) { p.send(opClose|opFin, "") }, io.EOF, ""},
		{"failed", func(p *wsPeer) { p.send(opClose|opFin, closeCode(1011, "boom")) }, nil, `code 1011, reason "boom"`},
		{"own code", func(p *wsPeer) { p.send(opClose|opFin, closeCode(4000, "")) }, nil, "code 4000"},
		{"no Close", func(p *wsPeer) { p.Close() }, io.ErrUnexpectedEOF, "Close"},
		{"in a message", func(p *wsPeer) { p.say(p.frame(opText|opFin, "hello")[:8]); p.Close() }, io.ErrUnexpectedEOF, ""},
		{"between fragments", func(p *wsPeer) { p.send(opText, "hello"); p.Close() }, io.ErrUnexpectedEOF, ""},
		{"no mask", func(p *wsPeer) { p.client = false; p.send(opText|opFin, "x"); p.client = true }, nil, "unmasked"},
		{"unknown frame", func(p *wsPeer) { p.send(0x3|opFin, "x") }, nil, "opcode"},
		{"unread answer", func(p *wsPeer) { p.Close() }, syscall.ECONNRESET, "reset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, whole := range []bool{true, false} {
				c, p := wsServed(t)
				if tt.want == syscall.ECONNRESET {
					c.Write([]byte("unread"))
				}
				tt.end(p)
				err := readOnce(c, whole)
				if tt.text == "" {
					tt.text = "EOF"
				}
				if err == nil || !strings.Contains(err.Error(), tt.text) || tt.want != nil && !errors.Is(err, tt.want) {
					t.Fatalf("read: %v, want %v and %q in it", err, tt.want, tt.text)
				}
				if (err == io.EOF) != (tt.want == io.EOF) {
					t.Errorf("read: %v: an end in order or not, want %v", err, tt.want)
				}
				if strings.Contains(err.Error(), "failed to") {
					t.Errorf("read: %v: the library's words", err)
				}
				if again := readOnce(c, whole); again == nil || again.Error() != err.Error() {
					t.Errorf("the next read: %v, want again %v", again, err)
				}
				start := time.Now()
				c.Close()
				if d := time.Since(start); d > wsCloseWait/2 {
					t.Errorf("Close waited %v for a peer that is gone", d)
				}
			}
		})
	}
}

func readOnce(c *wsConn, whole bool) error {
	if whole {
		_, err := c.ReadMessage(nil, -1)
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 100))
	return err
}

// Under TLS the end without close_notify is an end without a Close frame too.
func TestWSSCut(t *testing.T) {
	e := endpoint.MustParse("wss://127.0.0.1:1/")
	client, server, err := wsConnect(t.Context(), wsStart(t, e), e.With("insecure", "1"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeBoth(client, server)
	client.(*wsConn).out.Conn.(*tlsConn).records.Conn.(*net.TCPConn).CloseWrite()
	if err := readOnce(server.(*wsConn), true); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadMessage: %v, want io.ErrUnexpectedEOF", err)
	}
}

func TestWSTooLong(t *testing.T) {
	const max = 40_000 // more than a chunk
	fits, long := strings.Repeat("x", max), strings.Repeat("x", max+1)
	for _, split := range []bool{false, true} {
		c, p := wsServed(t)
		go func() {
			p.send(opText|opFin, fits)
			if split {
				p.send(opText, long[:max])
				p.send(opContinue|opFin, long[max:])
			} else {
				p.send(opText|opFin, long)
			}
		}()
		if got, err := c.ReadMessage(nil, max); len(got) != max || err != nil {
			t.Errorf("ReadMessage of %d bytes = %d, %v", max, len(got), err)
		}
		got, err := c.ReadMessage([]byte("before"), max)
		if string(got) != "before" || !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("ReadMessage of %d bytes = %s, %v, want ErrMessageTooLong", max+1, cut(string(got)), err)
		}
		if _, err := c.ReadMessage(nil, max); !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("ReadMessage after that: %v, want ErrMessageTooLong", err)
		}
		first, payload, err := p.receive()
		if first != opClose|opFin || err != nil || !strings.HasPrefix(payload, closeCode(1009, "")) {
			t.Errorf("peer received %#x %q, %v, want Close 1009", first, payload, err)
		}
		p.send(opClose|opFin, closeCode(1009, ""))
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// Text that is not UTF-8 is refused, binary may be anything.
func TestWSNotText(t *testing.T) {
	c, p := wsServed(t)
	p.send(opBinary|opFin, "\xff\xfe")
	wantMessage(t, c, "\xff\xfe")
	p.send(opText, "caf\xc3") // a character may be cut by a fragment
	p.send(opContinue|opFin, "\xa9")
	wantMessage(t, c, "café")
	p.send(opText|opFin, "\xff\xfe")
	for range 2 {
		if got, err := c.ReadMessage(nil, 100); !errors.Is(err, errNotText) {
			t.Errorf("ReadMessage of bytes that are not text = %q, %v", got, err)
		}
	}
	go c.Close()
	p.want(opClose|opFin, closeCode(1007, errNotText.Error()))
	p.send(opClose|opFin, closeCode(1007, ""))
}

// The limit that only counting shows: the message was begun by Read.
func TestWSTooLongRest(t *testing.T) {
	c, p := wsServed(t)
	p.send(opText|opFin, strings.Repeat("x", 100))
	c.Read(make([]byte, 1))
	if _, err := c.ReadMessage(nil, 98); !errors.Is(err, ErrMessageTooLong) {
		t.Errorf("ReadMessage of a rest of 99 bytes: %v, want ErrMessageTooLong", err)
	}
	go c.Close()
	p.want(opClose|opFin, closeCode(1009, "message too long"))
}

// The option maxmessage bounds what Read takes from a server.
func TestWSDialMaxMessage(t *testing.T) {
	c, p := wsDialled(t, wsEndpoint("/").With("maxmessage", "10"))
	p.send(opBinary|opFin, "ten bytes.")
	p.send(opBinary|opFin, "more than ten")
	got, err := io.ReadAll(io.LimitReader(c, 10))
	if string(got) != "ten bytes." || err != nil {
		t.Errorf("read %q, %v, want %q", got, err, "ten bytes.")
	}
	if _, err := io.ReadAll(c); !errors.Is(err, ErrMessageTooLong) {
		t.Errorf("read of a longer message: %v, want ErrMessageTooLong", err)
	}
	go c.Close()
	if first, _, _ := p.receive(); first != opClose|opFin {
		t.Errorf("peer received %#x, want a Close frame", first)
	}
}

// A message there and one back allocate nothing.
func TestWSAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget what it holds")
	}
	c, p := wsServed(t)
	frame := []byte(p.frame(opBinary|opFin, strings.Repeat("x", 64)))
	message, answer := make([]byte, 0, 64), make([]byte, 2+64)
	got := testing.AllocsPerRun(200, func() {
		p.Write(frame)
		message, _ = c.ReadMessage(message[:0], 1000)
		c.Write(message)
		io.ReadFull(p, answer)
	})
	if got != 0 || len(message) != 64 {
		t.Errorf("%v allocations for a message of %d bytes there and back, want 0", got, len(message))
	}
}

// A read deadline in the middle of a message loses nothing of it.
func TestWSReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := wsServed(t)
		p.SetDeadline(time.Time{})
		whole := strings.Repeat("abcdefgh", 8000) // four chunks
		f := p.frame(opBinary|opFin, whole)
		for at := range 5 {
			go p.say(f[at*len(f)/5 : (at+1)*len(f)/5])
			if at == 4 {
				break
			}
			c.SetReadDeadline(time.Now().Add(time.Minute))
			got, err := c.ReadMessage([]byte("before"), len(whole))
			if string(got) != "before" || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("ReadMessage after %d/5 = %s, %v, want the deadline", at+1, cut(string(got)), err)
			}
			if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("%v is no timeout", err)
			}
		}
		c.SetReadDeadline(time.Time{})
		wantMessage(t, c, whole)
		p.send(opText|opFin, "next")
		wantMessage(t, c, "next")
		endByPeer(t, c, p)
	})
}

// endByPeer ends a connection in a bubble, where cleanups come too late.
func endByPeer(t testing.TB, c *wsConn, p *wsPeer) {
	t.Helper()
	p.Close()
	c.Close()
}

// A write deadline that passes in the middle of a message: the peer gets the
// message, and the next ones, whole.
func TestWSWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := wsServed(t)
		p.SetDeadline(time.Time{})
		long := strings.Repeat("0123456789abcdef", 20_000) // five times what the network holds
		c.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := c.Write([]byte(long))
		if n != len(long) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write = %d, %v, want %d taken and the deadline", n, err, len(long))
		}
		c.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := c.Write([]byte("not taken")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write = %d, %v while another message waits, want 0 and the deadline", n, err)
		}
		c.SetWriteDeadline(time.Time{})
		done := make(chan error)
		go func() {
			_, err := c.Write([]byte("next"))
			done <- err
		}()
		p.want(opText|opFin, long)
		p.want(opText|opFin, "next")
		if err := <-done; err != nil {
			t.Errorf("Write: %v", err)
		}
		endByPeer(t, c, p)
	})
}

// While a Write waits for the peer for longer than the library's five seconds, pings
// are read, and answered when there is room; and a flood of them is bounded.
func TestWSPingWhileStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := wsServed(t)
		p.SetDeadline(time.Time{})
		long := strings.Repeat("x", 200_000)
		wrote := make(chan error)
		go func() {
			_, err := c.Write([]byte(long))
			wrote <- err
		}()
		synctest.Wait()
		for range wsPongs + 100 {
			p.send(opPing|opFin, "still there")
		}
		p.send(opText|opFin, "heard")
		wantMessage(t, c, "heard")
		time.Sleep(time.Minute)
		p.send(opText|opFin, "a minute later")
		wantMessage(t, c, "a minute later")
		p.want(opText|opFin, long)
		for range wsPongs {
			p.want(opPong|opFin, "still there")
		}
		if err := <-wrote; err != nil {
			t.Errorf("Write: %v", err)
		}
		p.send(opPing|opFin, "again")
		p.send(opText|opFin, "x")
		wantMessage(t, c, "x")
		p.want(opPong|opFin, "again") // and none of those beyond the bound
		endByPeer(t, c, p)
	})
}
