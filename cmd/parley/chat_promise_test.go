package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/chat/client"
	"parley/chat/wire"
)

// The size of TestChatPromise. PARLEY_PROMISE_ROUNDS makes it longer.
const (
	promiseRounds  = 6   // kills of the server
	promiseSenders = 8   // at once
	promisePosts   = 400 // of each
)

// TestChatPromise holds chat to its promise: what was acknowledged is never lost
// and never doubled. Senders post as fast as they are let, while the server is killed
// at random moments and started again on its store. In the end the history has
// every acknowledged message once, at the place it was acknowledged with, in the order in
// which its sender posted, and a reader that was there all the time was shown the same.
func TestChatPromise(t *testing.T) {
	if testing.Short() {
		t.Skip("kills servers for some seconds")
	}
	rounds := promiseRounds
	if n, err := strconv.Atoi(os.Getenv("PARLEY_PROMISE_ROUNDS")); err == nil {
		rounds = n
	}
	p := newPromise(t, rounds)
	p.start()
	reader := p.join("reader")
	senders := make([]*promised, promiseSenders)
	for i := range senders {
		senders[i] = p.join("sender" + strconv.Itoa(i))
	}
	var posting sync.WaitGroup
	for _, s := range senders {
		posting.Go(func() { s.post(promisePosts * rounds / promiseRounds) })
	}
	posted := make(chan struct{})
	go func() { posting.Wait(); close(posted) }()
	p.killAndRestart(posted)
	<-posted
	for _, s := range senders {
		s.flush()
	}
	history := p.history()
	for _, s := range senders {
		s.compare(history)
	}
	reader.saw(history)
	t.Logf("%d messages, %d kills", len(history), p.kills)
}

// A promise is a server that is killed, and what its clients know.
type promise struct {
	t      *testing.T
	rounds int
	store  string
	addr   string // the same after each start
	server *exec.Cmd
	acks   atomic.Int64
	acked  chan struct{} // of 1: acks has grown
	kills  int
}

func newPromise(t *testing.T, rounds int) *promise {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return &promise{t: t, rounds: rounds, store: t.TempDir(), addr: l.Addr().String(), acked: make(chan struct{}, 1)}
}

// start starts the server and waits until it listens.
func (p *promise) start() {
	p.t.Helper()
	cmd := exec.Command("parley", "serve", "-q", "chat?flood=0&count=0&store="+p.store+"@tcp://"+p.addr)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.server = cmd
	p.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening ") {
		p.t.Fatalf("the server said %q (%v) in place of where it listens", line, err)
	}
}

// killAndRestart kills the server after random numbers of acknowledgements, until
// all is posted or the rounds are over.
func (p *promise) killAndRestart(posted <-chan struct{}) {
	share := int64(promiseSenders * promisePosts / promiseRounds)
	next := int64(0)
	for range p.rounds {
		next = p.acks.Load() + 1 + rand.Int64N(share)
		for p.acks.Load() < next {
			select {
			case <-p.acked:
			case <-posted:
				return
			case <-time.After(testPatience):
				p.t.Errorf("no acknowledgement for %v, after %d", testPatience, p.acks.Load())
				return
			}
		}
		p.server.Process.Kill()
		p.server.Wait()
		p.kills++
		p.start()
	}
}

// promised is a client and what it was told.
type promised struct {
	p    *promise
	name string
	c    *client.Client

	mu    sync.Mutex // guards what follows
	self  string
	acks  map[uint64]uint64 // ID to Seq
	texts map[uint64]string // by ID
	shown []wire.Message
	grown chan struct{} // of 1: shown has grown
	bad   []string
}

// join starts a client and waits until it is in the room.
func (p *promise) join(name string) *promised {
	p.t.Helper()
	s := &promised{p: p, name: name, acks: make(map[uint64]uint64), texts: make(map[uint64]string), grown: make(chan struct{}, 1)}
	s.c = client.New(client.Config{
		Dial:  func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", p.addr) },
		Name:  name,
		Rooms: []string{"ops"},
		Past:  -1,
	})
	ctx, cancel := context.WithCancel(context.Background())
	joined, done := make(chan struct{}), make(chan struct{})
	go s.c.Run(ctx)
	go s.listen(joined, done)
	p.t.Cleanup(func() { cancel(); <-done })
	select {
	case <-joined:
	case <-time.After(testPatience):
		p.t.Fatalf("%s is not in the room after %v", name, testPatience)
	}
	return s
}

