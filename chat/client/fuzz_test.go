package client

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"parley/chat/wire"
)

// FuzzSession feeds a session whatever lines a server may send: it does not
// panic, does not spin, and keeps no more than its bounds.
func FuzzSession(f *testing.F) {
	hello := "PARLEY 1 name=ada self=" + wire.PublicHalf(testToken) + " next=1 room=lobby max=4096 prove=X\nPROVED\n"
	f.Add([]byte(hello+"LIVE ops 10 2\n"+msg("ops", 11, 10)+"\n"+msg("ops", 20, 15)+"\nLIVE ops 20 1\nERR JOIN store :x\n"), true)
	f.Add([]byte(hello+"LIVE ops 10 2\n"+past("p1", 9, 1)+"\nEND PAST p1 9 more\nMORE ops 12\nPARTED ops\nBYE :x\n"), false)
	f.Add([]byte(hello+"LIVE ops 0 2\nLIVE dev 0 1\nACK 1 2\nNAK 2 order retry=0 :\nNAK 3 flood retry=9 :\nNAK 4 empty :\n"), true)
	f.Add([]byte(hello+"WHO ops a b\nEND WHO ops 3\nROOM a 1 2\nEND ROOMS 2\nNAMED ada b\nTOLD 1 a "+bob+" 1 :x\nERR PAST store :\nMISSED ops 3\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, datagram bool) {
		p := begin(t, Config{Datagram: datagram, Rooms: []string{"ops", "dev"}})
		p.s.connected(p.now)
		for i := range 5 {
			p.s.post(p.now, "ops", wire.Say, fmt.Sprint(i))
		}
		p.s.who(p.now, "ops")
		p.s.askFor(p.now, wire.VerbRooms, "")
		p.s.past(p.now, "dev", Query{})
		p.s.nick(p.now, "eve")
		p.s.tell(p.now, "bob", "x")
		for i, line := range bytes.SplitAfter(data, []byte("\n")) {
			p.s.receive(p.now, line)
			p.s.events = nil
			switch i % 8 {
			case 3:
				p.wait(time.Second)
			case 5:
				p.take()
			case 7:
				p.s.part(p.now, "dev")
				p.s.join(p.now, "dev")
			}
			p.bounded()
			if p.s.verdict != nil {
				if _, final, _ := p.s.cut(p.now, errLost); final {
					return
				}
				p.s.connected(p.now)
			}
		}
	})
}

// bounded fails the test if the session keeps too much.
func (p *script) bounded() {
	s := p.s
	if len(s.out) > outMost+wire.MaxLine+outForPosts || len(s.asks) > mostAsks+len(s.rooms)+4 || len(s.told) > mostTold || len(s.posting.posts) > 6 {
		p.t.Fatalf("out %d, asks %d, told %d, posts %d", len(s.out), len(s.asks), len(s.told), len(s.posting.posts))
	}
	for _, r := range s.rooms {
		if len(r.ahead) > mostAhead || len(r.held) > mostHeld {
			p.t.Fatalf("%s keeps %d and %d", r.name, len(r.ahead), len(r.held))
		}
	}
	for _, a := range s.asks {
		if len(a.names) > mostNames || len(a.rooms) > mostNames || a.page != nil && len(a.page.messages) > mostPage {
			p.t.Fatalf("%s keeps %d, %d", a.verb, len(a.names), len(a.rooms))
		}
	}
}

// A server that sends without an end makes nothing grow.
func TestBounds(t *testing.T) {
	p := begin(t, Config{Rooms: []string{"ops"}})
	p.connect()
	p.recv("LIVE ops 10 1")
	p.s.who(p.now, "ops")
	p.s.post(p.now, "ops", wire.Say, "x")
	for i := range uint64(100_000) {
		p.recv(msg("ops", 11+i, 10+i), past("p1", 1+i%10, i%10), "WHO ops a b", "NAK 1 order retry=0 :", "MORE ops 3", "LIVE ops 3 1",
			"TOLD 1 a "+bob+fmt.Sprintf(" %d :x", i))
		p.s.events = nil
		if i%1000 == 0 {
			p.bounded()
		}
	}
	p.bounded()
	p.recv("END PAST p1 10 done")
	if got := len(p.s.events); got < mostHeld {
		t.Errorf("%d events at the end of the history, want what was held back", got)
	}
}
