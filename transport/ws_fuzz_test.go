package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"parley/internal/memnet"
)

// Whatever a client sends after its request, no message is longer than the
// limit, the end comes, and both ways of reading give the same bytes.
func FuzzWSFrames(f *testing.F) {
	p := &wsPeer{client: true}
	for _, s := range []string{
		p.frame(opText|opFin, "one") + p.frame(opClose|opFin, closeCode(1000, "")),
		p.frame(opText, "on") + p.frame(opPing|opFin, "?") + p.frame(opContinue|opFin, "e"),
		p.frame(opBinary|opFin, string(make([]byte, fuzzMax))),
		p.frame(opBinary|opFin, string(make([]byte, fuzzMax+1))),
		p.frame(opText, "cut"), p.frame(opText|opFin, "cut")[:7], p.frame(opText|opFin, ""),
		p.frame(opClose|opFin, closeCode(1011, "x")), p.frame(opClose|opFin, "x"), p.frame(opPong|opFin, "unasked"),
		"\x81\x03one", "\xc1\x80\x01\x02\x03\x04", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frames []byte) {
		if len(frames) > 32<<10 {
			t.Skip("would not fit into the connection's buffer")
		}
		messages, wholeErr := fuzzRead(t, frames, true)
		stream, err := fuzzRead(t, frames, false)
		// Read gives the beginning of a message that is cut off or too long as well.
		if !bytes.HasPrefix(stream, messages) || wholeErr == io.EOF && len(stream) != len(messages) {
			t.Errorf("ReadMessage gave %q, %v, Read %q, %v", messages, wholeErr, stream, err)
		}
	})
}

const fuzzMax = 100

// fuzzRead reads frames to their end, one way or the other.
func fuzzRead(t *testing.T, frames []byte, whole bool) (all []byte, err error) {
	client, server := memnet.Pair()
	c := newWSConn(server, wsEndpoint("/"), listenWS(nil, wsEndpoint("/")).(*wsListener))
	c.maxMessage = fuzzMax
	defer c.Close()
	defer client.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	client.Write([]byte(wsRequest("/")))
	client.Write(frames)
	client.CloseWrite()
	for {
		if whole {
			start := len(all)
			if all, err = c.ReadMessage(all, fuzzMax); len(all)-start > fuzzMax {
				t.Errorf("a message of %d bytes", len(all)-start)
			}
		} else {
			var b [64]byte
			var n int
			n, err = c.Read(b[:])
			all = append(all, b[:n]...)
		}
		if err != nil {
			break
		}
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the end has not come")
	}
	return all, err
}