// listen takes events until the client has ended.
func (s *promised) listen(joined, done chan<- struct{}) {
	defer close(done)
	for e := range s.c.Events() {
		s.mu.Lock()
		switch e := e.(type) {
		case client.Connected:
			s.self = e.Self
		case client.Joined:
			if joined != nil {
				close(joined)
				joined = nil
			}
		case client.Delivered:
			if old, ok := s.acks[e.ID]; ok {
				s.bad = append(s.bad, fmt.Sprintf("%s: %d was acknowledged twice, as %d and %d", s.name, e.ID, old, e.Seq))
			}
			s.acks[e.ID] = e.Seq
			s.p.acks.Add(1)
			signal1(s.p.acked)
		case client.Refused:
			s.bad = append(s.bad, fmt.Sprintf("%s: %d was refused: %s %s", s.name, e.ID, e.Code, e.Text))
		case client.Message:
			s.shown = append(s.shown, e.Message)
			signal1(s.grown)
		}
		s.mu.Unlock()
	}
}

// signal1 wakes who waits on a channel of one.
func signal1(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *promised) post(n int) {
	for i := range n {
		text := fmt.Sprintf("%s says %d", s.name, i)
		id, err := s.c.PostWait(context.Background(), "ops", wire.Say, text)
		if err != nil {
			s.p.t.Errorf("%s: post %d: %v", s.name, i, err)
			return
		}
		s.mu.Lock()
		s.texts[id] = text
		s.mu.Unlock()
	}
}

func (s *promised) flush() {
	s.p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if err := s.c.Flush(ctx); err != nil {
		s.p.t.Fatalf("%s: flush: %v; %d are not acknowledged", s.name, err, s.c.Unacknowledged())
	}
}

// history is what `parley chat export` tells.
func (p *promise) history() []wire.Message {
	p.t.Helper()
	cmd := exec.Command("parley", "chat", "export", "tcp://"+p.addr, "--room", "ops", "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("export: %v", err)
	}
	var all []wire.Message
	for line := range strings.Lines(string(out)) {
		var m struct {
			Seq, ID            uint64
			Author, Name, Text string
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			p.t.Fatalf("export: %q: %v", line, err)
		}
		all = append(all, wire.Message{Seq: m.Seq, ID: m.ID, Author: m.Author, Name: m.Name, Text: m.Text})
	}
	return all
}

// compare holds the history against what this client posted and was told.
func (s *promised) compare(history []wire.Message) {
	s.p.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.bad {
		s.p.t.Error(text)
	}
	found := make(map[uint64]uint64)
	last := uint64(0)
	for _, m := range history {
		if m.Author != s.self {
			continue
		}
		if at, ok := found[m.ID]; ok {
			s.p.t.Errorf("%s: %d is there twice, at %d and %d", s.name, m.ID, at, m.Seq)
		}
		found[m.ID] = m.Seq
		if m.Text != s.texts[m.ID] {
			s.p.t.Errorf("%s: %d is %q, posted was %q", s.name, m.ID, m.Text, s.texts[m.ID])
		}
		if m.ID != last+1 {
			s.p.t.Errorf("%s: %d comes after %d", s.name, m.ID, last)
		}
		last = m.ID
	}
	if len(found) != len(s.texts) {
		s.p.t.Errorf("%s: posted %d, %d are there", s.name, len(s.texts), len(found))
	}
	for id, seq := range s.acks {
		if found[id] != seq {
			s.p.t.Errorf("%s: %d was acknowledged at %d and is at %d", s.name, id, seq, found[id])
		}
	}
	if len(s.acks) != len(s.texts) {
		s.p.t.Errorf("%s: posted %d, %d were acknowledged", s.name, len(s.texts), len(s.acks))
	}
}

// saw holds what this client was shown against the history.
func (s *promised) saw(history []wire.Message) {
	s.p.t.Helper()
	late := time.After(testPatience)
	for {
		s.mu.Lock()
		n := len(s.shown)
		s.mu.Unlock()
		if n >= len(history) {
			break
		}
		select {
		case <-s.grown:
		case <-late:
			s.p.t.Errorf("%s was shown %d messages of %d", s.name, n, len(history))
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.shown {
		if i >= len(history) || m.Seq != history[i].Seq || m.Text != history[i].Text {
			s.p.t.Errorf("%s: message %d shown is %d %q, not what the history has", s.name, i, m.Seq, m.Text)
			return
		}
	}
}
