package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/endpoint"
	"parley/internal/memnet"
)

func TestWSURL(t *testing.T) {
	tests := []struct{ e, want string }{
		{"ws://127.0.0.1:8080/echo", "ws://127.0.0.1:8080/echo"},
		{"ws://host.test:80/", "ws://host.test/"},
		{"wss://host.test:443/", "wss://host.test/"},
		{"wss://host.test:80/", "wss://host.test:80/"},
		{"ws://[::1]:80/", "ws://[::1]/"},
		{"ws://[fe80::1%lo]:81/", "ws://[fe80::1]:81/"},
		{"ws://:81/", "ws://localhost:81/"},
		{"ws://host.test:echo/", "ws://host.test:7/"},
		{"ws://host.test:81/a%20b", "ws://host.test:81/a%20b"},
	}
	for _, tt := range tests {
		got, err := wsURL(t.Context(), endpoint.MustParse(tt.e))
		if got != tt.want || err != nil {
			t.Errorf("wsURL(%s) = %q, %v, want %q", tt.e, got, err, tt.want)
		}
	}
	e := endpoint.Endpoint{Scheme: "ws", Host: "host.test", Port: "81"}
	if got, err := wsURL(t.Context(), e); got != "ws://host.test:81/" || err != nil {
		t.Errorf("wsURL with no path = %q, %v, want a slash", got, err)
	}
}

// What is sent to the server, and that the context ends with the dial.
func TestWSDialRequest(t *testing.T) {
	ours, theirs := memnet.Pair()
	p := newWSPeer(t, theirs, false)
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan string, 1)
	go func() {
		r := p.accept()
		seen <- r.Host + r.URL.String()
	}()
	nc, err := dialWS(ctx, endpoint.MustParse("ws://host.test:81/a/b"), giveConn(ours))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got, want := <-seen, "host.test:81/a/b"; got != want {
		t.Errorf("the server was asked for %s, want %s", got, want)
	}
	cancel()
	p.send(opText|opFin, "after the context")
	wantMessage(t, nc.(*wsConn), "after the context")
	go nc.Close()
	p.want(opClose|opFin, closeCode(1000, ""))
	p.send(opClose|opFin, closeCode(1000, ""))
}

func TestWSDialRefused(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found"},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", "302 Found"},
		{"plain page", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 OK"},
		{"wrong key", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n", "Sec-WebSocket-Accept"},
		{"no HTTP", "SSH-2.0-x\r\n", "HTTP"},
		{"long head", "HTTP/1.1 404 Not Found\r\nX: " + strings.Repeat("y", 2*wsHeaderLimit) + "\r\n\r\n", "exceeded"},
		{"nothing", "", "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ours, theirs := memnet.Pair()
			p := newWSPeer(t, theirs, false)
			done := make(chan struct{})
			go func() {
				defer close(done)
				io.ReadFull(p, make([]byte, 50)) // some of the request
				io.WriteString(p, tt.answer)
				p.CloseWrite()
				io.Copy(io.Discard, p)
			}()
			_, err := dialWS(t.Context(), wsEndpoint("/").With("maxmessage", "1"), giveConn(ours))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("dialWS: %v, want %q in it", err, tt.want)
			}
			if err := ours.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the connection of a failed dial is open (%v)", err)
			}
			<-done
		})
	}
}

func (p *wsPeer) CloseWrite() error { return p.Conn.(HalfCloser).CloseWrite() }

// A server that accepts and says nothing costs no more than the context.
func TestWSDialSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memnet.Pair()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := dialWS(ctx, wsEndpoint("/"), giveConn(ours))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("dialWS: %v after %v, want the deadline after 3s", err, time.Since(start))
		}
		theirs.Close()
	})
}

// A failed raw dial is the dial's error, as it is.
func TestWSDialRawFails(t *testing.T) {
	want := errors.New("no route")
	_, err := dialWS(t.Context(), wsEndpoint("/"), func(context.Context) (net.Conn, error) { return nil, want })
	if err != want {
		t.Errorf("dialWS: %v, want %v", err, want)
	}
}
