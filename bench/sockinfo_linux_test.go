package bench

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parley/transport"
)

func TestSockinfoTCP(t *testing.T) {
	_, e := listen(t, "tcp://127.0.0.1:0", echoBytes)
	c, err := transport.Dial(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte("x"))
	c.Read(make([]byte, 1))
	for _, conn := range []net.Conn{c, tls.Client(c, nil)} {
		if i := readSockinfo(conn); !i.tcp || i.rtt <= 0 || i.rtt > time.Second || i.retransmits != 0 || i.drops != -1 {
			t.Errorf("of a %T: %+v", conn, i)
		}
	}
}

// A connection request that the listener has no room for is sent again.
func TestSockinfoRetransmits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	t.Parallel()
	ln, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ln)
	if err := errors.Join(unix.Bind(ln, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(ln, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(ln)
	if err != nil {
		t.Fatal(err)
	}
	to := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}
	first, err := net.DialTCP("tcp", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := net.DialTimeout("tcp", to.String(), 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Skipf("the listener has room: %v", err)
	}
	room := time.AfterFunc(100*time.Millisecond, func() {
		if fd, _, err := unix.Accept(ln); err == nil {
			unix.Close(fd)
		}
	})
	defer room.Stop()
	second, err := net.DialTCP("tcp", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if i := readSockinfo(second); !i.tcp || i.retransmits < 1 {
		t.Errorf("%+v", i)
	}
}

// Datagrams that find the buffer full are known to have been dropped here.
func TestSockinfoDrops(t *testing.T) {
	peer, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	c, err := net.DialUDP("udp", nil, peer.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if i := readSockinfo(c); i.tcp || i.drops != 0 {
		t.Errorf("at first: %+v", i)
	}
	c.SetReadBuffer(1)
	const all = 100
	for range all {
		peer.WriteTo(make([]byte, 1000), c.LocalAddr())
	}
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	arrived := int64(0)
	for _, err := c.Read(make([]byte, 2000)); err == nil; _, err = c.Read(make([]byte, 2000)) {
		arrived++
	}
	if i := readSockinfo(c); i.drops != all-arrived || i.drops == 0 {
		t.Errorf("%d of %d arrived, %+v", arrived, all, i)
	}
}

func TestSockinfoOfNothing(t *testing.T) {
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	_, e := listen(t, "unix:"+t.TempDir()+"/s", silent)
	c, err := transport.Dial(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, conn := range []net.Conn{pipe, c} {
		if i := readSockinfo(conn); i != nothingKnown {
			t.Errorf("of a %T: %+v", conn, i)
		}
	}
}
