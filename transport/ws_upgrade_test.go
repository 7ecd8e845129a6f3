package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWSRequests(t *testing.T) {
	tests := []struct {
		name    string
		request string
		status  int
		text    string // in the handshake's error, "" when there is none
	}{
		{"plain", wsRequest("/chat"), 101, ""},
		{"query", wsRequest("/chat?room=1"), 101, ""},
		{"escaped", wsRequest("/%63hat"), 101, ""},
		{"wrong path", wsRequest("/"), 404, `"/"`},
		{"longer path", wsRequest("/chat/"), 404, `"/chat/"`},
		{"no upgrade", "GET /chat HTTP/1.1\r\nHost: x\r\n\r\n", 426, "Upgrade"},
		{"POST", strings.Replace(wsRequest("/chat"), "GET", "POST", 1), 405, "GET"},
		{"old version", strings.Replace(wsRequest("/chat"), ": 13", ": 8", 1), 400, "version"},
		{"HTTP/1.0", strings.Replace(wsRequest("/chat"), "HTTP/1.1", "HTTP/1.0", 1), 426, "HTTP/1.1"},
		{"same origin", wsRequest("/chat", "Origin: http://here.test"), 101, ""},
		{"allowed origin", wsRequest("/chat", "Origin: https://www.friend.test"), 101, ""},
		{"other allowed origin", wsRequest("/chat", "Origin: https://pal.test"), 101, ""},
		{"bad origin", wsRequest("/chat", "Origin: https://evil.test"), 403, "evil.test"},
		{"long head", wsRequest("/chat", "X: "+strings.Repeat("y", wsHeaderLimit)), 431, "16384"},
		{"many lines", wsRequest("/chat", strings.Repeat("X: y\r\n", wsHeaderLimit/5)+"Z: z"), 431, "16384"},
		{"head that just fits", fittingRequest("/chat", wsHeaderLimit), 101, ""},
		{"no HTTP", "\x16\x03\x01 is TLS\r\n\r\n", 400, "HTTP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p := wsAccepted(t, wsEndpoint("/chat?origin=*.friend.test,pal.test"))
			said := make(chan struct{})
			go func() {
				defer close(said)
				io.WriteString(p, tt.request)
			}()
			defer func() { <-said }()
			done := make(chan error, 1)
			go func() { done <- c.HandshakeContext(t.Context()) }()
			r := p.response()
			if r.StatusCode != tt.status {
				t.Errorf("answered %s, want %d", r.Status, tt.status)
			}
			if tt.status == http.StatusSwitchingProtocols {
				if got, want := r.Header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
					t.Errorf("Sec-WebSocket-Accept = %q, want %q", got, want)
				}
			} else if body, err := io.ReadAll(r.Body); len(body) == 0 || err != nil {
				t.Errorf("body %q, %v, want a reason", body, err)
			}
			if tt.status == 431 {
				p.Close()
			}
			err := <-done
			if (err == nil) != (tt.text == "") || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("HandshakeContext: %v, want %q in it", err, tt.text)
			}
			if again := c.HandshakeContext(t.Context()); again != err {
				t.Errorf("second HandshakeContext: %v, want the same %v", again, err)
			}
			checkHandshakeError(t, err)
		})
	}
}

// A peer that is refused while it sends is heard to its end, so that it is not
// reset before it can read why.
func TestWSRefusedWhileSending(t *testing.T) {
	c, p := wsAccepted(t, wsEndpoint("/"))
	done := make(chan error, 1)
	go func() {
		done <- c.HandshakeContext(t.Context())
		c.Close()
	}()
	p.say(wsRequest("/", "X: "+strings.Repeat("y", 200_000)))
	if r := p.response(); r.StatusCode != 431 {
		t.Errorf("answered %s, want 431", r.Status)
	}
	p.Close()
	if err := <-done; err == nil {
		t.Error("HandshakeContext: no error")
	}
}

// fittingRequest is a request whose head has n bytes.
func fittingRequest(path string, n int) string {
	return wsRequest(path, "X: "+strings.Repeat("y", n-len(wsRequest(path, "X: "))))
}

func checkHandshakeError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var op *OpError
	if !errors.As(err, &op) || op.Op != "handshake" || strings.Contains(op.Error(), "\n") {
		t.Errorf("%q is no *OpError of a handshake in one line", err)
	}
}

// A peer that says nothing, or half a request, costs no more than the deadline.
func TestWSHandshakeDeadline(t *testing.T) {
	for _, said := range []string{"", wsRequest("/")[:30]} {
		synctest.Test(t, func(t *testing.T) {
			c, p := wsAccepted(t, wsEndpoint("/"))
			p.SetDeadline(time.Time{})
			p.say(said)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			start := time.Now()
			err := c.HandshakeContext(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
				t.Errorf("after %q: %v after %v, want the deadline after 5s", said, err, time.Since(start))
			}
			checkHandshakeError(t, err)
			if _, err := p.Read(make([]byte, 1)); err == nil {
				t.Error("the connection is still open")
			}
			c.Close()
			p.Close()
		})
	}
}

// Without a HandshakeContext the first Read runs the handshake, under the
// read deadline.
func TestWSHandshakeByRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := wsAccepted(t, wsEndpoint("/"))
		p.SetDeadline(time.Time{})
		c.SetReadDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		if err := readOnce(c, false); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Read: %v after %v, want the deadline after 1m", err, time.Since(start))
		}
		endByPeer(t, c, p)

		c, p = wsAccepted(t, wsEndpoint("/"))
		p.say(wsRequest("/") + p.frame(opText|opFin, "with the request"))
		c.SetReadDeadline(time.Now().Add(time.Minute))
		wantMessage(t, c, "with the request")
		time.Sleep(time.Hour) // no deadline stays behind
		c.SetReadDeadline(time.Time{})
		p.SetDeadline(time.Time{})
		p.send(opText|opFin, "later")
		wantMessage(t, c, "later")
		endByPeer(t, c, p)
	})
}

// A request that comes byte by byte is as good as any.
func TestWSSlowRequest(t *testing.T) {
	c, p := wsAccepted(t, wsEndpoint("/"))
	go func() {
		for _, b := range []byte(wsRequest("/")) {
			p.Write([]byte{b})
		}
	}()
	if err := c.HandshakeContext(t.Context()); err != nil {
		t.Errorf("HandshakeContext: %v", err)
	}
}

func TestWSHandshakeCutOff(t *testing.T) {
	for _, said := range []string{"", wsRequest("/")[:30]} {
		c, p := wsAccepted(t, wsEndpoint("/"))
		p.say(said)
		p.Close()
		err := c.HandshakeContext(t.Context())
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %q and the end: %v, want io.ErrUnexpectedEOF", said, err)
		}
		checkHandshakeError(t, err)
	}
}
