package chat_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
	"parley/chat/wire"
	"parley/transport"
)

// TestJoinWhilePosting lets members come, ask for what they miss, and be cut, while
// others post, with a log that takes its time, fails, and acknowledges before it
// delivers. Everybody gets every message once, in order.
func TestJoinWhilePosting(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { joinWhilePosting(t, seed) })
		})
	}
}

func joinWhilePosting(t *testing.T, seed uint64) {
	const posters, joiners, each = 3, 4, 60
	hub := &chat.Hub{Flood: chat.Flood{Burst: -1}}
	var log chat.Log
	if seed%3 != 0 {
		f := newFakeLog(t)
		f.random = rand.New(rand.NewPCG(seed, 1))
		f.delay = time.Duration(seed%5) * 10 * time.Millisecond
		log = f
	} else {
		log = new(chat.Memory)
	}
	hub.Log = log
	r := serve(t, hub)
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() { newRandomClient(r, fmt.Sprintf("poster%d", i), seed).post(each) })
	}
	for i := range joiners {
		wg.Go(func() { newRandomClient(r, fmt.Sprintf("joiner%d", i), seed).follow(posters * each) })
	}
	wg.Wait()
	seen := make(map[string]int)
	for q := (chat.Query{Room: "lobby"}); ; {
		var memory chat.Log = log
		if f, ok := log.(*fakeLog); ok {
			memory = &f.memory
		}
		page, more, _ := memory.Read(context.Background(), q)
		for _, m := range page {
			seen[fmt.Sprint(m.Author, m.ID)]++
			q.After = m.Seq
		}
		if !more {
			break
		}
	}
	if len(seen) != posters*each {
		t.Errorf("%d posts are stored, want %d", len(seen), posters*each)
	}
	for post, n := range seen {
		if n != 1 {
			t.Errorf("%s is stored %d times", post, n)
		}
	}
}

// TestMoreThanMayWait lets more messages come, while a page is read, than wait for
// a member.
func TestMoreThanMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog(t)
		r := serve(t, &chat.Hub{Log: log})
		a, b := r.client("ada"), r.client("bob")
		a.say("JOIN lobby", "POST 1 lobby say :1")
		a.want("LIVE lobby 0 1", "~MSG .*", "ACK 1 1")
		log.set(func(l *fakeLog) { l.reading = time.Second })
		b.say("JOIN lobby after=0")
		a.want("HERE lobby bob")
		for i := 2; i <= 300; i++ {
			a.say(fmt.Sprintf("POST %d lobby say :%d", i, i))
			a.want("~MSG .*", "~ACK .*")
		}
		for i := 1; i <= 257; i++ {
			b.want(fmt.Sprintf("~MSG lobby %d %d .* :%d", i, i-1, i))
		}
		b.want("MORE lobby 257")
		a.say("POST 301 lobby say :301")
		b.wantNothing() // it is not live
		b.say("JOIN lobby after=257")
		for i := 258; i <= 301; i++ {
			b.want(fmt.Sprintf("~MSG lobby %d %d .* :%d", i, i-1, i))
		}
		b.want("LIVE lobby 301 2")
	})
}

// A randomClient does what a client may, at random moments.
type randomClient struct {
	r      *rig
	name   string
	random *rand.Rand
	conn   net.Conn
	in     *bufio.Reader
	has    uint64
}

func newRandomClient(r *rig, name string, seed uint64) *randomClient {
	return &randomClient{r: r, name: name, random: rand.New(rand.NewPCG(seed, uint64(name[0])<<8|uint64(name[len(name)-1])))}
}

func (c *randomClient) connect(next int) {
	conn, err := transport.Dial(context.Background(), c.r.at[0])
	if err != nil {
		panic(err)
	}
	c.conn, c.in = conn, bufio.NewReader(conn)
	fmt.Fprintf(conn, "PARLEY 1 token=%s name=%s next=%d\nJOIN lobby after=%d\n", token(c.name), c.name, next, c.has)
}

