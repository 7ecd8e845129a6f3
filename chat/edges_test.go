package chat_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
	"parley/chat/wire"
)

// TestEdgeSecretInPieces, what once went wrong: a hello whose first piece is shorter than the verb is taken for two plain
// lines, and the second one, with the token, is posted to the room.
func TestEdgeSecretInPieces(t *testing.T) {
	for _, cut := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			var said []string
			r := serve(t, &chat.Hub{Transcript: func(s string) { said = append(said, s) }})
			line := "PARLEY 1 token=" + token("ada") + " name=ada\n"
			a := r.dial("a")
			io.WriteString(a.conn, line[:cut])
			time.Sleep(250 * time.Millisecond)
			io.WriteString(a.conn, line[cut:])
			time.Sleep(time.Second)
			synctest.Wait()
			for _, s := range said {
				if strings.Contains(s, token("ada")) {
					t.Errorf("cut at %d: posted: %q", cut, s)
				}
			}
		})
	}
}

// TestEdgeLongMessageSwallows, what once went wrong: on a transport that keeps messages a line that is too long swallows those
// that come after it without LF, without a word.
func TestEdgeLongMessageSwallows(t *testing.T) {
	dir := t.TempDir()
	for _, at := range []string{"ws://127.0.0.1:0/chat", "unixpacket:" + dir + "/p"} {
		t.Run(at[:4], func(t *testing.T) {
			r := serve(t, &chat.Hub{Hello: -1}, at)
			c := r.client("ada")
			c.say("JOIN lobby")
			c.want("LIVE lobby 0 1")
			p := r.dial("p")
			io.WriteString(p.conn, "hi")
			c.want("HERE lobby guest-1", "~MSG .* :hi")
			io.WriteString(p.conn, strings.Repeat("x", 5000))
			io.WriteString(p.conn, "one")
			io.WriteString(p.conn, "two")
			c.conn.SetReadDeadline(time.Now().Add(3 * time.Second))
			got, err := c.in.ReadString('\n')
			if err != nil || !strings.HasSuffix(got, ":one\n") {
				t.Errorf("got %q, %v, want the message one", got, err)
			}
		})
	}
}

// TestEdgeReplayGap, what once went wrong: what a plain joiner is shown of the past ends where a page does: the latest
// messages are left out.
func TestEdgeReplayGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Replay: 50})
		a := r.plain("a")
		for i := range 50 {
			a.say(fmt.Sprintf("%d %s", i, strings.Repeat("x", 4000)))
		}
		time.Sleep(time.Second)
		b := r.plain("b")
		b.conn.SetReadDeadline(time.Now().Add(time.Second))
		var seen []string
		for {
			line, err := b.in.ReadString('\n')
			if err != nil {
				break
			}
			seen = append(seen, strings.Fields(line)[2])
		}
		if len(seen) != 50 {
			t.Errorf("saw %d of 50, from %s to %s, and not a word of the rest", len(seen), seen[0], seen[len(seen)-1])
		}
	})
}

// TestEdgeNameForEver, what once went wrong: a client that comes back behind work that ends its person, and is cut again,
// is at the hub for ever: its name with it.
func TestEdgeNameForEver(t *testing.T) {
	log := newFakeLog(t)
	r := serve(t, &chat.Hub{Log: log, Grace: 200 * time.Millisecond}, "tcp://127.0.0.1:0")
	a := r.client("ada")
	log.set(func(l *fakeLog) { l.reading = 500 * time.Millisecond })
	a.say("PAST p lobby", "QUIT")
	time.Sleep(50 * time.Millisecond)
	nc, err := net.Dial("tcp", r.srv.Endpoints()[0].Address()) // the same client, while the page is read
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(nc, "PARLEY 1 token="+token("ada")+" name=ada\n")
	time.Sleep(50 * time.Millisecond)
	nc.(*net.TCPConn).SetLinger(0)
	nc.Close()
	time.Sleep(2 * time.Second)
	log.set(func(l *fakeLog) { l.reading = 0 })
	c := r.dial("c")
	c.say("PARLEY 1 token=" + token("eve") + " name=ada")
	c.want("~PARLEY 1 name=ada .*")
}

// A panicLog panics once, when it is given a message.
type panicLog struct {
	chat.Memory
	once sync.Once
}

func (l *panicLog) Append(m wire.Message, done func(uint64, error)) {
	l.once.Do(func() { panic("once") })
	l.Memory.Append(m, done)
}

// TestEdgePanic, what once went wrong: after a panic in its work a person's turn is never given on, and
// one in work that had waited ended the process.
func TestEdgePanic(t *testing.T) {
	for _, waits := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			hub := &chat.Hub{Log: new(panicLog), Grace: -1}
			r := serveQuiet(t, hub)
			a := r.client("ada")
			if waits {
				a.say("JOIN lobby", "POST 1 lobby say :boom") // behind the page that is read
				a.want("LIVE lobby 0 1")
			} else {
				a.say("JOIN lobby")
				a.want("LIVE lobby 0 1")
				synctest.Wait()
				a.say("POST 1 lobby say :boom")
			}
			a.wantEnd()
			time.Sleep(time.Minute)
			b := r.dial("b")
			b.say("PARLEY 1 token=" + token("eve") + " name=ada")
			b.want("~PARLEY 1 name=ada .*")
		})
	}
}

// A slowDirectory takes its time for claims.
type slowDirectory struct {
	claims atomic.Int64
	hold   atomic.Bool
	held   chan struct{}
}

