package chat_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
)

func TestClientConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a, g := r.client("ada"), r.plain("g")
		a.say("JOIN lobby", "POST 1 lobby say :hi", "POST 2 lobby me :waves \x7f")
		g.want("* ada joined", "ada: hi")
		a.want("LIVE lobby 0 2", "~MSG lobby 1 0 [0-9]+ ada "+self("ada")+" 1 say :hi", "ACK 1 1")
		a.want("~ERR - bad-line :.*control character.*")
		a.say("POST 2 lobby me :waves")
		a.want("~MSG lobby 2 1 .* 2 me :waves", "ACK 2 2")
		g.want("** ada waves")
		b := r.client("bob")
		b.say("JOIN LOBBY after=0", "JOIN lobby after=1")
		b.want("~MSG lobby 1 0 .* :hi", "~MSG lobby 2 1 .* :waves", "LIVE lobby 2 3", "~MSG lobby 2 1 .*", "LIVE lobby 2 3")
		a.want("HERE lobby bob")
		g.want("* bob joined")
		b.say("TELL 1 Ada :psst", "TELL 2 nobody :x", "TELL 2 nobody :x", "TELL 1 ada :again")
		a.want("~TOLD [0-9]+ bob " + self("bob") + " 1 :psst")
		b.want("ACK 1 0", "NAK 2 nobody :nobody is called nobody", "~NAK 2 nobody :.*", "ACK 1 0")
		b.say("WHO lobby", "ROOMS", "NICK bobby", "NICK ada", "NICK server", "NICK a:b")
		b.want("WHO lobby ada bob guest-1", "END WHO lobby 3", "ROOM lobby 3 2", "END ROOMS 1", "NAMED bob bobby",
			"ERR NICK name-taken :ada is taken", "~ERR NICK name-bad :.*", "~ERR NICK name-bad :.*")
		a.want("NAMED bob bobby")
		g.want("* bob is now bobby")
		b.say("PAST t1 lobby", "PAST t2 lobby last=1", "PAST t3 lobby after=1 before=2", "PAST t4 lobby last=x", "PAST t5 nowhere since=5")
		b.want("~PAST t1 1 0 .* :hi", "~PAST t1 2 1 .* :waves", "END PAST t1 2 done", "~PAST t2 2 0 .*", "END PAST t2 2 done",
			"END PAST t3 1 done", "~ERR PAST bad-line tag=t4 :.*", "END PAST t5 0 done")
		b.say("PING x", "FROB", "JOIN a:/b", "POST 3 ops say :x", "POST 9 lobby say :x", "PART lobby", "QUIT")
		b.want("PONG x", "ERR FROB unknown-verb :no such verb", "~ERR JOIN room-bad room=.*", "NAK 3 not-joined :not in ops",
			"NAK 9 order retry=0 :another post comes first", "PARTED lobby", "BYE :quit")
		b.wantEnd()
		a.want("GONE lobby bobby :left")
		g.want("* bobby left")
	})
}

// TestPostIDs posts out of order and again.
func TestPostIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a := r.client("ada")
		a.say("JOIN lobby", "POST 2 lobby say :early", "POST 1 lobby say :1", "POST 1 lobby say :1", "POST 2 lobby say :", "POST 2 lobby say :used up", "POST 3 lobby say :3")
		a.want("LIVE lobby 0 1", "~NAK 2 order retry=0 :.*", "~MSG lobby 1 0 .*", "ACK 1 1", "ACK 1 1", "~NAK 2 empty :.*")
		// What was refused for good may be said again by who did not hear that.
		a.want("~MSG lobby 2 1 .*", "ACK 2 2", "~MSG lobby 3 2 .*", "ACK 3 3")
		a.say("POST 4 lobby say :"+strings.Repeat("x", 4097), "POST 0 lobby say :x", "POST 5 lobby say :5", "POST 6 lobby Say :x")
		a.want("~NAK 4 too-long :.*", "~ERR POST bad-line :.*", "~MSG lobby 4 3 .* :5", "ACK 5 4", "~NAK 6 bad-line :.*")
		if n := r.hub.Stats(); n.Repeats != 2 || n.Posts != 3 {
			t.Errorf("Stats() = %+v, want 2 repeats and 3 posts", n)
		}
	})
}

