package probe

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// listen opens text and serves each connection by serve, which owns it; all of it
// ends with the test. The endpoint is the real one.
func listen(t testing.TB, text string, serve func(net.Conn)) endpoint.Endpoint {
	t.Helper()
	e := endpoint.MustParse(text)
	ln, err := transport.Listen(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go acceptAll(ln, serve, done)
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return e.WithAddr(ln.Addr())
}

// acceptAll is a goroutine; it ends with ln. One connection after the other is
// served.
func acceptAll(ln net.Listener, serve func(net.Conn), done chan<- struct{}) {
	defer close(done)
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		c.SetDeadline(time.Now().Add(patience))
		serve(c)
		c.Close()
	}
}

// silent says nothing until the peer has gone.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// says says text first, in parts.
func says(parts ...string) func(net.Conn) {
	return func(c net.Conn) {
		for _, part := range parts {
			io.WriteString(c, part)
		}
		silent(c)
	}
}

// closedPort is an endpoint where nothing listens.
func closedPort(t testing.TB, scheme string) string {
	t.Helper()
	e := endpoint.MustParse(scheme + "://127.0.0.1:0")
	ln, pc, err := transport.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if ln != nil {
		defer ln.Close()
		return e.WithAddr(ln.Addr()).String()
	}
	defer pc.Close()
	return e.WithAddr(pc.LocalAddr()).String()
}

func TestOpen(t *testing.T) {
	schemes := []string{"tcp://127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "s"), "mem:" + t.Name()}
	if runtime.GOOS == "linux" {
		schemes = append(schemes, "unixpacket:"+filepath.Join(t.TempDir(), "p"), "unix:@parley-"+t.Name())
	}
	for _, text := range schemes {
		e := listen(t, text, silent)
		r := lookAt(t, t.Context(), newLooker(Options{Banner: time.Millisecond}), e.String())
		if r.State != Open || !r.Up || r.Err != nil || r.Time <= 0 || r.Banner != nil || r.At.IsZero() {
			t.Errorf("%v: %+v", e, r)
		}
		if want := strings.TrimPrefix(e.String(), "tcp://"); strings.HasPrefix(text, "tcp") && r.Address != want {
			t.Errorf("%v: address %q, want %q", e, r.Address, want)
		}
	}
}

func TestRefused(t *testing.T) {
	r := lookAt(t, t.Context(), newLooker(Options{}), closedPort(t, "tcp"))
	if r.State != Refused || r.Up || r.Errno == "" || r.Number == 0 || r.Time <= 0 || r.Time > patience {
		t.Errorf("%+v", r)
	}
	if runtime.GOOS == "linux" && (r.Errno != "ECONNREFUSED" || r.Number != 111) {
		t.Errorf("%s %d", r.Errno, r.Number)
	}
	r = lookAt(t, t.Context(), newLooker(Options{}), "unix:"+filepath.Join(t.TempDir(), "no"))
	if r.State != Failed || r.Up || r.Errno == "" || r.Address != "" {
		t.Errorf("no socket file: %+v", r)
	}
}

// A port that connects to itself has no listener.
func TestConnectedToItself(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("made on Linux only")
	}
	where := closedPort(t, "tcp")
	port := where[strings.LastIndexByte(where, ':'):]
	r := lookAt(t, t.Context(), newLooker(Options{}), where+"?source=127.0.0.1"+port)
	if r.State != Refused || r.Up || r.Errno != "" || r.Err == nil || !strings.Contains(r.Err.Error(), "connected to itself") {
		t.Errorf("%+v", r)
	}
}

