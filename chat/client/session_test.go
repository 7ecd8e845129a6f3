package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/chat/wire"
)

// A script drives a session by hand.
type script struct {
	t   *testing.T
	s   *session
	now time.Time
}

const testToken = "abcdefghijklmnopqrstuvwxyz"

func begin(t *testing.T, cfg Config) *script {
	cfg.Token = testToken
	cfg.Dial = func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }
	p := &script{t: t, s: newSession(cfg, func() float64 { return 0 }), now: time.Unix(1e9, 0)}
	if err := p.s.check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// connect says hello.
func (p *script) connect() {
	p.t.Helper()
	p.s.connected(p.now)
	if got := p.take(); len(got) != 1 || !strings.HasPrefix(got[0], "PARLEY 1 token="+testToken) {
		p.t.Fatalf("connected: sent %q", got)
	}
	p.recv("PARLEY 1 name=ada self=" + wire.PublicHalf(testToken) + " next=1 room=lobby max=4096")
}

func (p *script) recv(lines ...string) {
	for _, l := range lines {
		p.s.receive(p.now, []byte(l+"\n"))
	}
}

// take returns the lines that the session wants to be sent.
func (p *script) take() []string {
	out := strings.TrimSuffix(string(p.s.out), "\n")
	p.s.out = p.s.out[:0]
	if out == "" {
		return nil
	}
	return strings.Split(out, "\n")
}

func (p *script) sends(want ...string) {
	p.t.Helper()
	if got := p.take(); !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
		p.t.Fatalf("sent %q, want %q", got, want)
	}
}

// shows expects events, by what %v of them begins with.
func (p *script) shows(want ...Event) {
	p.t.Helper()
	got := p.s.events
	p.s.events = nil
	if len(got) != len(want) {
		p.t.Fatalf("events %+v, want %+v", got, want)
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			p.t.Fatalf("event %+v, want %+v", got[i], want[i])
		}
	}
}

// wait lets time pass, with everything that is due meanwhile.
func (p *script) wait(d time.Duration) {
	p.t.Helper()
	end := p.now.Add(d)
	for {
		at := p.s.next()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(p.now) {
			p.now = at
		}
		p.s.tick(p.now)
		if again := p.s.next(); !again.IsZero() && !again.After(p.now) {
			p.t.Fatalf("after tick at %v next is %v", p.now, again)
		}
	}
	p.now = end
}

var bob = wire.PublicHalf("bob")

// msg is a MSG line of bob's.
func msg(room string, seq, prev uint64) string {
	return fmt.Sprintf("MSG %s %d %d 1000 bob %s %d say :text %d", room, seq, prev, bob, seq, seq)
}

func past(tag string, seq, prev uint64) string {
	return strings.Replace(msg(tag, seq, prev), "MSG", "PAST", 1)
}

func shown(room string, seq uint64, past bool) Message {
	return Message{Past: past, Message: wire.Message{Room: room, Seq: seq, Time: time.UnixMilli(1000).UTC(),
		Name: "bob", Author: bob, ID: seq, Kind: wire.Say, Text: fmt.Sprintf("text %d", seq)}}
}

// hello is the event of connect.
var hello = Connected{Name: "ada", Self: wire.PublicHalf(testToken), Lobby: "lobby", Max: 4096}

func resumed() Connected { c := hello; c.Resumed = true; return c }

// joined is a script in the room ops at SEQ 10.
func joined(t *testing.T, cfg Config) *script {
	t.Helper()
	cfg.Rooms, cfg.Past = []string{"ops"}, -1
	p := begin(t, cfg)
	p.connect()
	p.sends("JOIN ops")
	p.recv("LIVE ops 10 2")
	p.shows(hello, Joined{"ops", 10, 2})
	return p
}

