package chat_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
	"parley/chat/text"
	"parley/chat/wire"
	"parley/endpoint"
)

// A union joins hubs in one process: a log that each follows, and a directory.
// Each of its methods takes some time.
type union struct {
	log fakeLog

	mu    sync.Mutex // guards what follows
	names map[string]claim
	ends  []*end
}

type claim struct {
	p  chat.Presence
	by *end
}

// An end is what one hub has of a union.
type end struct {
	u       *union
	deliver func(wire.Message)
	on      chat.Elsewhere
}

func newUnion(t testing.TB) *union {
	u := &union{names: make(map[string]claim)}
	t.Cleanup(u.log.working.Wait)
	u.log.Follow(context.Background(), func(m wire.Message) {
		for _, e := range u.all() {
			e.deliver(m)
		}
	})
	return u
}

func (u *union) all() []*end {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*end(nil), u.ends...)
}

func (u *union) end() *end {
	e := &end{u: u}
	u.ends = append(u.ends, e)
	return e
}

// others calls f for the other ends.
func (e *end) others(f func(chat.Elsewhere)) {
	for _, o := range e.u.all() {
		if o != e {
			f(o.on)
		}
	}
}

// An endLog and an endDirectory are an end's two sides.
type (
	endLog       struct{ *end }
	endDirectory struct{ *end }
)

func (l endLog) Append(m wire.Message, done func(uint64, error)) { l.u.log.Append(m, done) }
func (l endLog) Read(ctx context.Context, q chat.Query) ([]wire.Message, bool, error) {
	return l.u.log.Read(ctx, q)
}
func (l endLog) Last(ctx context.Context, room string) (uint64, error) {
	return l.u.log.Last(ctx, room)
}
func (l endLog) Rooms(ctx context.Context) (map[string]uint64, error) { return l.u.log.Rooms(ctx) }
func (l endLog) Follow(_ context.Context, deliver func(wire.Message)) error {
	l.deliver = deliver
	return nil
}

func (d endDirectory) Claim(_ context.Context, p chat.Presence) error {
	time.Sleep(time.Millisecond)
	d.u.mu.Lock()
	if c, ok := d.u.names[text.Fold(p.Name)]; ok && c.p.Author != p.Author {
		d.u.mu.Unlock()
		return chat.ErrNameTaken
	}
	was := ""
	for fold, c := range d.u.names {
		if c.p.Author == p.Author {
			was = c.p.Name
			delete(d.u.names, fold)
		}
	}
	d.u.names[text.Fold(p.Name)] = claim{p, d.end}
	d.u.mu.Unlock()
	if was == p.Name {
		was = ""
	}
	d.others(func(on chat.Elsewhere) { on.Present(p, was) })
	return nil
}

func (d endDirectory) Update(_ context.Context, p chat.Presence) error {
	time.Sleep(time.Millisecond)
	d.others(func(on chat.Elsewhere) { on.Present(p, "") })
	return nil
}

func (d endDirectory) Release(_ context.Context, p chat.Presence, why string) error {
	time.Sleep(time.Millisecond)
	d.u.mu.Lock()
	delete(d.u.names, text.Fold(p.Name))
	d.u.mu.Unlock()
	d.others(func(on chat.Elsewhere) { on.Absent(p, why) })
	return nil
}

func (d endDirectory) Tell(_ context.Context, to string, p chat.Private) error {
	time.Sleep(time.Millisecond)
	d.u.mu.Lock()
	c, ok := d.u.names[text.Fold(to)]
	d.u.mu.Unlock()
	if !ok {
		return chat.ErrNobody
	}
	return c.by.on.Told(to, p)
}

func (d endDirectory) Follow(_ context.Context, on chat.Elsewhere) error {
	d.on = on
	return nil
}

// TestNameLost has a name given away at another hub, as when this one was cut off
// for long.
func TestNameLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnion(t)
		e, f := u.end(), u.end()
		at := func(name string) string { return endpoint.Endpoint{Scheme: "mem", Path: t.Name() + name}.String() }
		r := serve(t, &chat.Hub{Log: endLog{e}, Directory: endDirectory{e}}, at("1"))
		s := serve(t, &chat.Hub{Log: endLog{f}, Directory: endDirectory{f}}, at("2"))
		a := r.client("ada")
		a.say("JOIN lobby")
		a.want("LIVE lobby 0 1")
		u.mu.Lock()
		delete(u.names, text.Fold("ada")) // given up for dead
		u.mu.Unlock()
		s.srv.Close() // the other hub knows no ada
		f.on.Absent(chat.Presence{Name: "ada", Author: self("ada")}, "lost")
		e.on.Present(chat.Presence{Name: "Ada", Author: "0123456789ab", Rooms: []string{"lobby"}}, "")
		a.want("HERE lobby Ada", "NAMED ada guest-1", "~NOTE :somebody else was given the name ada .*")
		a.say("WHO lobby")
		a.want("WHO lobby Ada guest-1", "END WHO lobby 2")
	})
}

// TestTwoHubs lets people at two hubs of one log meet.
func TestTwoHubs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnion(t)
		u.log.delay = 5 * time.Millisecond
		e, f := u.end(), u.end()
		at := func(name string) string { return endpoint.Endpoint{Scheme: "mem", Path: t.Name() + name}.String() }
		r := serve(t, &chat.Hub{Log: endLog{e}, Directory: endDirectory{e}}, at("1"))
		s := serve(t, &chat.Hub{Log: endLog{f}, Directory: endDirectory{f}}, at("2"))
		a, g := r.client("ada"), s.plain("g")
		a.say("JOIN lobby", "POST 1 lobby say :hi")
		a.want("LIVE lobby 0 2", "~MSG lobby 1 0 .*", "ACK 1 1")
		g.want("* ada joined", "ada: hi")
		g.say("/who", "/msg ada psst", "/nick Ada", "/msg eve x", "/nick bob", "hello")
		g.want("* 2 in lobby:", "* ada, guest-1", "* ada is taken", "* not sent: nobody is called eve", "* guest-1 is now bob")
		a.want("~TOLD .* guest-1 .* :psst", "NAMED guest-1 bob", "~MSG lobby 2 1 .* bob .* :hello")
		h := r.plain("h")
		a.want("HERE lobby guest-1")
		g.want("* guest-1 joined") // else the other hub may hear of the end only
		h.say("/join ops")
		h.want("* you are in ops, 1 here")
		a.want("GONE lobby guest-1 :left")
		g.want("* guest-1 left")
		// The next guest, wherever it comes, has another number.
		i := s.plain("i")
		i.say("/nick")
		g.want("* guest-2 joined")
		a.want("HERE lobby guest-2")
		a.say("ROOMS")
		a.want("ROOM lobby 3 2", "ROOM ops 1 0", "END ROOMS 2")
		// A client whose hub is cut off comes back at the other.
		a2 := s.dial("a2")
		a2.say("PARLEY 1 token="+token("ada")+" name=ada next=2", "JOIN lobby after=0")
		a2.want("~PARLEY 1 name=ada .* next=2 .*", "~MSG lobby 1 .*", "~MSG lobby 2 .*", "~LIVE lobby 2 .*")
		a.want("BYE :resumed")
		a.wantEnd()
		g.want("* ada left", "* ada joined")
		g.say("q")
		g.wantEnd()
		for line := ""; line != "GONE lobby bob :left"; {
			line = a2.line()
		}
		r.end()
		a2.say("WHO lobby")
		a2.want("WHO lobby ada guest-2", "END WHO lobby 2")
	})
}