// read reads a line, and checks it if it is a message.
func (c *randomClient) read(within time.Duration) (l wire.Line, ok bool) {
	c.conn.SetReadDeadline(time.Now().Add(within))
	b, err := c.in.ReadBytes('\n')
	if err != nil {
		return l, false
	}
	if l, err = wire.ParseLine(b); err != nil {
		c.r.t.Errorf("%s got %q: %v", c.name, b, err)
		return l, false
	}
	if l.Verb == wire.VerbMessage {
		m, prev, err := wire.ParseMessage(l)
		if err != nil || prev != c.has {
			c.r.t.Errorf("%s has %d and got %q, %v", c.name, c.has, b, err)
		}
		c.has = m.Seq
	}
	return l, true
}

func (c *randomClient) pause() { time.Sleep(time.Duration(c.random.IntN(30)) * time.Millisecond) }

// follow reads until n messages have come, with cuts and joins between.
func (c *randomClient) follow(n int) {
	c.pause()
	c.connect(1)
	live := false
	for got := 0; got < n; {
		l, ok := c.read(2 * time.Minute)
		if !ok {
			c.r.t.Errorf("%s: %d of %d messages came, and no more", c.name, got, n)
			return
		}
		switch l.Verb {
		case wire.VerbMessage:
			got++
		case wire.VerbLive:
			live = true
		case wire.VerbMore:
			fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", c.has)
		case wire.VerbError:
			c.pause()
			fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", c.has)
		}
		switch c.random.IntN(20) {
		case 0:
			c.conn.Close()
			c.pause()
			c.connect(1)
			live = false
		case 1:
			if live && l.Verb == wire.VerbMessage { // what comes before the answer comes again
				live = false
				c.rejoin(&got)
			}
		}
	}
	c.conn.Close()
}

// rejoin asks for what is missing, which is nothing, in the middle of what comes.
func (c *randomClient) rejoin(got *int) {
	after := c.has
	fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", after)
	for {
		c.conn.SetReadDeadline(time.Now().Add(time.Minute))
		b, err := c.in.ReadBytes('\n')
		if err != nil {
			c.r.t.Errorf("%s: join again: %v", c.name, err)
			return
		}
		l, _ := wire.ParseLine(b)
		switch l.Verb {
		case wire.VerbLive, wire.VerbMore:
			if l.Verb == wire.VerbMore {
				fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", c.has)
			}
			return
		case wire.VerbError:
			c.pause()
			fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", c.has)
		case wire.VerbMessage:
			m, prev, _ := wire.ParseMessage(l)
			if prev > c.has {
				c.r.t.Errorf("%s has %d and got %q", c.name, c.has, b)
			}
			if m.Seq > c.has {
				c.has = m.Seq
				*got++
			}
		}
	}
}

// post posts n messages as the protocol says.
func (c *randomClient) post(n int) {
	const window = 8
	c.connect(1)
	acked := make([]bool, n+1)
	lowest, next := 1, 1
	for lowest <= n {
		for next <= n && next < lowest+window {
			if !acked[next] {
				fmt.Fprintf(c.conn, "POST %d lobby say :%s %d\n", next, strings.Repeat("x", c.random.IntN(50)), next)
			}
			next++
		}
		l, ok := c.read(2 * time.Minute)
		if !ok {
			c.r.t.Errorf("%s: nothing more came, %d of %d posts are acknowledged", c.name, lowest-1, n)
			return
		}
		switch l.Verb {
		case wire.VerbAck:
			id, _ := l.Number(0)
			acked[id] = true
		case wire.VerbNak:
			nak, err := wire.ParseNak(l)
			if err != nil || !nak.Again {
				c.r.t.Errorf("%s got %v", c.name, l)
				return
			}
			time.Sleep(nak.Retry / 50)
			next = min(next, int(nak.ID))
		case wire.VerbMore:
			fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", c.has)
		case wire.VerbError:
			c.pause()
			fmt.Fprintf(c.conn, "JOIN lobby after=%d\n", c.has)
		}
		for lowest <= n && acked[lowest] {
			lowest++
		}
		if c.random.IntN(30) == 0 {
			c.conn.Close()
			c.pause()
			c.connect(lowest)
			next = lowest
		}
	}
	c.conn.Close()
}
