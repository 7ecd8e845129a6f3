package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakePackets is a net.PacketConn in memory: the test is the network.
type fakePackets struct {
	in      chan fakePacket // to ReadFrom
	out     chan fakePacket // from WriteTo, which waits for the test to take it
	closed  chan struct{}
	once    sync.Once
	writing *deadline
}

type fakePacket struct {
	text string
	addr net.Addr
	err  error
}

func newFakePackets() *fakePackets {
	return &fakePackets{
		in: make(chan fakePacket), out: make(chan fakePacket),
		closed: make(chan struct{}), writing: newDeadline(),
	}
}

func (f *fakePackets) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-f.in:
		return copy(b, p.text), p.addr, p.err
	case <-f.closed:
		return 0, nil, net.ErrClosed
	}
}

func (f *fakePackets) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case f.out <- fakePacket{string(b), to, nil}:
		return len(b), nil
	case <-f.writing.expired():
		return 0, os.ErrDeadlineExceeded
	case <-f.closed:
		return 0, net.ErrClosed
	}
}

func (f *fakePackets) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

func (f *fakePackets) LocalAddr() net.Addr                { return peerAddr(9) }
func (f *fakePackets) SetDeadline(t time.Time) error      { return f.SetWriteDeadline(t) }
func (f *fakePackets) SetReadDeadline(t time.Time) error  { panic("set by nobody") }
func (f *fakePackets) SetWriteDeadline(t time.Time) error { f.writing.set(t); return nil }

func peerAddr(port int) net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }

func (f *fakePackets) receive(port int, text string) { f.in <- fakePacket{text, peerAddr(port), nil} }

// inPeers runs f in a bubble of fake time, over a listener in memory.
func inPeers(t *testing.T, limits PeerLimits, f func(*testing.T, *fakePackets, *PeerListener)) {
	synctest.Test(t, func(t *testing.T) {
		net := newFakePackets()
		l := Peers(net, limits)
		defer l.Close()
		f(t, net, l)
	})
}

func TestPeersGivesEachPeerItsDatagrams(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "a1")
		net.receive(2, "b1")
		net.receive(1, "a2")
		net.receive(1, "") // an empty datagram is one too
		a, b := acceptOne(t, l), acceptOne(t, l)
		if got := fmt.Sprint(a.RemoteAddr(), b.RemoteAddr()); got != "127.0.0.1:1 127.0.0.1:2" {
			t.Errorf("accepted %s, want ports 1 and 2 in that order", got)
		}
		expect(t, b, "b1")
		expect(t, a, "a1")
		expect(t, a, "a2")
		expect(t, a, "")
	})
}

func TestPeersWritesToThePeer(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(7, "hi")
		c := acceptOne(t, l)
		sent := make(chan error, 1)
		go func() { _, err := c.Write([]byte("there")); sent <- err }()
		if p := <-net.out; p.text != "there" || p.addr.String() != "127.0.0.1:7" {
			t.Errorf("sent %q to %v, want %q to port 7", p.text, p.addr, "there")
		}
		if err := <-sent; err != nil {
			t.Errorf("Write: %v", err)
		}
	})
}

func TestPeersDropsAndCountsPastTheQueue(t *testing.T) {
	inPeers(t, PeerLimits{Queue: 2}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		for i := range 5 {
			net.receive(1, fmt.Sprint(i))
		}
		net.receive(2, "other") // is not hurt
		synctest.Wait()
		if got := l.Dropped(); got != 3 {
			t.Errorf("Dropped() = %d after 5 datagrams for a queue of 2, want 3", got)
		}
		a, b := acceptOne(t, l), acceptOne(t, l)
		expect(t, a, "0")
		expect(t, a, "1")
		expect(t, b, "other")
		net.receive(1, "5")
		expect(t, a, "5")
	})
}

// The bytes of all peers together are bounded, and given back by Read and Close.
func TestPeersBoundsBytes(t *testing.T) {
	inPeers(t, PeerLimits{Bytes: 10}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "12345")
		net.receive(2, "12345")
		net.receive(1, "x")
		synctest.Wait()
		if got := l.Dropped(); got != 1 {
			t.Errorf("Dropped() = %d after 11 bytes of 10 allowed, want 1", got)
		}
		a, b := acceptOne(t, l), acceptOne(t, l)
		expect(t, a, "12345")
		b.Close()
		net.receive(1, "1234567890")
		expect(t, a, "1234567890")
		if n := l.waiting.Load(); n != 0 {
			t.Errorf("%d bytes are counted as waiting when all is read, want 0", n)
		}
	})
}

