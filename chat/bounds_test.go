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

// TestEdgeAway, what once went wrong: clients that were cut are kept however many they are.
func TestEdgeAway(t *testing.T) {
	if testing.Short() {
		t.Skip()
	}
	r := serve(t, &chat.Hub{Hello: -1})
	const n = 12_000
	for i := range n {
		c := r.dial("c")
		c.say(fmt.Sprintf("PARLEY 1 token=%s name=n%d", token(fmt.Sprint("t", i)), i))
		c.line()
		c.conn.Close()
	}
	time.Sleep(time.Second)
	c := r.client("ada")
	free := 0
	for i := range n {
		if i%100 != 0 && i < n-100 {
			continue
		}
		c.say(fmt.Sprintf("NICK n%d", i))
		if strings.HasPrefix(c.line(), "NAMED") {
			free++
		}
	}
	if free == 0 {
		t.Errorf("all of %d who are away are kept", n)
	}
}

// TestEdgeRefusedAreKept, what once went wrong: while the log has not answered for a post, what is refused after it is kept
// without bound.
func TestEdgeRefusedAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog(t)
		r := serve(t, &chat.Hub{Log: log})
		a := r.client("ada")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 1")
		log.set(func(l *fakeLog) { l.delay = time.Minute })
		const n = 100_000
		go func() {
			io.WriteString(a.conn, "POST 1 lobby say :hi\n")
			for i := 2; i <= n; i++ {
				fmt.Fprintf(a.conn, "POST %d lobby say :\n", i)
			}
		}()
		kept := 1
		for i := 2; i <= n; i++ {
			if strings.Contains(a.line(), " empty ") {
				kept++
			}
		}
		if kept > 1024 {
			t.Errorf("%d of %d are kept", kept, n)
		}
		log.set(func(l *fakeLog) { l.delay = 0 })
		time.Sleep(2 * time.Minute)
	})
}

// TestEdgeMovedGhost, what once went wrong: who has gone to another hub still does what it said here before: it is in
// a room, and has a name, for ever.
func TestEdgeMovedGhost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnion(t)
		e := u.end()
		r := serve(t, &chat.Hub{Log: endLog{e}, Directory: endDirectory{e}})
		a := r.client("ada")
		u.log.set(func(l *fakeLog) { l.reading = time.Second })
		a.say("PAST p lobby")
		time.Sleep(100 * time.Millisecond)
		e.on.Present(chat.Presence{Name: "ada", Author: self("ada")}, "") // came back at another hub
		a.say("JOIN ops", "NICK eve")
		time.Sleep(100 * time.Millisecond)
		u.log.set(func(l *fakeLog) { l.reading = 0 })
		time.Sleep(time.Hour)
		b := r.client("bob")
		b.say("WHO ops")
		b.want("END WHO ops 0")
		b.say("NICK eve")
		b.want("NAMED bob eve")
	})
}
