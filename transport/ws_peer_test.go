package transport

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/endpoint"
	"parley/internal/memnet"
)

// WebSocket opcodes (RFC 6455, section 5.2).
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
	opFin      = 0x80 // the last frame of a message, in the same byte
)

// wsPeer speaks WebSocket by hand, so that it can speak it badly.
type wsPeer struct {
	net.Conn
	t      testing.TB
	br     *bufio.Reader
	client bool // it masks
}

// newWSPeer gives up after 10 s, so that a test which waits for nothing fails.
func newWSPeer(t testing.TB, nc net.Conn, client bool) *wsPeer {
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { nc.Close() })
	return &wsPeer{Conn: nc, t: t, br: bufio.NewReader(nc), client: client}
}

const wsTestKey = "dGhlIHNhbXBsZSBub25jZQ==" // of RFC 6455, section 1.3

// wsRequest is a request for path with further header lines.
func wsRequest(path string, lines ...string) string {
	head := []string{
		"GET " + path + " HTTP/1.1", "Host: here.test", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + wsTestKey,
	}
	return strings.Join(append(head, lines...), "\r\n") + "\r\n\r\n"
}

func (p *wsPeer) say(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		p.t.Fatalf("peer: %v", err)
	}
}

// response reads a response's head.
func (p *wsPeer) response() *http.Response {
	p.t.Helper()
	r, err := http.ReadResponse(p.br, nil)
	if err != nil {
		p.t.Fatalf("peer: reading the response: %v", err)
	}
	return r
}

// accept answers a request as a server.
func (p *wsPeer) accept() *http.Request {
	p.t.Helper()
	r, err := http.ReadRequest(p.br)
	if err != nil {
		p.t.Fatalf("peer: reading the request: %v", err)
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	p.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	return r
}

// frame is a frame with payload; first is opcode and opFin.
func (p *wsPeer) frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	if !p.client {
		return string(b) + payload
	}
	key := [4]byte{1, 2, 3, 4}
	b[1] |= 0x80
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return string(b)
}

func (p *wsPeer) send(first byte, payload string) {
	p.t.Helper()
	p.say(p.frame(first, payload))
}

// receive reads one frame.
func (p *wsPeer) receive() (first byte, payload string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(p.br, head[:]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1] & 0x7f)
	switch long := make([]byte, 8); n {
	case 126:
		io.ReadFull(p.br, long[:2])
		n = uint64(binary.BigEndian.Uint16(long))
	case 127:
		io.ReadFull(p.br, long)
		n = binary.BigEndian.Uint64(long)
	}
	var key [4]byte
	if masked := head[1]&0x80 != 0; masked == p.client {
		p.t.Errorf("peer: frame %#x masked: %v, want %v", head[0], masked, !p.client)
	} else if masked {
		io.ReadFull(p.br, key[:])
	}
	b := make([]byte, n)
	_, err = io.ReadFull(p.br, b)
	for i := range b {
		b[i] ^= key[i%4]
	}
	return head[0], string(b), err
}

// want reads one frame and compares it.
func (p *wsPeer) want(first byte, payload string) {
	p.t.Helper()
	gotFirst, got, err := p.receive()
	if gotFirst != first || got != payload || err != nil {
		p.t.Errorf("peer received frame %#x %.80q, %v, want %#x %.80q", gotFirst, got, err, first, payload)
	}
}

// closeCode is the payload of a Close frame.
func closeCode(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

func wsEndpoint(rest string) endpoint.Endpoint {
	return endpoint.MustParse("ws://127.0.0.1:0" + rest)
}

// wsAccepted is a connection in memory whose handshake is still to come, and its
// client.
func wsAccepted(t testing.TB, e endpoint.Endpoint) (*wsConn, *wsPeer) {
	client, server := memnet.Pair()
	l := listenWS(nil, e).(*wsListener)
	c := newWSConn(server, e, l)
	t.Cleanup(func() { c.Close() })
	return c, newWSPeer(t, client, true)
}

// wsServed is wsAccepted after the handshake.
func wsServed(t testing.TB) (*wsConn, *wsPeer) {
	t.Helper()
	c, p := wsAccepted(t, wsEndpoint("/"))
	p.say(wsRequest("/"))
	if err := c.HandshakeContext(t.Context()); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	if r := p.response(); r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answered %s, want 101", r.Status)
	}
	return c, p
}

// wsDialled is a dialled connection in memory, and its server.
func wsDialled(t testing.TB, e endpoint.Endpoint) (*wsConn, *wsPeer) {
	t.Helper()
	ours, theirs := memnet.Pair()
	p := newWSPeer(t, theirs, false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.accept()
	}()
	c, err := dialWS(t.Context(), e, giveConn(ours))
	if err != nil {
		t.Fatalf("dialWS(%v): %v", e, err)
	}
	<-done
	t.Cleanup(func() { c.Close() })
	return c.(*wsConn), p
}

// wantMessage reads a message of c and compares it.
func wantMessage(t testing.TB, c *wsConn, want string) {
	t.Helper()
	got, err := c.ReadMessage(nil, -1)
	if string(got) != want || err != nil {
		t.Errorf("ReadMessage = %.80q, %v, want %.80q", got, err, want)
	}
}

// cut shortens what a test prints.
func cut(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%.60q... of %d", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}
