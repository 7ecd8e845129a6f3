//go:build unix

package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// inherited returns a descriptor as a parent would pass it: a copy of the
// socket, not closed on exec.
func inherited(t *testing.T, c any) int {
	t.Helper()
	f, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD, 100)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func fdEndpoint(fd int) endpoint.Endpoint { return endpoint.MustParse(fmt.Sprintf("fd:%d", fd)) }

// isOpen reports whether fd is open.
func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func TestFDListener(t *testing.T) {
	for _, scheme := range []string{"tcp://127.0.0.1:0", "unix:" + shortDir(t) + "/s"} {
		original := listenAt(t, scheme)
		fd := inherited(t, original)
		ln, pc, err := Open(patient(t), fdEndpoint(fd))
		if err != nil || pc != nil {
			t.Fatalf("Open(fd:%d) = %v, %v, %v, want a listener", fd, ln, pc, err)
		}
		defer ln.Close()
		if got, want := ln.Addr().String(), original.Addr().String(); got != want {
			t.Errorf("Addr() = %s, want %s", got, want)
		}
		if isOpen(fd) {
			t.Errorf("descriptor %d is still open, want it taken over", fd)
		}
		c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s := acceptOne(t, ln)
		send(t, c, "hi")
		expect(t, s, "hi")
		switch s.(type) {
		case *net.TCPConn, *net.UnixConn:
		default:
			t.Errorf("Accept gave a %T, want a *net.TCPConn or *net.UnixConn", s)
		}
	}
}

// Whoever passed the socket made its file, and will want it again.
func TestFDListenerLeavesTheFile(t *testing.T) {
	path := shortDir(t) + "/s"
	ln, err := Listen(patient(t), fdEndpoint(inherited(t, listenAt(t, "unix:"+path))))
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the file after Close: %v, want it left", err)
	}
}

func TestFDUnixpacket(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("no unixpacket on this system")
	}
	path := shortDir(t) + "/s"
	original := listenAt(t, "unixpacket:"+path)
	ln, err := Listen(patient(t), fdEndpoint(inherited(t, original.(packetListener).unixAccepter)))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := dialAt(t, "unixpacket:"+path, nil)
	s := acceptOne(t, ln)
	if _, ok := s.(MessageConn); !ok {
		t.Errorf("Accept gave a %T, want a MessageConn", s)
	}
	again, err := Dial(patient(t), fdEndpoint(inherited(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, ok := again.(MessageConn); !ok {
		t.Errorf("Dial gave a %T, want a MessageConn", again)
	}
	send(t, again, "hi")
	expect(t, s, "hi")
}

func TestFDPackets(t *testing.T) {
	original := packetsAt(t, "udp://127.0.0.1:0")
	fd := inherited(t, original)
	ln, pc, err := Open(patient(t), fdEndpoint(fd))
	if err != nil || ln != nil {
		t.Fatalf("Open(fd:%d) = %v, %v, %v, want a packet connection", fd, ln, pc, err)
	}
	defer pc.Close()
	if _, ok := pc.(*net.UDPConn); !ok {
		t.Errorf("Open gave a %T, want a *net.UDPConn", pc)
	}
	send(t, dialAt(t, "udp://127.0.0.1:1", pc.LocalAddr()), "hi")
	expectFrom(t, pc, "hi")
}

func TestFDDial(t *testing.T) {
	ln := listenAt(t, "tcp://127.0.0.1:0")
	original := dialAt(t, "tcp://127.0.0.1:1", ln.Addr())
	s := acceptOne(t, ln)
	c, err := Dial(patient(t), fdEndpoint(inherited(t, original)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send(t, c, "hi")
	expect(t, s, "hi")
}

// What the process starts later must not have the socket.
func TestFDIsClosedOnExec(t *testing.T) {
	for _, c := range []any{listenAt(t, "tcp://127.0.0.1:0"), packetsAt(t, "udp://127.0.0.1:0")} {
		ln, pc, err := Open(patient(t), fdEndpoint(inherited(t, c)))
		if err != nil {
			t.Fatal(err)
		}
		var opened syscall.Conn
		if ln != nil {
			defer ln.Close()
			opened = ln.(syscall.Conn)
		} else {
			defer pc.Close()
			opened = pc.(syscall.Conn)
		}
		rc, err := opened.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		rc.Control(func(fd uintptr) {
			if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("flags of %T are %#x, %v, want FD_CLOEXEC", opened, flags, err)
			}
		})
	}
}

func TestFDErrors(t *testing.T) {
	plain, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	file := int(plain.Fd())
	ln := listenAt(t, "tcp://127.0.0.1:0")
	client := dialAt(t, "tcp://127.0.0.1:1", ln.Addr())
	connected := inherited(t, client)
	datagrams := inherited(t, packetsAt(t, "udp://127.0.0.1:0"))
	toOne := inherited(t, dialAt(t, "udp://127.0.0.1:9", nil))
	listener := inherited(t, ln)
	for _, fd := range []int{connected, toOne, listener} { // the last case takes datagrams over
		defer unix.Close(fd)
	}
	const closed = 987654
	listen := func(e endpoint.Endpoint) error {
		_, _, err := Open(patient(t), e)
		return err
	}
	dial := func(e endpoint.Endpoint) error {
		_, err := Dial(patient(t), e)
		return err
	}
	streams := func(e endpoint.Endpoint) error {
		_, err := Listen(patient(t), e)
		return err
	}
	for _, tt := range []struct {
		try  func(endpoint.Endpoint) error
		path string
		want string
	}{
		{listen, fmt.Sprint(file), "is not a socket"},
		{dial, fmt.Sprint(file), "is not a socket"},
		{listen, fmt.Sprint(closed), "is not open"},
		{dial, fmt.Sprint(closed), "is not open"},
		{listen, fmt.Sprint(connected), "is a socket that does not listen"},
		{listen, fmt.Sprint(toOne), "is connected to one peer"},
		{dial, fmt.Sprint(listener), "is a socket that is not connected"},
		{dial, fmt.Sprint(datagrams), "is a socket that is not connected"},
		{listen, "web", "is a name"},
		{dial, "web", "is a name"},
		{listen, "3x", "is not the number of a descriptor"},
		{listen, "99999999999999999999", "is not the number of a descriptor"},
	} {
		err := tt.try(endpoint.Endpoint{Scheme: "fd", Path: tt.path})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("fd:%s: %v, want an error with %q", tt.path, err, tt.want)
		}
	}
	for _, fd := range []int{file, connected, toOne, listener, datagrams} {
		if !isOpen(fd) {
			t.Errorf("descriptor %d was refused and is closed, want it left open", fd)
		}
	}
	if err := streams(fdEndpoint(datagrams)); err == nil || !strings.Contains(err.Error(), "datagrams") {
		t.Errorf("Listen on a datagram descriptor: %v, want an error that says datagrams", err)
	}
	if err := listen(fdEndpoint(closed)); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a closed descriptor: %v, want EBADF", err)
	}
}