func TestBanner(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve func(net.Conn)
		want  string
		wait  time.Duration
	}{
		{"a line", says("220 hello\r\n"), "220 hello\r\n", patience},
		{"a line in parts", says("SSH-", "2.0", "-x\n"), "SSH-2.0-x\n", patience},
		{"no line, and the end", func(c net.Conn) { io.WriteString(c, "\x00\xff") }, "\x00\xff", patience},
		{"too much", says(strings.Repeat("x", 4*maxBanner)), strings.Repeat("x", maxBanner), patience},
		{"no line", says("> "), "> ", 50 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := listen(t, "tcp://127.0.0.1:0", tt.serve)
			begun := time.Now()
			r := lookAt(t, t.Context(), newLooker(Options{Banner: tt.wait}), e.String())
			if took := time.Since(begun); took >= patience {
				t.Errorf("listened for all of %v", took)
			}
			if r.State != Open || string(r.Banner) != tt.want {
				t.Errorf("%s, %q; want %q (%v)", r.State, r.Banner, tt.want, r.Err)
			}
		})
	}
}

// Listening to a silent peer ends with ctx, and what was found out is kept.
func TestBannerEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := listen(t, "tcp://127.0.0.1:0", func(c net.Conn) {
		cancel() // it is connected
		silent(c)
	})
	begun := time.Now()
	r := lookAt(t, ctx, newLooker(Options{Banner: time.Hour}), e.String())
	if took := time.Since(begun); took > patience || r.Banner != nil {
		t.Errorf("%s after %v", r.State, took)
	}
}

func TestWebSocket(t *testing.T) {
	echo := listen(t, "ws://127.0.0.1:0/chat", func(c net.Conn) {
		c.(transport.Handshaker).HandshakeContext(context.Background())
		silent(c)
	})
	r := lookAt(t, t.Context(), newLooker(Options{}), echo.String())
	if r.State != Open || !r.Up || r.Err != nil || r.Address == "" || r.Time <= 0 {
		t.Errorf("a WebSocket: %+v", r)
	}

	var asked *http.Request
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		http.Error(w, "no", http.StatusTeapot)
	}))
	defer web.Close()
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	r = lookAt(t, t.Context(), newLooker(Options{}), "ws://localhost:"+port+"/a%20b")
	if r.State != Failed || r.Up || r.Errno != "" || !strings.Contains(r.Err.Error(), `answered "418 I'm a teapot"`) {
		t.Errorf("a web server: %s, %v", r.State, r.Err)
	}
	if asked.Host != "localhost:"+port || asked.URL.Path != "/a b" {
		t.Errorf("asked host %q for %q", asked.Host, asked.URL.Path)
	}

	mute := listen(t, "tcp://127.0.0.1:0", silent)
	r = lookAt(t, t.Context(), newLooker(Options{Timeout: 50 * time.Millisecond}), strings.Replace(mute.String(), "tcp", "ws", 1))
	if r.State != Failed || r.Up || !strings.Contains(r.Err.Error(), "connected, but") {
		t.Errorf("a silent server: %s, %v", r.State, r.Err)
	}
	if r = lookAt(t, t.Context(), newLooker(Options{}), strings.Replace(closedPort(t, "tcp"), "tcp", "ws", 1)); r.State != Refused {
		t.Errorf("nobody: %s, %v", r.State, r.Err)
	}
}

// The whole way, with several kinds at once.
func TestRun(t *testing.T) {
	open := listen(t, "tcp://127.0.0.1:0", says("hi\n"))
	closed := closedPort(t, "tcp")
	found := make(map[string]State)
	up, err := Run(t.Context(), mustParse(t, open.String(), closed), Options{}, func(r Result) { found[r.Target.String()] = r.State })
	if up || err != nil || found[open.String()] != Open || found[closed] != Refused || len(found) != 2 {
		t.Errorf("Run = %t, %v, %v", up, err, found)
	}
	var banner []byte
	up, err = Run(t.Context(), mustParse(t, open.String()), Options{}, func(r Result) { banner = r.Banner })
	if !up || err != nil || !bytes.Equal(banner, []byte("hi\n")) {
		t.Errorf("Run = %t, %v, %q", up, err, banner)
	}
}