func TestJoinWithHistory(t *testing.T) {
	p := begin(t, Config{Rooms: []string{"#Ops", "dev"}, Past: 2})
	p.connect()
	p.sends("JOIN ops")
	p.recv("LIVE ops 10 3")
	p.sends("JOIN dev", "PAST p1 ops before=11 last=2")
	p.recv(msg("ops", 12, 10), "LIVE dev 0 1", past("p1", 9, 4), past("p1", 10, 9))
	p.shows(hello, Joined{"ops", 10, 3}, Joined{"dev", 0, 1})
	p.recv("END PAST p1 10 done")
	p.shows(shown("ops", 9, true), shown("ops", 10, true), shown("ops", 12, false))
	p.recv(msg("ops", 13, 12), msg("dev", 14, 0))
	p.shows(shown("ops", 13, false), shown("dev", 14, false))
	p.sends()
}

func TestHistorySince(t *testing.T) {
	p := begin(t, Config{Rooms: []string{"ops"}, Since: time.UnixMilli(5000)})
	p.connect()
	p.recv("LIVE ops 10 3")
	p.sends("JOIN ops", "PAST p1 ops before=11 since=5000")
	p.recv(past("p1", 3, 1), "END PAST p1 3 more")
	p.sends("PAST p2 ops after=3 before=11")
	p.recv(past("p2", 10, 3), "END PAST p2 10 done")
	p.shows(hello, Joined{"ops", 10, 3}, shown("ops", 3, true), shown("ops", 10, true))
}

func TestServersRoom(t *testing.T) {
	p := begin(t, Config{Past: -1})
	if _, err := p.s.post(p.now, "", wire.Say, "early"); err != nil {
		t.Fatal(err)
	}
	p.connect()
	p.sends("JOIN lobby")
	p.recv("LIVE lobby 0 1")
	p.sends("POST 1 lobby say :early")
}

func TestReceiving(t *testing.T) {
	p := joined(t, Config{})
	p.recv(msg("ops", 11, 10), msg("ops", 11, 10), msg("ops", 9, 8), msg("other", 12, 0))
	p.shows(shown("ops", 11, false))
	p.recv(msg("ops", 20, 15)) // 15 is missing
	p.shows()
	p.sends("JOIN ops after=11")
	p.recv(msg("ops", 21, 20), msg("ops", 15, 11), msg("ops", 20, 15), "LIVE ops 21 2")
	p.shows(shown("ops", 15, false), shown("ops", 20, false), shown("ops", 21, false))
	p.sends()
}

func TestGapForGood(t *testing.T) {
	p := joined(t, Config{})
	p.recv("MISSED ops 4", msg("ops", 20, 15))
	p.sends("JOIN ops after=10")
	p.recv("LIVE ops 20 2")
	p.shows()
	p.wait(firstRepeat)
	p.sends("JOIN ops after=10")
	p.recv("LIVE ops 20 2")
	p.shows(Missed{"ops", 4}, shown("ops", 20, false))
	p.wait(10 * time.Second)
	p.sends()
}

func TestResume(t *testing.T) {
	p := joined(t, Config{})
	for _, said := range []string{"one", "two", "three"} {
		p.s.post(p.now, "ops", wire.Say, said)
	}
	p.sends("POST 1 ops say :one", "POST 2 ops say :two", "POST 3 ops say :three")
	p.recv("ACK 1 11")
	p.shows(Delivered{1, 11, "ops"})
	pause, final, _ := p.s.cut(p.now, errLost)
	if pause != firstPause/2 || final {
		t.Fatalf("cut: %v, %v", pause, final)
	}
	p.shows(Disconnected{errLost, pause})
	p.s.connected(p.now)
	p.sends("PARLEY 1 token=" + testToken + " name=ada next=2")
	p.recv("PARLEY 1 name=ada self=" + p.s.self + " next=2 room=lobby max=4096")
	p.sends("JOIN ops after=10")
	own := fmt.Sprintf("MSG ops 12 10 1000 ada %s 2 say :two", p.s.self)
	p.recv(own, "MORE ops 12")
	p.sends("JOIN ops after=12")
	p.recv("LIVE ops 12 1")
	// What came back need not be posted again, but the server waits for its ID.
	p.sends("POST 2 ops say :", "POST 3 ops say :three")
	p.recv("NAK 2 empty :nothing to say", "ACK 3 13")
	e := Message{Own: true, Message: wire.Message{Room: "ops", Seq: 12, Time: time.UnixMilli(1000).UTC(), Name: "ada",
		Author: p.s.self, ID: 2, Kind: wire.Say, Text: "two"}}
	p.shows(resumed(), Delivered{2, 12, "ops"}, e, Joined{"ops", 12, 1}, Delivered{3, 13, "ops"})
	if p.s.posting.unacked != 0 || len(p.s.posting.posts) != 0 {
		t.Errorf("left: %+v", p.s.posting)
	}
}

