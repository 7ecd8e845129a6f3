package transport

import (
	"errors"
	"os"
	"strings"
	"testing"

	"parley/endpoint"
)

// Listen and Dial reach each other over every stream scheme on TCP, with the
// listener's pin where there is one.
func TestStreamsOverTCP(t *testing.T) {
	for _, text := range []string{"tls://127.0.0.1:0", "ws://127.0.0.1:0/chat", "wss://127.0.0.1:0/chat"} {
		ln, e := mustListen(t, text)
		if p, ok := ln.(Pinner); ok {
			e = e.With("pin", p.Pin())
		} else if strings.Contains(text, "s://") && !strings.HasPrefix(text, "ws:") {
			t.Errorf("the listener of %s is no Pinner", text)
		}
		answered := make(chan error, 1)
		go answerOne(ln.Accept, answered)
		c := mustDial(t, e.With("connect", "10s"))
		if _, err := c.Write([]byte("hi")); err != nil {
			t.Errorf("%s: Write: %v", text, err)
		}
		b := make([]byte, 10)
		if n, err := c.Read(b); string(b[:n]) != "hi" || err != nil {
			t.Errorf("%s: Read: got %q, %v; want hi", text, b[:n], err)
		}
		c.Close()
		if err := <-answered; err != nil {
			t.Errorf("%s: server: %v", text, err)
		}
	}
}

func TestDialPinWrong(t *testing.T) {
	ln, e := mustListen(t, "tls://127.0.0.1:0")
	answered := make(chan error, 1)
	go answerOne(ln.Accept, answered)
	_, err := Dial(t.Context(), e.With("pin", "sha256:"+strings.Repeat("00", 32)))
	var op *OpError
	if !errors.As(err, &op) || op.Op != "handshake" || op.Endpoint.Port != e.Port {
		t.Errorf("Dial with a wrong pin: got %v, want an *OpError of the handshake", err)
	}
	if err := <-answered; err == nil {
		t.Error("the server's handshake has no error")
	}
}

// The option connect= bounds the handshakes: the peer accepts and is silent.
func TestConnectBoundsHandshake(t *testing.T) {
	_, held := mustListen(t, "tcp://127.0.0.1:0")
	for _, scheme := range []string{"tls", "ws", "wss"} {
		e := endpoint.Endpoint{Scheme: scheme, Host: "127.0.0.1", Port: held.Port}
		_, err := Dial(t.Context(), e.With("connect", "30ms"))
		if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "gave up after connect=30ms") {
			t.Errorf("Dial(%v) of a silent peer: got %v, want a timeout", e, err)
		}
		if strings.Count(err.Error(), held.Port) != 1 {
			t.Errorf("the address is not said once: %v", err)
		}
	}
}

// Files are read before a socket is opened.
func TestFilesBeforeOpening(t *testing.T) {
	_, held := mustListen(t, "tcp://127.0.0.1:0")
	e := endpoint.Endpoint{Scheme: "tls", Host: "127.0.0.1", Port: held.Port}.With("cert", "/no/such/file.pem")
	for op, err := range map[string]error{"listen": listenError(t, e), "dial": dialError(t, e)} {
		if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), op+" tls://127.0.0.1:") {
			t.Errorf("%s: got %v, want that there is no such file", op, err)
		}
	}
}

func listenError(t *testing.T, e endpoint.Endpoint) error {
	_, err := Listen(t.Context(), e)
	return err
}

func dialError(t *testing.T, e endpoint.Endpoint) error {
	_, err := Dial(t.Context(), e)
	return err
}