func TestPeersDropsFurtherPeers(t *testing.T) {
	inPeers(t, PeerLimits{Peers: 2}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		for port := 1; port <= 4; port++ {
			net.receive(port, "hi")
		}
		synctest.Wait()
		if got := l.Dropped(); got != 2 {
			t.Errorf("Dropped() = %d after 4 peers of 2 allowed, want 2", got)
		}
		acceptOne(t, l).Close() // makes room
		acceptOne(t, l)
		net.receive(3, "again")
		expect(t, acceptOne(t, l), "again")
	})
}

func TestPeersForgetsAClosedPeer(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "old")
		net.receive(1, "unread")
		c := acceptOne(t, l)
		expect(t, c, "old")
		synctest.Wait() // "unread" is queued
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := c.Read(make([]byte, 9)); !isClosed(err) {
			t.Errorf("Read after Close: %v, want net.ErrClosed", err)
		}
		if _, err := c.Write(nil); !isClosed(err) {
			t.Errorf("Write after Close: %v, want net.ErrClosed", err)
		}
		if err := c.SetDeadline(time.Time{}); !isClosed(err) {
			t.Errorf("SetDeadline after Close: %v, want net.ErrClosed", err)
		}
		net.receive(1, "new")
		again := acceptOne(t, l)
		if again == c {
			t.Error("the peer's next datagram came on the closed connection, want a new one")
		}
		expect(t, again, "new")
		if err := c.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		net.receive(1, "newer") // the old one's second Close must not have forgotten the new one
		expect(t, again, "newer")
	})
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

func TestPeersReadDeadline(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "hi")
		c := acceptOne(t, l)
		c.SetReadDeadline(time.Now().Add(-time.Second))
		if _, err := c.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline: %v, want os.ErrDeadlineExceeded", err)
		}
		c.SetReadDeadline(time.Time{})
		expect(t, c, "hi")

		start := time.Now()
		c.SetReadDeadline(start.Add(time.Hour))
		go func() { // a deadline moved while Read waits counts
			time.Sleep(time.Second)
			c.SetReadDeadline(start.Add(time.Minute))
		}()
		_, err := c.Read(make([]byte, 9))
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != time.Minute {
			t.Errorf("Read = %v after %v, want os.ErrDeadlineExceeded after 1m", err, took)
		}
		want := "read udp 127.0.0.1:9->127.0.0.1:1: i/o timeout"
		if err.Error() != want {
			t.Errorf("Read: %q, want %q", err, want)
		}
		c.SetReadDeadline(time.Time{}) // and it works again
		net.receive(1, "later")
		expect(t, c, "later")
	})
}

func TestPeersWriteDeadline(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "hi")
		net.receive(2, "hi")
		a, b := acceptOne(t, l), acceptOne(t, l)
		a.SetWriteDeadline(time.Time{})
		b.SetWriteDeadline(time.Time{})
		start := time.Now()
		blocked := make(chan error, 1)
		go func() { _, err := a.Write([]byte("x")); blocked <- err }() // nobody takes it
		synctest.Wait()

		b.SetWriteDeadline(start.Add(time.Second)) // waits for its turn in vain
		if _, err := b.Write([]byte("y")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Write behind a blocked one = %v after %v, want os.ErrDeadlineExceeded after 1s", err, time.Since(start))
		}
		a.SetWriteDeadline(start.Add(time.Minute)) // under way
		if err := <-blocked; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("blocked Write = %v after %v, want os.ErrDeadlineExceeded after 1m", err, time.Since(start))
		}
		b.SetWriteDeadline(time.Time{}) // a's deadline is not b's
		go func() { _, err := b.Write([]byte("z")); blocked <- err }()
		synctest.Wait()
		if p := <-net.out; p.text != "z" {
			t.Errorf("sent %q, want %q", p.text, "z")
		}
		if err := <-blocked; err != nil {
			t.Errorf("Write after another's deadline: %v", err)
		}

		start = time.Now()
		b.SetWriteDeadline(start.Add(time.Second)) // before the call
		if _, err := b.Write([]byte("!")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Write with a deadline = %v after %v, want os.ErrDeadlineExceeded after 1s", err, time.Since(start))
		}
	})
}