func (d *slowDirectory) Claim(ctx context.Context, p chat.Presence) error {
	d.claims.Add(1)
	if d.hold.Load() {
		select {
		case <-d.held:
		case <-ctx.Done():
		}
	}
	return nil
}
func (d *slowDirectory) Update(context.Context, chat.Presence) error          { return nil }
func (d *slowDirectory) Release(context.Context, chat.Presence, string) error { return nil }
func (d *slowDirectory) Tell(context.Context, string, chat.Private) error     { return chat.ErrNobody }
func (d *slowDirectory) Follow(context.Context, chat.Elsewhere) error         { return nil }

// TestEdgeHellosQueue, what once went wrong: hellos of one address are queued without bound while the directory is slow.
func TestEdgeHellosQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &slowDirectory{held: make(chan struct{})}
		_, u := serveUDP(t, &chat.Hub{Directory: d, Flood: chat.Flood{Burst: -1}})
		p := &udpPeer{t: t, u: u, addr: "127.0.0.1:1234"}
		p.say("PARLEY 1 token=" + token("ada") + " name=ada")
		p.want("PARLEY 1 name=ada .*")
		d.hold.Store(true)
		const sent = 5000
		for i := range sent {
			p.say(fmt.Sprintf("PARLEY 1 token=%s name=a%d pad=%s", token("ada"), i, strings.Repeat("x", 2000)))
		}
		synctest.Wait()
		d.hold.Store(false)
		before := d.claims.Load()
		close(d.held)
		for range 20 {
			synctest.Wait()
			for p.hear() != "" {
			}
		}
		if n := d.claims.Load() - before; n > 1100 {
			t.Errorf("%d of %d hellos, of 2 KB each, were kept", n, sent)
		}
	})
}

// TestEdgeHelloRenames, what once went wrong: a hello renames without a flood limit.
func TestEdgeHelloRenames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := serveUDP(t, &chat.Hub{Flood: chat.Flood{Burst: 10, PerSecond: 1}})
		p := &udpPeer{t: t, u: u, addr: "127.0.0.1:1234"}
		renamed := 0
		p.say("PARLEY 1 token=" + token("ada") + " name=ada")
		p.want("PARLEY 1 name=ada .*")
		for i := range 100 {
			p.say(fmt.Sprintf("PARLEY 1 token=%s name=a%d", token("ada"), i))
			for line := p.hear(); line != ""; line = p.hear() {
				if strings.HasPrefix(line, "NAMED") {
					renamed++
				}
			}
		}
		if renamed > 10 {
			t.Errorf("%d names in no time, 10 lines are allowed", renamed)
		}
	})
}

// TestEdgeGuess, what once went wrong: a blind sender may guess the word of a client as often as it likes.
func TestEdgeGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := serveUDP(t, &chat.Hub{})
		p := &udpPeer{t: t, u: u, addr: "198.51.100.1:1234"}
		p.say("PARLEY 1 token=" + token("ada") + " name=ada")
		got := p.hear()
		word := strings.TrimSpace(got[strings.Index(got, "prove=")+6:])
		if len(word) < 16 {
			t.Errorf("the word %s has %d bits", word, 5*len(word))
		}
		for range 1000 {
			p.say("PROOF AAAA")
			p.hear()
		}
		_ = r
	})
}

// TestEdgeTranscript, what once went wrong: Transcript is called by several goroutines at a time for one room.
func TestEdgeTranscript(t *testing.T) {
	var at, most atomic.Int64
	r := serve(t, &chat.Hub{Hello: -1, Transcript: func(s string) {
		if n := at.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(time.Millisecond)
		at.Add(-1)
	}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			p := r.dial(fmt.Sprint(i))
			io.WriteString(p.conn, "1\n2\n3\n4\n5\n6\nq\n")
			io.Copy(io.Discard, p.conn)
		})
	}
	wg.Wait()
	if n := most.Load(); n > 1 {
		t.Errorf("%d calls at a time, all of one room", n)
	}
}

// TestEdgeLobbyIsShut, what once went wrong: who fills the table of rooms shuts everybody out.
func TestEdgeLobbyIsShut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Rooms: 3})
		a := r.client("ada")
		a.say("JOIN a", "JOIN b", "JOIN c")
		a.want("LIVE a 0 1", "LIVE b 0 1", "LIVE c 0 1")
		r.plain("g")
	})
}

// TestEdgeVersionBye, what once went wrong: a version that the server does not speak is answered ERR and BYE, says wire.md.
func TestEdgeVersionBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a := r.dial("a")
		a.say("PARLEY 2 token=" + token("ada"))
		a.want("~ERR PARLEY version :.*", "~BYE :.*")
	})
}

// TestEdgePastedDatagram, what once went wrong: lines of one datagram count as wrong words before the word can be there.
func TestEdgePastedDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := serveUDP(t, &chat.Hub{})
		p := &udpPeer{t: t, u: u, addr: "198.51.100.1:1234"}
		p.say(strings.Repeat("a line\n", 8))
		got := p.hear()
		word := strings.TrimSpace(strings.TrimPrefix(got, "say "))
		for p.hear() != "" {
		}
		p.say(word)
		p.want("\\* you are .*")
	})
}

func serveQuiet(t *testing.T, hub *chat.Hub) *rig {
	t.Helper()
	return serveWith(t, hub)
}