// TestStoreFails posts while the log cannot store, and when it can again.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog(t)
		r := serve(t, &chat.Hub{Log: log})
		a, g := r.client("ada"), r.plain("g")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 2")
		g.want("* ada joined")
		log.set(func(l *fakeLog) { l.failing = errFull })
		a.say("POST 1 lobby say :1")
		synctest.Wait()
		log.set(func(l *fakeLog) { l.failing = nil; l.delay = time.Second })
		a.say("POST 2 lobby say :2", "POST 1 lobby say :1", "POST 2 lobby say :2", "POST 2 lobby say :2")
		a.want("NAK 1 store retry=1000 :no space left on device", "~NAK 2 order retry=0 :.*",
			"~MSG lobby 1 0 .* :1", "ACK 1 1", "~MSG lobby 2 1 .* :2", "ACK 2 2")
		g.want("ada: 1", "ada: 2")
		log.set(func(l *fakeLog) { l.failing = errFull })
		g.say("lost")
		g.want("* not sent: the log cannot store: no space left on device")
		g.say("/join ops", "/history")
		g.want("* you are in ops, 1 here", "* the log cannot be read: no space left on device")
		a.want("GONE lobby guest-1 :left")
		a.say("JOIN ops", "JOIN lobby after=1", "PAST x lobby")
		a.want("~ERR JOIN store room=ops :.*", "~ERR JOIN store room=lobby :.*", "~ERR PAST store tag=x :.*")
		log.set(func(l *fakeLog) { l.failing = nil })
		a.say("JOIN lobby after=1", "JOIN ops")
		a.want("~MSG lobby 2 1 .* :2", "LIVE lobby 2 1", "LIVE ops 0 2")
		g.want("* ada joined")
		g.say("works")
		a.want("~MSG ops 3 0 .* :works")
	})
}

// TestMiddleOfWindowFails lets one of several posts under way fail: the client
// posts that one again, and then what follows.
func TestMiddleOfWindowFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog(t)
		r := serve(t, &chat.Hub{Log: log})
		a := r.client("ada")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 1")
		log.set(func(l *fakeLog) { l.delay = time.Second })
		a.say("POST 1 lobby say :1")
		synctest.Wait()
		log.set(func(l *fakeLog) { l.failing = errFull })
		a.say("POST 2 lobby say :2")
		synctest.Wait()
		log.set(func(l *fakeLog) { l.failing = nil })
		a.say("POST 3 lobby say :3")
		a.want("~MSG lobby 1 .*", "ACK 1 1", "~NAK 2 store .*", "~MSG lobby 2 1 .* :3", "ACK 3 2")
		a.say("POST 4 lobby say :4", "POST 2 lobby say :2", "POST 4 lobby say :4")
		a.want("~NAK 4 order .*", "~MSG lobby 3 2 .* :2", "ACK 2 3", "~MSG lobby 4 3 .* :4", "ACK 4 4")
	})
}

func TestClientFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Flood: chat.Flood{Burst: 2, PerSecond: 2}})
		a := r.client("ada")
		a.say("JOIN lobby", "POST 1 lobby say :1", "POST 2 lobby say :2", "POST 3 lobby say :3")
		a.want("LIVE lobby 0 1", "~MSG .*", "ACK 1 1", "NAK 2 flood retry=500 :too much at a time", "~NAK 3 order .*")
		time.Sleep(500 * time.Millisecond)
		a.say("POST 2 lobby say :2")
		a.want("~MSG .*", "ACK 2 2")
	})
}

// TestHelloTooLate upgrades a plain peer whose first line is a hello.
func TestHelloTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		g := r.plain("g")
		a := r.plain("a")
		g.want("* guest-2 joined")
		a.hello("ada")
		g.want("* guest-2 left")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 2")
		g.want("* ada joined")
	})
}

// TestHelloInPieces takes a hello whose middle takes longer than a pause.
func TestHelloInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Hello: 10 * time.Second})
		a := r.dial("a")
		for _, piece := range []string{"PARLEY", " 1 tok", "en=" + token("ada"), " name=ada\r", "\nJOIN lobby\n"} {
			io.WriteString(a.conn, piece)
			time.Sleep(time.Second)
		}
		a.want("~PARLEY 1 name=ada .*", "LIVE lobby 0 1")
	})
}

func TestBadHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		for line, want := range map[string]string{
			"PARLEY 2 token=" + token("ada"): "~ERR PARLEY version :.*;BYE :version",
			"PARLEY 1 token=short":           "~ERR PARLEY bad-line :.*",
		} {
			a := r.dial("a")
			a.say(line)
			a.want(strings.Split(want, ";")...)
			a.wantEnd()
		}
		a := r.dial("a")
		a.say("PARLEY 1 token=" + token("ada") + " name=admin next=7")
		a.want("~PARLEY 1 name=guest-1 self=.* next=7 room=lobby max=4096", "~ERR PARLEY name-bad :.*")
	})
}

