package transport

import (
	"context"
	"net"
	"testing"
	"time"

	"parley/endpoint"
)

// patience bounds what a test waits for; it is reached by failures only.
const patience = 10 * time.Second

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// packetsAt listens on text for datagrams until the test ends.
func packetsAt(t testing.TB, text string) net.PacketConn {
	t.Helper()
	pc, err := ListenPacket(patient(t), endpoint.MustParse(text))
	if err != nil {
		t.Fatalf("ListenPacket(%s): %v", text, err)
	}
	pc.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { pc.Close() })
	return pc
}

// dialAt dials text, at the real address a unless that is nil, for the time of
// the test.
func dialAt(t testing.TB, text string, a net.Addr) net.Conn {
	t.Helper()
	e := endpoint.MustParse(text).WithAddr(a)
	c, err := Dial(patient(t), e)
	if err != nil {
		t.Fatalf("Dial(%v): %v", e, err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// acceptOne accepts a connection for the time of the test.
func acceptOne(t testing.TB, ln net.Listener) net.Conn {
	t.Helper()
	c, err := ln.Accept()
	if err != nil {
		t.Fatalf("Accept on %v: %v", ln.Addr(), err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write(%q) to %v = %d, %v", text, c.RemoteAddr(), n, err)
	}
}

// expect reads once and wants text.
func expect(t testing.TB, c net.Conn, text string) {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	if err != nil || string(buf[:n]) != text {
		t.Fatalf("Read from %v = %q, %v, want %q", c.RemoteAddr(), buf[:n], err, text)
	}
}

// expectFrom receives one datagram, wants text, and returns the sender.
func expectFrom(t testing.TB, pc net.PacketConn, text string) net.Addr {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, from, err := pc.ReadFrom(buf)
	if err != nil || string(buf[:n]) != text {
		t.Fatalf("ReadFrom on %v = %q, %v, %v, want %q", pc.LocalAddr(), buf[:n], from, err, text)
	}
	return from
}
