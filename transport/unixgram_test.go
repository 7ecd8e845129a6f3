//go:build unix

package transport

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"parley/endpoint"
)

func TestUnixgramAnswersReachTheDialler(t *testing.T) {
	path := shortDir(t) + "/s"
	pc := packetsAt(t, "unixgram:"+path)
	if got := pc.LocalAddr().String(); got != path {
		t.Errorf("LocalAddr() = %s, want %s", got, path)
	}
	a, b := dialAt(t, "unixgram:"+path, nil), dialAt(t, "unixgram:"+path, nil)
	if a.LocalAddr().String() == b.LocalAddr().String() {
		t.Fatalf("two diallers have the same name %q", a.LocalAddr())
	}
	send(t, a, "from a")
	send(t, b, "")
	send(t, b, "from b")
	toA := expectFrom(t, pc, "from a")
	expectFrom(t, pc, "")
	toB := expectFrom(t, pc, "from b")
	for _, to := range []struct {
		addr net.Addr
		text string
	}{{toB, "to b"}, {toA, "to a"}} {
		if _, err := pc.WriteTo([]byte(to.text), to.addr); err != nil {
			t.Fatalf("WriteTo(%v): %v", to.addr, err)
		}
	}
	expect(t, a, "to a")
	expect(t, b, "to b")
}

func TestUnixgramOwnNameIsGoneAfterClose(t *testing.T) {
	path := shortDir(t) + "/s"
	packetsAt(t, "unixgram:"+path)
	c := dialAt(t, "unixgram:"+path, nil)
	own := c.LocalAddr().String()
	if own == "" {
		t.Fatal("a dialled unixgram socket has no name, want one")
	}
	c.Close()
	if own[0] != '@' {
		if _, err := os.Stat(filepath.Dir(own)); err == nil {
			t.Errorf("the directory of %s is still there after Close", own)
		}
		return
	}
	if _, err := net.Dial("unixgram", own); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting to %s after Close: %v, want refused", own, err)
	}
}

func TestUnixgramSeesTheListenerGo(t *testing.T) {
	path := shortDir(t) + "/s"
	pc := packetsAt(t, "unixgram:"+path)
	c := dialAt(t, "unixgram:"+path, nil)
	pc.Close()
	if _, err := c.Write([]byte("anybody?")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Write to a listener that is gone: %v, want ECONNREFUSED", err)
	}
}

// A client of another make that did not bind is heard, and cannot be answered.
func TestUnixgramWithoutAName(t *testing.T) {
	path := shortDir(t) + "/s"
	l := Peers(packetsAt(t, "unixgram:"+path), PeerLimits{})
	defer l.Close()
	nameless, err := net.Dial("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer nameless.Close()
	send(t, nameless, "hello")
	s := acceptOne(t, l)
	expect(t, s, "hello")
	if _, err := s.Write([]byte("who?")); !errors.Is(err, errUnnamed) {
		t.Errorf("Write to it: %v, want %v", err, errUnnamed)
	}

	named := dialAt(t, "unixgram:"+path, nil)
	send(t, named, "hello")
	s = acceptOne(t, l)
	expect(t, s, "hello")
	send(t, s, "hi")
	expect(t, named, "hi")
}

func TestUnixgramIsNoStream(t *testing.T) {
	_, err := Listen(patient(t), endpoint.MustParse("unixgram:"+shortDir(t)+"/s"))
	if err == nil {
		t.Error("Listen on unixgram: no error, want one")
	}
}