func TestPeersCloseOfAConnEndsItsCalls(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "hi")
		c := acceptOne(t, l)
		expect(t, c, "hi")
		errs := make(chan error, 2)
		go func() { _, err := c.Read(make([]byte, 9)); errs <- err }()
		go func() { _, err := c.Write([]byte("x")); errs <- err }()
		synctest.Wait()
		start := time.Now()
		c.Close()
		for range 2 {
			if err := <-errs; !isClosed(err) || time.Since(start) != 0 {
				t.Errorf("a call under way when Close was called: %v after %v, want net.ErrClosed at once", err, time.Since(start))
			}
		}
		net.receive(2, "socket still open")
		expect(t, acceptOne(t, l), "socket still open")
	})
}

func TestPeersCloseOfTheListenerEndsAll(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "hi")
		c := acceptOne(t, l)
		expect(t, c, "hi")
		errs := make(chan error, 3)
		go func() { _, err := c.Read(make([]byte, 9)); errs <- err }()
		go func() { _, err := c.Write([]byte("x")); errs <- err }()
		go func() { _, err := l.Accept(); errs <- err }()
		synctest.Wait()
		start := time.Now()
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		select {
		case <-l.ended:
		default:
			t.Error("Close returned before the reader had ended")
		}
		for range 3 {
			if err := <-errs; !isClosed(err) || time.Since(start) != 0 {
				t.Errorf("a call under way when the listener was closed: %v after %v, want net.ErrClosed at once", err, time.Since(start))
			}
		}
		if _, err := l.Accept(); !isClosed(err) {
			t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
		}
		if err := l.Close(); !isClosed(err) {
			t.Errorf("second Close: %v, want net.ErrClosed", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("Close of a peer after the listener's: %v", err)
		}
	})
}

func TestPeersCutsLongDatagrams(t *testing.T) {
	inPeers(t, PeerLimits{Datagram: 4}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.receive(1, "1234")
		net.receive(1, "12345")
		net.receive(1, "1234")
		c := acceptOne(t, l)
		expect(t, c, "1234")
		buf := make([]byte, 99)
		if n, err := c.Read(buf); string(buf[:n]) != "1234" || !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("Read of 5 bytes past a limit of 4 = %q, %v, want 4 bytes and ErrMessageTooLong", buf[:n], err)
		}
		if n, err := c.Read(buf[:2]); string(buf[:n]) != "12" || !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("Read of 4 bytes into 2 = %q, %v, want 2 bytes and ErrMessageTooLong", buf[:n], err)
		}
	})
}

func TestPeersWithoutAnAddress(t *testing.T) {
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		net.in <- fakePacket{text: "who am I"}
		c := acceptOne(t, l)
		expect(t, c, "who am I")
		_, err := c.Write([]byte("?"))
		if !errors.Is(err, errUnnamed) {
			t.Errorf("Write to a peer without an address: %v, want %v", err, errUnnamed)
		}
	})
}

func TestPeersSurvivesSingleReadErrors(t *testing.T) {
	broken := errors.New("broken")
	inPeers(t, PeerLimits{}, func(t *testing.T, net *fakePackets, l *PeerListener) {
		for range readFailures - 1 {
			net.in <- fakePacket{err: broken}
		}
		net.receive(1, "fine")
		c := acceptOne(t, l)
		expect(t, c, "fine")
		for range readFailures {
			net.in <- fakePacket{err: broken}
		}
		if _, err := l.Accept(); !errors.Is(err, broken) {
			t.Errorf("Accept on a broken socket: %v, want %v", err, broken)
		}
		if _, err := c.Read(make([]byte, 9)); !errors.Is(err, broken) {
			t.Errorf("Read on a broken socket: %v, want %v", err, broken)
		}
	})
}

func TestPeersOverUDP(t *testing.T) {
	l := Peers(packetsAt(t, "udp://127.0.0.1:0"), PeerLimits{})
	defer l.Close()
	a, b := dialAt(t, "udp://127.0.0.1:1", l.Addr()), dialAt(t, "udp://127.0.0.1:1", l.Addr())
	send(t, a, "from a")
	ca := acceptOne(t, l)
	send(t, b, "from b")
	cb := acceptOne(t, l)
	expect(t, cb, "from b")
	expect(t, ca, "from a")
	send(t, ca, "to a")
	send(t, cb, "to b")
	expect(t, a, "to a")
	expect(t, b, "to b")
}