func TestNak(t *testing.T) {
	p := joined(t, Config{})
	for i := range 4 {
		p.s.post(p.now, "ops", wire.Say, fmt.Sprint(i+1))
	}
	p.take()
	p.recv("ACK 1 11", "NAK 2 flood retry=500 :slow down", "NAK 3 order retry=0 :", "NAK 4 order retry=0 :")
	p.shows(Delivered{1, 11, "ops"}, Delayed{2, "flood", "slow down", 500 * time.Millisecond})
	p.sends()
	p.wait(499 * time.Millisecond)
	p.sends()
	p.wait(time.Millisecond)
	p.sends("POST 2 ops say :2", "POST 3 ops say :3", "POST 4 ops say :4")
	p.recv("ACK 2 12", "NAK 3 too-long :too long", "ACK 4 13")
	p.shows(Delivered{2, 12, "ops"}, Refused{3, "ops", "too-long", "too long", "3"}, Delivered{4, 13, "ops"})
}

// After a cut nothing is posted before every room is live, and next= leaves out
// what came back before another cut.
func TestResumeRooms(t *testing.T) {
	p := joined(t, Config{})
	p.s.join(p.now, "dev")
	p.recv("LIVE dev 0 1")
	p.s.post(p.now, "ops", wire.Say, "one")
	p.s.post(p.now, "ops", wire.Say, "two")
	p.s.cut(p.now, errLost)
	p.connect()
	p.recv("LIVE ops 10 1")
	p.sends("JOIN ops after=10", "JOIN dev after=0")
	p.recv(fmt.Sprintf("MSG ops 11 10 1000 ada %s 1 say :one", p.s.self))
	p.s.cut(p.now, errLost)
	p.s.connected(p.now)
	p.sends("PARLEY 1 token=" + testToken + " name=ada next=2")
	p.recv("PARLEY 1 name=ada self="+p.s.self+" next=2 room=lobby max=4096", "LIVE ops 11 1", "LIVE dev 0 1")
	p.sends("JOIN ops after=11", "JOIN dev after=0", "POST 2 ops say :two")
}

// Without an order after it the refused post alone says what to send again.
func TestNakAlone(t *testing.T) {
	p := joined(t, Config{})
	for i := range 3 {
		p.s.post(p.now, "ops", wire.Say, fmt.Sprint(i+1))
	}
	p.take()
	p.recv("NAK 2 store retry=1000 :disk full", "NAK 3 store retry=1000 :disk full")
	p.wait(time.Second)
	p.sends("POST 2 ops say :2", "POST 3 ops say :3")
}

// What was asked and not answered is asked again after a cut.
func TestAsksAgain(t *testing.T) {
	p := joined(t, Config{})
	p.s.who(p.now, "ops")
	p.sends("WHO ops")
	p.s.cut(p.now, errLost)
	p.connect()
	p.sends("JOIN ops after=10", "WHO ops")
}

func TestWindow(t *testing.T) {
	p := joined(t, Config{})
	for range wire.Window + 10 {
		p.s.post(p.now, "ops", wire.Say, "x")
	}
	if got := len(p.take()); got != wire.Window {
		t.Errorf("sent %d posts, want %d", got, wire.Window)
	}
	p.recv("ACK 2 12")
	p.sends()
	p.recv("ACK 1 11")
	p.sends("POST 257 ops say :x", "POST 258 ops say :x")
}

