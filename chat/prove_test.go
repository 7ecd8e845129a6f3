package chat_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/chat"
	"parley/endpoint"
)

// A fakeUDP is a socket of UDP in memory, whose peers have any address.
type fakeUDP struct {
	in   chan datagram
	out  chan datagram
	once sync.Once
	done chan struct{}

	mu       sync.Mutex // guards what follows
	deadline time.Time
	changed  chan struct{}
}

type datagram struct {
	peer string
	text string
}

func newFakeUDP() *fakeUDP {
	return &fakeUDP{in: make(chan datagram, 100), out: make(chan datagram, 1000), done: make(chan struct{}), changed: make(chan struct{})}
}

func (u *fakeUDP) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9528} }

func (u *fakeUDP) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		u.mu.Lock()
		deadline, changed := u.deadline, u.changed
		u.mu.Unlock()
		var late <-chan time.Time
		if !deadline.IsZero() {
			if !time.Now().Before(deadline) {
				return 0, nil, os.ErrDeadlineExceeded
			}
			late = time.After(time.Until(deadline))
		}
		select {
		case d := <-u.in:
			a, _ := net.ResolveUDPAddr("udp", d.peer)
			return copy(p, d.text), a, nil
		case <-u.done:
			return 0, nil, net.ErrClosed
		case <-late:
		case <-changed:
		}
	}
}

func (u *fakeUDP) WriteTo(p []byte, to net.Addr) (int, error) {
	u.out <- datagram{to.String(), string(p)}
	return len(p), nil
}

func (u *fakeUDP) Close() error {
	u.once.Do(func() { close(u.done) })
	return nil
}

func (u *fakeUDP) SetReadDeadline(t time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.deadline = t
	close(u.changed)
	u.changed = make(chan struct{})
	return nil
}
func (u *fakeUDP) SetDeadline(t time.Time) error    { return u.SetReadDeadline(t) }
func (u *fakeUDP) SetWriteDeadline(time.Time) error { return nil }

// serveUDP serves hub on a fake socket.
func serveUDP(t *testing.T, hub *chat.Hub) (*rig, *fakeUDP) {
	t.Helper()
	if err := hub.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	u := newFakeUDP()
	r := &rig{t: t, hub: hub, srv: &parley.Server{}}
	if err := r.srv.AddPacket(hub, u, endpoint.Endpoint{}); err != nil {
		t.Fatal(err)
	}
	r.start()
	return r, u
}

// A udpPeer is somebody with an address.
type udpPeer struct {
	t       *testing.T
	u       *fakeUDP
	addr    string
	in, out int // bytes
}

func (p *udpPeer) say(text string) {
	p.out += len(text)
	p.u.in <- datagram{p.addr, text}
}

// hear is what comes next, for whomever.
func (p *udpPeer) hear() string {
	p.t.Helper()
	synctest.Wait()
	select {
	case d := <-p.u.out:
		if d.peer != p.addr {
			p.t.Fatalf("%q went to %s, want %s", d.text, d.peer, p.addr)
		}
		p.in += len(d.text)
		return d.text
	default:
		return ""
	}
}

func (p *udpPeer) want(want string) {
	p.t.Helper()
	if got := p.hear(); !regexp.MustCompile("^(?s:" + want + ")$").MatchString(got) {
		p.t.Fatalf("got %q, want it to match %q", got, want)
	}
}

// TestProof lets plain peers and a client of UDP prove that they receive.
func TestProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := serveUDP(t, &chat.Hub{})
		p := &udpPeer{t: t, u: u, addr: "203.0.113.5:1000"}
		p.say("h")
		p.want("") // "say WORD" is more than three bytes
		p.say("i\n")
		word := p.hear()
		if !regexp.MustCompile("^say [A-HJ-NP-Z2-9]{4}\n$").MatchString(word) || p.in > 3*p.out {
			t.Fatalf("got %q", word)
		}
		p.say(strings.ToLower(strings.TrimSpace(word)[4:]) + "\n")
		p.want("\\* you are guest-1 in lobby, 1 here.*")
		q := &udpPeer{t: t, u: u, addr: "127.0.0.1:1001"}
		q.say("hello\n")
		for range 3 {
			synctest.Wait()
			switch d := <-u.out; {
			case d.peer == q.addr && strings.HasPrefix(d.text, "* you are guest-2"):
			case d.peer == p.addr && d.text == "* guest-2 joined\n":
			case d.peer == p.addr && d.text == "guest-2: hello\n":
			default:
				t.Fatalf("got %q for %s", d.text, d.peer)
			}
		}
		q.say("q")
		p.want("\\* guest-2 left\n")
		time.Sleep(2*time.Minute - time.Second)
		p.want("")
		time.Sleep(2 * time.Second)
		p.want("\\* you said nothing for long, and have left\n")
		if n := r.hub.Stats().Members; n != 0 {
			t.Errorf("%d members, want none", n)
		}
	})
}

func TestProofOfClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := serveUDP(t, &chat.Hub{})
		p := &udpPeer{t: t, u: u, addr: "[2001:db8::1]:1000"}
		hello := "PARLEY 1 token=" + token("ada") + " name=ada\n"
		p.say(hello)
		answer := p.hear()
		_, word, found := strings.Cut(strings.TrimSpace(answer), " prove=")
		if !found || !strings.Contains(answer, " idle=120000 ") || len(answer) > 3*len(hello) {
			t.Fatalf("got %q", answer)
		}
		p.say("JOIN lobby\n")
		p.want("ERR JOIN unproved :.*|")
		p.say("PROOF WRONG")
		p.want("ERR PROOF unproved :.*|")
		p.say(hello) // again: its answer may be lost
		p.want("PARLEY 1 name=ada .*|")
		p.say("PROOF " + word)
		p.want("PROVED\n")
		p.say("JOIN lobby\n")
		p.want("LIVE lobby 0 1\n")
		p.say("POST 1 lobby say :hi\nPOST 1 lobby say :hi\n")
		p.want("MSG lobby 1 0 .*")
		p.want("ACK 1 1\n")
		p.want("ACK 1 1\n")
		// Another client at the same address is somebody else.
		p.say("PARLEY 1 token=" + token("bob") + " name=bob")
		p.want("PARLEY 1 name=bob .*")
		p.say("QUIT")
		p.want("BYE :quit\n")
		if n := r.hub.Stats(); n.Members != 0 || n.Repeats != 1 {
			t.Errorf("Stats() = %+v", n)
		}
	})
}

// TestNoAmplification sends forged datagrams of every kind, and counts what goes
// to the addresses.
func TestNoAmplification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := serveUDP(t, &chat.Hub{})
		busy := &udpPeer{t: t, u: u, addr: "127.0.0.1:999"}
		in, out := map[string]int{}, map[string]int{}
		for i, text := range []string{"", "x", "hello everybody\n", "/help\n", "/history 500", "PARLEY 1 token=" + token("ada"), "PARLEY 1 token=x", "PARLEY 9 token=x",
			"JOIN lobby\n", "say ABCD", strings.Repeat("x", 5000), "\n\n\n\n\n\n\n\n\n", "q"} {
			addr := fmt.Sprintf("203.0.113.%d:1000", i+1)
			for range 9 {
				u.in <- datagram{addr, text}
				in[addr] += len(text)
				busy.say("talk\n")
				synctest.Wait()
				for len(u.out) > 0 {
					d := <-u.out
					if out[d.peer] += len(d.text); d.peer != busy.addr && out[d.peer] > 3*in[d.peer] {
						t.Fatalf("%q: sent %d bytes, got %d: %q", text, in[d.peer], out[d.peer], d.text)
					}
				}
			}
		}
		time.Sleep(time.Minute)
		if n := r.hub.Stats().Members; n != 1 {
			t.Errorf("%d members after a minute, want the one", n)
		}
	})
}

// TestWrongWords ends a session after five tries.
func TestWrongWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := serveUDP(t, &chat.Hub{})
		p := &udpPeer{t: t, u: u, addr: "203.0.113.5:1000"}
		p.say("hello there\n")
		word := p.hear()
		for range 5 {
			if n := r.hub.Stats().Members; n != 1 {
				t.Errorf("%d members, want 1", n)
			}
			p.say("what is the word\n")
			p.want("say .*|")
		}
		if n := r.hub.Stats().Members; n != 0 {
			t.Errorf("%d members after five wrong words, want 0", n)
		}
		p.say("hello there\n")
		if again := p.hear(); again == word {
			t.Errorf("the word is %q again", again)
		}
	})
}

// TestStrayLines are those of a client whose session a server that was started again
// does not know: they are answered, not posted.
func TestStrayLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := serveUDP(t, &chat.Hub{})
		for i, line := range []string{"POST 7 ops say :hello", "TELL 8 ada :hello", "JOIN ops after=17", "PING 3"} {
			p := &udpPeer{t: t, u: u, addr: fmt.Sprintf("127.0.0.1:%d", 2000+i)}
			p.say(line + "\n")
			p.want("ERR - unproved :.*\n")
		}
		p := &udpPeer{t: t, u: u, addr: "127.0.0.1:3000"}
		p.say("JOIN us\n")
		p.want("\\* you are guest-1 .*")
		if n := r.hub.Stats().Posts; n != 1 {
			t.Errorf("%d posts, want the one of a person", n)
		}
	})
}
