package transport

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"golang.org/x/net/nettest"

	"parley/endpoint"
)

// memEndpoint names an endpoint that no other test uses.
func memEndpoint(t *testing.T) endpoint.Endpoint {
	return endpoint.Endpoint{Scheme: "mem", Path: t.Name()}
}

func TestMemConn(t *testing.T) {
	e := memEndpoint(t)
	l, err := listenMem(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		if c1, err = dialMem(t.Context(), e); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = l.Accept(); err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

// The names of all mem endpoints are one namespace, and closing frees them.
func TestMemNames(t *testing.T) {
	e := memEndpoint(t)
	if _, err := dialMem(t.Context(), e); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial with no listener: %v, want ECONNREFUSED", err)
	}
	for range 2 {
		l, err := listenMem(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := listenMem(t.Context(), e); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second listener: %v, want EADDRINUSE", err)
		}
		l.Close()
	}
}

func TestMemFreshName(t *testing.T) {
	l, err := listenMem(t.Context(), endpoint.Endpoint{Scheme: "mem"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := dialMem(t.Context(), endpoint.Endpoint{Scheme: "mem", Path: l.Addr().String()})
	if err != nil {
		t.Fatalf("dial of the listener's address %v: %v", l.Addr(), err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := c.(HalfCloser).CloseWrite(); err != nil {
		t.Errorf("CloseWrite: %v", err)
	}
	if got, err := io.ReadAll(s); len(got) != 0 || err != nil {
		t.Errorf("peer read %q, %v, want the end", got, err)
	}
}