// TestComeBack cuts a client, which nobody is told, and lets it come back.
func TestComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a, b := r.client("ada"), r.client("bob")
		b.say("JOIN lobby", "JOIN ops")
		b.want("LIVE lobby 0 1", "LIVE ops 0 1")
		a.say("JOIN lobby", "JOIN ops", "POST 1 lobby say :1")
		a.want("LIVE lobby 0 2", "LIVE ops 0 2", "~MSG .*", "ACK 1 1")
		b.want("HERE lobby ada", "HERE ops ada", "~MSG lobby 1 .*")
		a.conn.Close()
		time.Sleep(10 * time.Second)
		b.say("POST 1 lobby say :while away", "TELL 2 ada :there?")
		b.want("~MSG lobby 2 .*", "ACK 1 2", "NAK 2 nobody :ada is away")
		g := r.dial("g")
		g.say("PARLEY 1 token=" + token("eve") + " name=Ada")
		g.want("~PARLEY 1 name=guest-1 .*", "ERR PARLEY name-taken :ada is taken")
		a = r.dial("a")
		a.say("PARLEY 1 token="+token("ada")+" name=ada next=2", "JOIN lobby after=1", "POST 2 lobby say :back")
		a.want("~PARLEY 1 name=ada self=.* next=2 .*", "~MSG lobby 2 1 .* :while away", "LIVE lobby 2 2", "~MSG lobby 3 2 .*", "ACK 2 3")
		b.want("~MSG lobby 3 2 .* :back")
		b.wantNothing()
		time.Sleep(30 * time.Second)
		b.want("GONE ops ada :lost") // which it did not join again
		// A second session with the token takes the place of the first.
		a.say("JOIN ops")
		a.want("LIVE ops 0 2")
		b.want("HERE ops ada")
		a2 := r.client("ada")
		a.want("BYE :resumed")
		a.wantEnd()
		a2.say("JOIN lobby")
		a2.want("LIVE lobby 3 2")
		b.wantNothing()
		time.Sleep(30 * time.Second)
		b.want("GONE ops ada :lost")
		a2.conn.Close()
		time.Sleep(31 * time.Second)
		b.want("GONE lobby ada :lost")
		e := r.dial("e")
		e.say("PARLEY 1 token=" + token("eve2") + " name=ADA")
		e.want("~PARLEY 1 name=ADA .*")
	})
}

func TestMemberRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{MemberRooms: 2, Rooms: 3})
		a, b := r.client("ada"), r.client("bob")
		a.say("JOIN a", "JOIN b", "JOIN c", "PART a", "JOIN c")
		a.want("LIVE a 0 1", "LIVE b 0 1", "~ERR JOIN full room=c :.*", "PARTED a", "LIVE c 0 1")
		b.say("JOIN d", "JOIN e")
		b.want("LIVE d 0 1", "~ERR JOIN full room=e :.*")
	})
}

func TestLargeRoomIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a := r.client("ada")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 1")
		var peers []*peer
		for range 250 {
			peers = append(peers, r.plain("p"))
		}
		for i := range 199 {
			a.want(fmt.Sprintf("HERE lobby guest-%d", i+1))
		}
		peers[0].say("hi")
		a.want("~MSG lobby 1 0 .* guest-1 .* :hi")
		a.say("WHO lobby")
		for range 3 {
			a.want("~WHO lobby .*")
		}
		a.want("END WHO lobby 251")
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a, g := r.client("ada"), r.plain("g")
		r.hub.Goodbye()
		a.want("BYE :shutdown")
		g.want("* the server shuts down")
		r.end()
		a.wantEnd()
		g.wantEnd()
	})
}

// TestHalfALineIsNothing cuts a client's stream in the middle of a post: it is not
// stored, so that its repeat is what the client said.
func TestHalfALineIsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a := r.client("ada")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 1")
		io.WriteString(a.conn, "POST 1 lobby say :hello wor")
		a.conn.(interface{ CloseWrite() error }).CloseWrite()
		a.wantEnd()
		b := r.client("ada")
		b.say("JOIN lobby", "POST 1 lobby say :hello world")
		b.want("LIVE lobby 0 1", "~MSG lobby 1 0 .* say :hello world", "ACK 1 1")
	})
}

// TestSecretIsNotPosted has a client's first line, whole or not, come where a plain
// peer's lines do.
func TestSecretIsNotPosted(t *testing.T) {
	for _, line := range []string{"PARLEY 1 token=" + token("ada") + "\n", "PARLEY 1 tok"} {
		synctest.Test(t, func(t *testing.T) {
			r := serve(t, new(chat.Hub))
			g := r.plain("g")
			a := r.plain("a")
			g.want("* guest-2 joined")
			a.say("hello")
			g.want("guest-2: hello")
			io.WriteString(a.conn, line)
			a.want("* not sent: a client's first line has to come first")
			b := r.dial("b")
			io.WriteString(b.conn, "PARLEY 1 tok")
			b.conn.(interface{ CloseWrite() error }).CloseWrite()
			b.want("* not sent: a client's first line has to come first")
			b.wantEnd()
			a.say("bye")
			g.want("guest-2: bye")
			if n := r.hub.Stats().Posts; n != 2 {
				t.Errorf("%d posts, want 2", n)
			}
		})
	}
}
