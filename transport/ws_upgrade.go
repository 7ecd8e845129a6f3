package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	coder "github.com/coder/websocket"
)

const (
	// wsHeaderLimit is how many bytes a request's or response's head may have.
	wsHeaderLimit = 16 << 10

	// Sizes of the library's buffers. What it writes goes to memory anyway, so
	// its own buffer needs no more than a header and a control frame.
	wsReadBuffer  = 4 << 10
	wsWriteBuffer = 256

	// wsDrain bounds what a peer may send after it was refused.
	wsDrain     = 256 << 10
	wsDrainWait = 500 * time.Millisecond
)

// upgrade is the server's opening handshake (RFC 6455, section 4.2).
func (c *wsConn) upgrade(ctx context.Context) (*coder.Conn, error) {
	if tls, ok := c.out.Conn.(Handshaker); ok {
		if err := tls.HandshakeContext(ctx); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, c.abandon)
	ws, err := c.answer()
	if !stop() {
		return nil, context.Cause(ctx)
	}
	return ws, err
}

// answer reads the request and answers it.
func (c *wsConn) answer() (*coder.Conn, error) {
	head := &headReader{r: c.out, left: wsHeaderLimit}
	w := &wsResponse{c: c, br: bufio.NewReaderSize(head, wsReadBuffer), header: make(http.Header)}
	r, err := http.ReadRequest(w.br)
	if err != nil {
		return nil, c.refuseRequest(w, head.long, err)
	}
	if r.URL.Path != c.server.path {
		http.NotFound(w, r)
		w.send() // whether it arrives or not, the handshake has failed
		return nil, fmt.Errorf("the peer asked for %q, here is %q", r.URL.Path, c.server.path)
	}
	ws, err := coder.Accept(w, r, &coder.AcceptOptions{
		OriginPatterns: c.server.origins,
		OnPingReceived: c.ping,
	})
	if sendErr := w.send(); sendErr != nil && err == nil {
		ws.CloseNow()
		return nil, sendErr
	}
	return ws, err
}

// refuseRequest answers what is no request, if the peer is there to hear it.
func (c *wsConn) refuseRequest(w *wsResponse, long bool, err error) error {
	var op net.Error
	switch {
	case long:
		err = fmt.Errorf("the request's head is longer than %d bytes", wsHeaderLimit)
		http.Error(w, err.Error(), http.StatusRequestHeaderFieldsTooLarge)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the peer ended the connection before its request was complete: %w", io.ErrUnexpectedEOF)
	case errors.As(err, &op):
		return err
	default:
		err = fmt.Errorf("no HTTP request: %w", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	if w.send() == nil {
		c.drain()
	}
	return err
}

// drain takes what a refused peer is still sending: closing with that unread
// would reset the connection and the peer might not see why.
func (c *wsConn) drain() {
	if h, ok := c.out.Conn.(HalfCloser); ok && h.CloseWrite() == nil {
		c.out.SetReadDeadline(time.Now().Add(wsDrainWait))
		io.CopyN(io.Discard, c.out, wsDrain)
	}
}

// headReader ends with an error before it has given more than left bytes.
type headReader struct {
	r    io.Reader
	left int
	long bool // it did
}

func (h *headReader) Read(p []byte) (int, error) {
	if h.left == 0 {
		h.long = true
		return 0, errors.New("too long")
	}
	n, err := h.r.Read(p[:min(len(p), h.left)])
	h.left -= n
	return n, err
}

// wsResponse is the http.ResponseWriter and http.Hijacker that the library
// needs, and no more: an answer is either the upgrade, or short and the last.
type wsResponse struct {
	c        *wsConn
	br       *bufio.Reader // what came after the request
	header   http.Header
	status   int
	body     bytes.Buffer
	hijacked bool
}

func (w *wsResponse) Header() http.Header { return w.header }

func (w *wsResponse) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *wsResponse) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Hijack gives the connection to the library. The answer is written when it has
// it, by send: the library is then ready for what the peer does next.
func (w *wsResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return w.c.out, bufio.NewReadWriter(w.br, bufio.NewWriterSize(w.c.out, wsWriteBuffer)), nil
}

// send writes the answer.
func (w *wsResponse) send() error {
	var b bytes.Buffer
	if w.hijacked {
		fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", w.status, http.StatusText(w.status))
		w.header.Write(&b)
		b.WriteString("\r\n")
	} else {
		w.response().Write(&b)
	}
	_, err := w.c.out.Write(b.Bytes())
	if n := w.c.out.pending(); err == nil && n > 0 {
		err = w.c.out.timeout("write")
	}
	return err
}

func (w *wsResponse) response() *http.Response {
	return &http.Response{
		StatusCode:    w.status,
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Close:         true,
	}
}