func TestPostErrors(t *testing.T) {
	p := joined(t, Config{})
	for _, test := range []struct {
		room, text string
		want       error
	}{
		{"dev", "x", ErrNotJoined},
		{"ops", "", ErrEmpty},
		{"ops", strings.Repeat("x", 4097), ErrTooLong},
		{"ops", strings.Repeat("\n", 2000), ErrTooLong}, // as it is sent
		{"#OPS", "x", nil},
	} {
		if _, err := p.s.post(p.now, test.room, wire.Say, test.text); !errors.Is(err, test.want) {
			t.Errorf("post to %q: %v, want %v", test.room, err, test.want)
		}
	}
	p.s.join(p.now, "dev")
	if _, err := p.s.post(p.now, "dev", wire.Me, "a\nb"); err != nil {
		t.Errorf("post to a room that is being joined: %v", err)
	}
	p.sends("POST 1 ops say :x", "JOIN dev")
	p.recv("LIVE dev 0 1")
	p.sends("POST 2 dev me :a␊b")
	p.s.closing = true
	if _, err := p.s.post(p.now, "ops", wire.Say, "x"); !errors.Is(err, ErrEnded) {
		t.Errorf("post after Quit: %v", err)
	}
}

// A room that cannot be joined does not stop the posts to others.
func TestJoinRefused(t *testing.T) {
	p := joined(t, Config{})
	p.s.join(p.now, "dev")
	p.s.post(p.now, "dev", wire.Say, "x")
	p.s.post(p.now, "ops", wire.Say, "y")
	p.sends("JOIN dev")
	p.recv("ERR JOIN store room=dev :the log cannot be read")
	p.shows(Problem{"JOIN", "store", "the log cannot be read"})
	p.wait(refusedTime)
	p.sends("JOIN dev")
	p.recv("ERR JOIN full :too many rooms")
	p.shows(Problem{"JOIN", "full", "too many rooms"}, Parted{"dev"})
	p.sends("POST 1 dev say :x", "POST 2 ops say :y")
}

func TestPart(t *testing.T) {
	p := joined(t, Config{})
	p.s.post(p.now, "ops", wire.Say, "bye")
	p.s.part(p.now, "ops")
	p.sends("POST 1 ops say :bye")
	p.recv("ACK 1 11")
	p.sends("PART ops")
	p.recv("PARTED ops", msg("ops", 12, 11))
	p.shows(Delivered{1, 11, "ops"}, Parted{"ops"})
	p.s.part(p.now, "ops")
	p.shows(Problem{"PART", "not-joined", ErrNotJoined.Error()})
}

func TestAsks(t *testing.T) {
	p := joined(t, Config{})
	p.s.who(p.now, "")
	p.s.askFor(p.now, wire.VerbRooms, "")
	p.s.nick(p.now, "eve")
	tag := p.s.past(p.now, "ops", Query{Last: 2, Before: 9})
	p.sends("WHO ops", "ROOMS", "NICK eve", "PAST "+tag+" ops before=9 last=2")
	p.recv("WHO ops bob ada", "WHO ops cyd", "END WHO ops 3", "ROOM ops 3 10", "END ROOMS 1", "NAMED ada eve",
		past(tag, 7, 6), "END PAST "+tag+" 7 more", "END PAST "+tag+" 7 more", "WHO ops x", "END WHO ops 1")
	m := shown("ops", 7, false).Message
	p.shows(Members{"ops", []string{"ada", "bob", "cyd"}}, RoomList{[]RoomInfo{{"ops", 3, 10}}},
		Renamed{"ada", "eve", true}, Page{tag, "ops", []wire.Message{m}, true, 7})
	p.s.nick(p.now, "bob")
	p.recv("ERR NICK name-taken :taken")
	p.shows(Problem{"NICK", "name-taken", "taken"})
	p.s.nick(p.now, "a b")
	if len(p.s.events) != 1 || p.s.events[0].(Problem).Code != wire.CodeNameBad {
		t.Errorf("nick with a space: %+v", p.s.events)
	}
}

