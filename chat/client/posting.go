package client

import (
	"strconv"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// A posting is what is said and not answered. The server takes the IDs in
// their order: what it does not take is sent again, and all that was sent after it.
//
//	     first                  cursor                nextID
//	───────┼───────────────────────┼─────────────────────┼────>
//	 taken │ sent, at most window  │ to be sent          │
//
// A post is done when we know what became of it, and taken when this server
// has said so. Between the two it holds its place: a server that was started again
// waits for its ID, whatever the log has.
type posting struct {
	posts   []post // from first to before nextID
	nextID  uint64
	unacked int // that are not done
	cursor  uint64
	settled bool // something was done since it was looked at

	// Of this connection.
	hold    time.Time     // when the server wants to be asked again; zero: now
	rewound time.Time     // when sending last went back for order
	orders  int           // how often in a row, without anything taken
	window  int           // how many may be sent and not acknowledged
	repeat  repeat        // of what was sent, on datagrams
	due     bool          // it has to be repeated
	trip    time.Duration // smoothed time to an acknowledgement
}

// A post is what was said in a room, or to somebody.
type post struct {
	id   uint64
	line wire.Line // of a post to home before that is known the room is missing
	room string    // "" to somebody
	text string
	home bool      // room is not known yet
	done bool      // acknowledged or refused; line is one that the server refuses
	took bool      // the server of this connection has answered for it
	sent time.Time // zero: never
	once bool      // it was sent once only
}

const (
	mostPosts   = 1 << 16
	firstWindow = 32 // on datagrams: grows with what is taken, shrinks with what is lost
	leastWindow = 8
	longHold    = time.Minute // the longest that a server may make us wait
)

func newPosting() posting { return posting{nextID: 1, cursor: 1} }

// first is the lowest ID that has not been taken.
func (p *posting) first() uint64 { return p.nextID - uint64(len(p.posts)) }

func (p *posting) disconnected() {
	for i := range p.posts {
		p.posts[i].took = p.posts[i].done
	}
	p.drop() // next= tells the server
	for i := range p.posts {
		p.posts[i].took = false
	}
	p.cursor, p.hold, p.rewound, p.orders = p.first(), time.Time{}, time.Time{}, 0
	p.window, p.repeat, p.due, p.trip = firstWindow, repeat{}, false, 0
}

// waits reports whether something that was posted to a room is not acknowledged.
func (p *posting) waits(room string) bool {
	if p.unacked == 0 {
		return false
	}
	for i := range p.posts {
		if !p.posts[i].done && p.posts[i].room == room {
			return true
		}
	}
	return false
}

// drop forgets what was taken, up to the first that was not.
func (p *posting) drop() {
	n := 0
	for n < len(p.posts) && p.posts[n].took {
		n++
	}
	clear(p.posts[:n])
	p.posts = p.posts[n:]
	if len(p.posts) == 0 {
		p.posts = nil
	}
	p.cursor = max(p.cursor, p.first())
}

// find returns a post that was sent and not taken, or nil.
func (p *posting) find(id uint64) *post {
	first := p.first()
	if id < first || id >= p.nextID {
		return nil
	}
	if q := &p.posts[id-first]; !q.took && !q.sent.IsZero() {
		return q
	}
	return nil
}

// post queues what a user says in a room, "" is home.
func (s *session) post(now time.Time, name string, kind wire.Kind, said string) (uint64, error) {
	name = cleanRoom(name, s.home)
	if r := s.room(name); name != "" && (r == nil || r.parting) {
		return 0, ErrNotJoined
	}
	if !kind.Valid() {
		kind = wire.Say
	}
	said = text.Clean(said)
	return s.queue(now, post{
		room: name,
		text: said,
		home: name == "",
		line: wire.Line{Verb: wire.VerbPost, Words: []string{"", name, string(kind)}, Text: said, HasText: true},
	})
}

// tell queues what a user says to somebody.
func (s *session) tell(now time.Time, name, said string) (uint64, error) {
	said = text.Clean(said)
	l := wire.Line{Verb: wire.VerbTell, Words: []string{"0", name}, Text: said, HasText: true}
	if err := l.Check(); err != nil && len(said) <= s.max {
		return 0, err
	}
	l.Words[0] = ""
	return s.queue(now, post{text: said, line: l})
}

func (s *session) queue(now time.Time, p post) (uint64, error) {
	q := &s.posting
	switch {
	case s.closing:
		return 0, ErrEnded
	case p.text == "":
		return 0, ErrEmpty
	case len(p.text) > s.max:
		return 0, ErrTooLong
	case len(q.posts) >= mostPosts:
		return 0, ErrBacklogged
	}
	p.id = q.nextID
	p.line.Words[0] = strconv.FormatUint(p.id, 10)
	q.posts = append(q.posts, p)
	q.nextID++
	q.unacked++
	s.settle(now)
	return p.id, nil
}

// name gives the posts to home their room, now that it is known.
func (p *posting) name(home string) {
	for i := range p.posts {
		if q := &p.posts[i]; q.home {
			q.home, q.room, q.line.Words[1] = false, home, home
		}
	}
}

// sendPosts sends what may be sent. On each connection nothing is posted until
// every room is live, since some of it may be among what comes then.
func (s *session) sendPosts(now time.Time) {
	q := &s.posting
	if !s.resumed || now.Before(q.hold) {
		return
	}
	if q.due {
		q.due = false
		q.back(q.first())
	}
	window := uint64(wire.Window)
	if s.cfg.Datagram {
		window = uint64(q.window)
	}
	first, sent := q.first(), false
	for q.cursor < q.nextID && q.cursor-first < window && len(s.out) < outForPosts {
		p := &q.posts[q.cursor-first]
		if !p.took {
			if r := s.room(p.room); r != nil && !r.live {
				break
			}
			s.send(p.line)
			p.once = p.sent.IsZero()
			p.sent = now
			sent = true
		}
		q.cursor++
	}
	if sent && q.repeat.at.IsZero() {
		q.repeat.sent(now, s.cfg.Datagram)
	}
}

// back makes id the next to be sent.
func (p *posting) back(id uint64) {
	p.cursor = max(min(p.cursor, id), p.first())
	p.repeat.at = time.Time{}
}

func (s *session) nextPost() time.Time {
	q := &s.posting
	if len(q.posts) == 0 || !s.resumed {
		return time.Time{}
	}
	if !q.hold.IsZero() {
		return q.hold
	}
	return q.repeat.at
}

// tick repeats what was not acknowledged in time.
func (p *posting) tick(now time.Time) {
	if due(now, p.hold) {
		p.hold = time.Time{}
	}
	if p.hold.IsZero() && due(now, p.repeat.at) {
		p.due = true
		p.repeat.at = time.Time{}
		p.window = max(p.window/2, leastWindow)
	}
}

// saw takes a stored message: it acknowledges our own.
func (s *session) saw(m wire.Message) {
	if m.Author != s.self {
		return
	}
	if p := s.posting.find(m.ID); p != nil {
		s.deliver(p, m.Seq)
	}
}

func (s *session) onAck(now time.Time, l wire.Line) {
	id, err := l.Number(0)
	seq, err2 := l.Number(1)
	q := &s.posting
	p := q.find(id)
	if err != nil || err2 != nil || p == nil {
		return
	}
	if p.once {
		q.measure(now.Sub(p.sent))
	}
	s.deliver(p, seq)
	q.taken(now, p, s.cfg.Datagram)
	q.window = min(q.window+1, wire.Window)
}

func (s *session) deliver(p *post, seq uint64) {
	if !p.done {
		s.emit(Delivered{ID: p.id, Seq: seq, Room: p.room})
		s.posting.done(p)
	}
}

// done notes that it is known what became of a post. From now on its line is
// one without a text, which a server refuses without doing anything.
func (p *posting) done(q *post) {
	q.done, q.text, q.line.Text = true, "", ""
	p.unacked--
	p.settled = true
}

// taken notes that the server has answered for a post.
func (p *posting) taken(now time.Time, q *post, datagram bool) {
	q.took = true
	p.orders = 0
	p.drop()
	p.repeat = repeat{}
	if p.cursor > p.first() {
		p.repeat.sent(now, datagram)
	}
}

// measure smooths the time to an acknowledgement.
func (p *posting) measure(trip time.Duration) {
	if p.trip == 0 {
		p.trip = trip
	}
	p.trip += (trip - p.trip) / 8
}

func (s *session) onNak(now time.Time, l wire.Line) {
	n, err := wire.ParseNak(l)
	q := &s.posting
	p := q.find(n.ID)
	if err != nil || p == nil {
		return
	}
	n.Code, n.Text = text.Clean(n.Code), text.Clean(n.Text)
	switch {
	case n.Code == wire.CodeUnproved && s.cfg.Datagram:
		s.strange(now)
	case !n.Again:
		if !p.done {
			s.emit(Refused{ID: n.ID, Room: p.room, Code: n.Code, Text: n.Text, Posted: p.text})
			q.done(p)
		}
		q.taken(now, p, s.cfg.Datagram)
	case n.ID >= q.cursor:
		// About an earlier sending: it is to be sent again already.
	case n.Code == wire.CodeOrder:
		q.reorder(now, n.Retry)
	default:
		q.back(n.ID)
		q.wait(now, n.Retry)
		if !p.done {
			s.emit(Delayed{ID: n.ID, Code: n.Code, Text: n.Text, Retry: n.Retry})
		}
	}
}

// reorder goes back to what the server waits for. Of all that was sent after
// something that was lost each is refused: going back once is enough for as long as
// answers to the first sending may come.
func (p *posting) reorder(now time.Time, retry time.Duration) {
	if !p.rewound.IsZero() && now.Sub(p.rewound) < p.tripTime() {
		return
	}
	p.rewound = now
	p.orders++
	p.window = max(p.window/2, leastWindow)
	p.back(p.first())
	if p.orders > 3 { // it does not help: not so fast
		retry = max(retry, min(firstRepeat<<min(p.orders-3, 4), longRepeat))
	}
	p.wait(now, retry)
}

// tripTime is how long answers to what was sent may still come.
func (p *posting) tripTime() time.Duration {
	return min(max(p.trip*5/4, 10*time.Millisecond), time.Second)
}

// wait posts nothing for a while.
func (p *posting) wait(now time.Time, d time.Duration) {
	if at := now.Add(min(d, longHold)); d > 0 && at.After(p.hold) {
		p.hold = at
	}
}
