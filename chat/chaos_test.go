package chat_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/chat"
	"parley/chat/text"
	"parley/endpoint"
)

// TestChaos has people come, talk, rename, be cut and come back at random, and
// then looks whether anything of them is left.
func TestChaos(t *testing.T) {
	for seed := range uint64(40) {
		for _, kind := range []string{"memory", "slow", "union"} {
			t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { chaos(t, seed, kind) })
			})
		}
	}
}

func chaos(t *testing.T, seed uint64, kind string) {
	var rigs []*rig
	flood := chat.Flood{Burst: -1}
	switch kind {
	case "memory":
		rigs = append(rigs, serve(t, &chat.Hub{Grace: 3 * time.Second, Flood: flood}))
	case "slow":
		log := newFakeLog(t)
		log.delay = 50 * time.Millisecond
		log.random = rand.New(rand.NewPCG(seed, 2))
		rigs = append(rigs, serve(t, &chat.Hub{Log: log, Grace: 3 * time.Second, Replay: 3, Flood: flood}))
	case "union":
		u := newUnion(t)
		u.log.delay = 20 * time.Millisecond
		e, f := u.end(), u.end()
		at := func(name string) string { return endpoint.Endpoint{Scheme: "mem", Path: t.Name() + name}.String() }
		rigs = append(rigs, serve(t, &chat.Hub{Log: endLog{e}, Directory: &strictDirectory{end: e}, Grace: 3 * time.Second, Flood: flood}, at("1")))
		rigs = append(rigs, serve(t, &chat.Hub{Log: endLog{f}, Directory: &strictDirectory{end: f}, Grace: 3 * time.Second, Flood: flood}, at("2")))
	}
	_ = parley.Line
	var wg sync.WaitGroup
	for w := range 8 {
		random := rand.New(rand.NewPCG(seed, uint64(w)+10))
		wg.Go(func() {
			for range 15 {
				r := rigs[random.IntN(len(rigs))]
				c := r.dial("c")
				go io.Copy(io.Discard, c.conn)
				name := fmt.Sprintf("n%d", random.IntN(4))
				c.conn.SetWriteDeadline(time.Now().Add(time.Minute))
				id := 0
				if random.IntN(3) > 0 {
					time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
					fmt.Fprintf(c.conn, "PARLEY 1 token=%s name=%s\n", token(name), fmt.Sprintf("x%d", random.IntN(6)))
				}
				for range random.IntN(12) {
					id++
					line := []string{
						"JOIN lobby", "JOIN ops after=0", "JOIN r3", "PART lobby", "PART ops",
						fmt.Sprintf("POST %d lobby say :hi", id), "PAST t lobby", "WHO lobby", "ROOMS",
						fmt.Sprintf("NICK x%d", random.IntN(6)), fmt.Sprintf("TELL %d x%d :psst", id, random.IntN(6)),
						"/nick x1", "/join r4", "/history", "/who", "hello", "QUIT", "q", "PING a", "JOIN", "POST 0 a b :", "POST 99999999999 lobby say :x", "PARLEY 1 token=x",
						"PROOF", "MSG :", "/msg x2 hi", "\x00\xff", "JOIN \x01", "PAST t lobby after=9 last=1 since=99999999999999999",
					}[random.IntN(29)]
					if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
						break
					}
					time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
				}
				switch random.IntN(3) {
				case 0:
					io.WriteString(c.conn, "QUIT\n")
				case 1:
					c.conn.(interface{ CloseWrite() error }).CloseWrite()
				}
				if random.IntN(2) == 0 {
					time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				}
				c.conn.Close()
			}
		})
	}
	wg.Wait()
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	for i, r := range rigs {
		s := r.hub.Stats()
		if s.Members != 0 || s.Rooms != 0 {
			t.Errorf("hub %d: %d members, %d rooms are left", i, s.Members, s.Rooms)
			c := r.dial("y")
			c.say("PARLEY 1 token="+token("looker"), "WHO lobby", "WHO ops", "WHO r3", "WHO r4", "QUIT")
			b, _ := io.ReadAll(c.in)
			t.Logf("%s", b)
		}
		for n := range 6 {
			c := r.dial("z")
			c.say(fmt.Sprintf("PARLEY 1 token=%s name=x%d", token(fmt.Sprintf("new%d%d", i, n)), n))
			if got := c.line(); !strings.Contains(got, fmt.Sprintf("name=x%d ", n)) {
				t.Errorf("hub %d: x%d is not free: %s", i, n, got)
			}
			c.say("QUIT")
			c.line()
			c.conn.Close()
			time.Sleep(time.Second)
		}
	}
}

// A strictDirectory is an endDirectory where a hub changes only what it has itself, and
// that tells everybody everything in one order.
type strictDirectory struct{ *end }

func (d *strictDirectory) Claim(_ context.Context, p chat.Presence) error {
	time.Sleep(time.Millisecond)
	d.u.mu.Lock()
	defer d.u.mu.Unlock()
	fold := text.Fold(p.Name)
	if c, ok := d.u.names[fold]; ok && c.p.Author != p.Author {
		return chat.ErrNameTaken
	}
	was := ""
	for f, c := range d.u.names {
		if c.p.Author == p.Author {
			was = c.p.Name
			delete(d.u.names, f)
			if c.by != d.end {
				defer d.on.Absent(c.p, "moved")
			}
		}
	}
	d.u.names[fold] = claim{p, d.end}
	if was == p.Name {
		was = ""
	}
	d.tell(func(on chat.Elsewhere) { on.Present(p, was) })
	return nil
}

func (d *strictDirectory) tell(f func(chat.Elsewhere)) {
	for _, o := range d.u.ends {
		if o != d.end {
			f(o.on)
		}
	}
}

func (d *strictDirectory) has(p chat.Presence) bool {
	c, ok := d.u.names[text.Fold(p.Name)]
	return ok && c.by == d.end && c.p.Author == p.Author
}

func (d *strictDirectory) Update(_ context.Context, p chat.Presence) error {
	time.Sleep(time.Millisecond)
	d.u.mu.Lock()
	defer d.u.mu.Unlock()
	if d.has(p) {
		d.tell(func(on chat.Elsewhere) { on.Present(p, "") })
	}
	return nil
}

func (d *strictDirectory) Release(_ context.Context, p chat.Presence, why string) error {
	time.Sleep(time.Millisecond)
	d.u.mu.Lock()
	defer d.u.mu.Unlock()
	if d.has(p) {
		delete(d.u.names, text.Fold(p.Name))
		d.tell(func(on chat.Elsewhere) { on.Absent(p, why) })
	}
	return nil
}

func (d *strictDirectory) Tell(_ context.Context, to string, p chat.Private) error {
	return chat.ErrNobody
}

func (d *strictDirectory) Follow(_ context.Context, on chat.Elsewhere) error {
	d.on = on
	return nil
}