// Whatever the server sends, what is shown is safe to show.
func TestShownClean(t *testing.T) {
	p := joined(t, Config{})
	p.recv("MSG ops 11 10 1000 b\u202eob "+bob+" 1 say :x\u202ey", "HERE ops \u2066x", "GONE ops x :\u2028", "NOTE :\u200f",
		"TOLD 1000 \u202e "+bob+" 1 :\u202e", "TOLD 1000 \u202e "+bob+" 1 :\u202e", "ERR X \u202e :\u202e")
	m := shown("ops", 11, false)
	m.Name, m.Text, m.ID = "b‹U+202E›ob", "x‹U+202E›y", 1
	p.shows(m, Came{"ops", "‹U+2066›x"}, Left{"ops", "x", "‹U+2028›"}, Notice{"‹U+200F›"},
		Told{time.UnixMilli(1000).UTC(), "‹U+202E›", "‹U+202E›"}, Problem{"X", "‹U+202E›", "‹U+202E›"})
}

func TestNotChat(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"silence", "", "no answer within 10s"},
		{"greeting", "220 mail.example.org ESMTP", `it said "220 mail.example.org ESMTP\n"`},
		{"echo", "PARLEY 1 token=" + testToken, "it sends back what it is sent"},
		{"refused", "ERR PARLEY bad-line :no", "the server refused: no"},
		{"version", "PARLEY 2 token=x", "it sends back what it is sent"},
		{"other version", "PARLEY 2 name=x", "another version of the protocol"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := begin(t, Config{})
			p.s.connected(p.now)
			if test.line != "" {
				p.s.sniff([]byte(test.line + "\n"))
				p.recv(test.line)
			}
			p.wait(time.Minute)
			if p.s.verdict == nil || !strings.Contains(p.s.verdict.err.Error(), test.want) || strings.Contains(p.s.verdict.err.Error(), testToken) {
				t.Fatalf("verdict %+v, want %q", p.s.verdict, test.want)
			}
			if _, final, err := p.s.cut(p.now, nil); !final || err == nil {
				t.Errorf("cut of the first connection: final %v, %v", final, err)
			}
		})
	}
}

func TestGreetingSkipped(t *testing.T) {
	p := begin(t, Config{Rooms: []string{"ops"}})
	p.s.connected(p.now)
	p.recv("* welcome, you are guest-3", "bob: hello")
	p.take()
	p.recv("PARLEY 1 name=guest-3 self=" + p.s.self + " next=1 room=lobby max=9999 new=key")
	p.sends("JOIN ops")
	e := hello
	e.Name = "guest-3"
	p.shows(e)
}

func TestBye(t *testing.T) {
	for _, test := range []struct {
		why   string
		final bool
		err   error
	}{{"quit", true, nil}, {"resumed", true, ErrReplaced}, {"shutdown", false, nil}, {"idle", false, nil}} {
		p := joined(t, Config{})
		p.recv("BYE :" + test.why)
		if p.s.verdict == nil {
			t.Fatalf("BYE %s: no verdict", test.why)
		}
		_, final, err := p.s.cut(p.now, errors.New("closed"))
		if final != test.final || err != test.err {
			t.Errorf("BYE %s: final %v, %v", test.why, final, err)
		}
	}
}

func TestBackoff(t *testing.T) {
	p := joined(t, Config{})
	p.s.draw = func() float64 { return 1 }
	want := []time.Duration{250, 500, 1000, 2000, 4000, 8000, 10000, 10000}
	for i, w := range want {
		got, _, _ := p.s.cut(p.now, errLost)
		if got != w*time.Millisecond {
			t.Errorf("pause %d is %v, want %v", i+1, got, w*time.Millisecond)
		}
	}
	p.connect()
	p.wait(11 * time.Second)
	if got, _, _ := p.s.cut(p.now, errLost); got != firstPause {
		t.Errorf("pause after a connection that lasted is %v", got)
	}
	once := joined(t, Config{Once: true})
	if _, final, err := once.s.cut(once.now, errLost); !final || err != errLost {
		t.Errorf("cut with Once: %v, %v", final, err)
	}
}

func TestAliveStream(t *testing.T) {
	p := joined(t, Config{})
	p.wait(29 * time.Second)
	p.sends()
	p.wait(time.Second)
	p.sends("PING 1")
	p.wait(14 * time.Second)
	p.recv("PONG 1")
	p.wait(30 * time.Second)
	p.sends("PING 2")
	p.s.pauseReading()
	p.wait(time.Hour)
	p.s.resumeReading(p.now)
	if p.s.verdict != nil {
		t.Fatal("lost while nobody read the events")
	}
	p.wait(45 * time.Second)
	if p.s.verdict == nil || p.s.verdict.err != errLost {
		t.Errorf("after 45 s of silence: %+v", p.s.verdict)
	}
}

func TestAliveDatagrams(t *testing.T) {
	p := joined(t, Config{Datagram: true})
	p.wait(10 * time.Second)
	p.sends("JOIN ops after=10")
	p.recv("LIVE ops 10 1")
	p.wait(39 * time.Second)
	if p.s.verdict != nil {
		t.Fatal("lost too early")
	}
	if got := p.take(); len(got) < 3 {
		t.Errorf("sent %q in 40 s", got)
	}
	p.wait(2 * time.Second)
	if p.s.verdict == nil || p.s.verdict.err != errLost {
		t.Errorf("after 4 times nothing: %+v", p.s.verdict)
	}
}

func TestProof(t *testing.T) {
	p := begin(t, Config{Datagram: true, Rooms: []string{"ops"}, Past: -1})
	p.s.connected(p.now)
	p.take()
	p.wait(firstRepeat)
	if got := p.take(); len(got) != 1 {
		t.Fatalf("hello was repeated %d times in %v", len(got), firstRepeat)
	}
	p.recv("PARLEY 1 name=ada self=" + p.s.self + " next=1 room=lobby max=4096 idle=6000 prove=ABCD")
	p.sends("PROOF ABCD")
	p.wait(firstRepeat)
	p.sends("PROOF ABCD")
	p.recv("PROVED", "PROVED")
	p.sends("JOIN ops")
	p.wait(firstRepeat)
	p.sends("JOIN ops")
	p.recv("LIVE ops 4 1", "LIVE ops 4 1")
	e := hello
	e.Idle = 6 * time.Second
	p.shows(e, Joined{"ops", 4, 1})
	p.wait(1750 * time.Millisecond)
	p.sends("JOIN ops after=4") // a third of idle
	p.recv("LIVE ops 4 1")
	p.s.post(p.now, "ops", wire.Say, "x")
	p.wait(2 * time.Second)
	p.sends("POST 1 ops say :x", "POST 1 ops say :x", "POST 1 ops say :x", "POST 1 ops say :x", "JOIN ops after=4")

	// A server that was started again takes us for a plain peer.
	p.recv("LIVE ops 4 1", "say WXYZ")
	if got := p.take(); len(got) != 1 || !wire.IsHello([]byte(got[0])) {
		t.Errorf("to a server that does not know us: sent %q", got)
	}
}

func TestQuit(t *testing.T) {
	p := joined(t, Config{})
	p.s.leave(p.now)
	p.sends("QUIT")
	p.wait(time.Second)
	if p.s.verdict != nil {
		t.Fatal("did not wait for BYE")
	}
	p.wait(time.Second)
	if _, final, err := p.s.cut(p.now, errLost); !final || err != nil {
		t.Errorf("after QUIT: final %v, %v", final, err)
	}
}
