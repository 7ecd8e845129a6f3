package jetstream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/chat/wire"
)

// While nodes of a cluster are killed under load, what was acknowledged is kept,
// once, and everybody sees the same order.
func TestClusterLosesNode(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	c := startCluster(t)
	a, b := openFollowed(t, c), openFollowed(t, c)
	if a.Replicas() != 3 || b.Replicas() != 3 {
		t.Fatalf("replicas: %d and %d, want 3", a.Replicas(), b.Replicas())
	}
	ada, bob := clusterHub(t, a.Log), clusterHub(t, b.Log)
	ada.claim("ada", "aa", "ops")

	posts := startPosts([]*followedLog{a, b}, 8)
	for _, round := range []struct {
		name  string
		leads bool // the stream
		ours  bool // the logs' own server
	}{{"the leader, whose clients the logs are", true, true}, {"a follower", false, false}, {"the leader, whose clients others are", true, false}} {
		posts.await(t, 200)
		n := c.find(streamName, func(n *clusterNode, leader string) bool {
			return (n.Name == leader) == round.leads && (!round.leads || a.isAt(n) == round.ours)
		})
		from := posts.mark()
		c.kill(n)
		posts.await(t, 200)
		to := posts.mark() // not yet restarted: two nodes of three go on
		c.start(n)
		posts.await(t, 200)
		t.Logf("killed %s: nothing was acknowledged for %v", round.name, posts.stall(from, to))
	}
	for _, stream := range []string{streamName, bucketStream} {
		c.find(stream, func(n *clusterNode, leader string) bool { return true })
	}
	posts.stop()
	t.Logf("%d posts, %d tries failed", len(posts.acked), posts.failed)

	stored := readAll(t, a.Log, "ops")
	posts.check(t, stored)
	a.check(t, stored)
	b.check(t, stored)

	bob.claimFails("ada", "bb")
	bob.claim("bob", "bb")
	ada.await(t, "claim", ada.has("bb"))
	for _, call := range bob.calls {
		if strings.HasPrefix(call, "absent") {
			t.Errorf("the directory reported %s", call)
		}
	}
}

// Two processes' logs on one server deliver the same.
func TestTwoLogsOneOrder(t *testing.T) {
	s := startNATS(t, t.TempDir(), -1)
	a, b := openFollowedAt(t, s.ClientURL()), openFollowedAt(t, s.ClientURL())
	posts := startPosts([]*followedLog{a, b}, 16)
	posts.await(t, 5000)
	posts.stop()
	stored := readAll(t, b.Log, "ops")
	posts.check(t, stored)
	a.check(t, stored)
	b.check(t, stored)
}

// A followedLog is a log with what Follow has delivered.
type followedLog struct {
	*Log

	mu        sync.Mutex
	delivered []wire.Message
	changed   chan struct{}
}

func openFollowed(t testing.TB, c *cluster) *followedLog { return openFollowedAt(t, c.url()) }

func openFollowedAt(t testing.TB, url string) *followedLog {
	t.Helper()
	l := &followedLog{Log: open(t, Config{URL: url, Timeout: 3 * time.Second, RoomMessages: -1, Log: testLogger(t)}), changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	if err := l.Follow(ctx, l.deliver); err != nil {
		t.Fatal(err)
	}
	return l
}

// isAt reports whether n is the server that the log is connected to.
func (l *followedLog) isAt(n *clusterNode) bool {
	nc, _ := l.conn()
	return nc.ConnectedServerName() == n.Name
}

func (l *followedLog) deliver(m wire.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delivered = append(l.delivered, m)
	poke(l.changed)
}

// check waits until all that is stored was delivered, and compares.
func (l *followedLog) check(t testing.TB, stored []wire.Message) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		n := len(l.delivered)
		l.mu.Unlock()
		if n >= len(stored) {
			break
		}
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("Follow delivered %d of %d in time", n, len(stored))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range l.delivered {
		if i >= len(stored) || m != stored[i] {
			t.Fatalf("Follow: message %d of %d is %+v, stored are %d: %+v", i, len(l.delivered), m, len(stored), stored[min(i, len(stored)-1)])
		}
	}
}

// clusterHub is a hub with the directory of a log, with its own times.
func clusterHub(t testing.TB, l *Log) *testHub {
	t.Helper()
	h := &testHub{l.Directory().(*Directory), newReplica(), t, nil}
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	t.Cleanup(h.stop)
	if err := h.Follow(ctx, h.elsewhere()); err != nil {
		t.Fatal(err)
	}
	return h
}

// posts are writers that each post, and post again under the same ID until that
// is acknowledged.
type posts struct {
	quit chan struct{}
	wg   sync.WaitGroup

	mu      sync.Mutex
	acked   map[string]uint64 // Seq, by Author and ID
	times   []time.Time       // of acknowledgements
	failed  int
	changed chan struct{}
}

func startPosts(logs []*followedLog, writers int) *posts {
	p := &posts{quit: make(chan struct{}), acked: map[string]uint64{}, changed: make(chan struct{}, 1)}
	for i := range writers {
		p.wg.Go(func() { p.write(logs[i%len(logs)].Log, fmt.Sprintf("%012x", i), 1+3*(i%4)) })
	}
	return p
}

// write posts so many at a time, until quit.
func (p *posts) write(l *Log, author string, window int) {
	for id := uint64(1); ; id += uint64(window) {
		select {
		case <-p.quit:
			return
		default:
		}
		var round []wire.Message
		for i := range window {
			round = append(round, wire.Message{Room: "ops", Name: "ada", Author: author, ID: id + uint64(i), Kind: wire.Say, Text: "it works"})
		}
		for len(round) > 0 {
			if round = p.try(l, round); len(round) > 0 {
				wait(context.Background(), 100*time.Millisecond) // as a client is told to
			}
		}
	}
}

// try posts messages, waits, and returns those that are not acknowledged.
func (p *posts) try(l *Log, round []wire.Message) (again []wire.Message) {
	errs := make([]error, len(round))
	var wg sync.WaitGroup
	wg.Add(len(round))
	for i, m := range round {
		l.Append(m, func(seq uint64, err error) {
			defer wg.Done()
			errs[i] = err
			p.done(&m, seq, err)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			again = append(again, round[i])
		}
	}
	return again
}

func (p *posts) done(m *wire.Message, seq uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed++
		return
	}
	p.acked[messageID(m)] = seq
	p.times = append(p.times, time.Now())
	poke(p.changed)
}

// await waits for n more acknowledgements.
func (p *posts) await(t testing.TB, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for goal := p.mark() + n; p.mark() < goal; {
		select {
		case <-p.changed:
		case <-deadline:
			t.Fatalf("nothing is acknowledged any more")
		}
	}
}

// mark is how many are acknowledged.
func (p *posts) mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.times)
}

// stall is the longest time between two acknowledgements.
func (p *posts) stall(from, to int) (longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := max(from, 1); i < to; i++ {
		longest = max(longest, p.times[i].Sub(p.times[i-1]))
	}
	return longest.Round(time.Millisecond)
}

func (p *posts) stop() {
	close(p.quit)
	p.wg.Wait()
}

// check compares what was acknowledged with what is stored.
func (p *posts) check(t testing.TB, stored []wire.Message) {
	t.Helper()
	seen := map[string]bool{}
	for i, m := range stored {
		id := messageID(&m)
		if seen[id] {
			t.Errorf("%s is stored twice", id)
		}
		seen[id] = true
		if p.acked[id] != m.Seq {
			t.Errorf("%s is stored at %d, and acknowledged at %d", id, m.Seq, p.acked[id])
		}
		if i > 0 && stored[i-1].Seq >= m.Seq {
			t.Errorf("message %d comes after %d", m.Seq, stored[i-1].Seq)
		}
	}
	for id, seq := range p.acked {
		if !seen[id] {
			t.Errorf("%s was acknowledged at %d and is not stored", id, seq)
		}
	}
	if len(stored) == 0 || !slices.IsSortedFunc(stored, func(a, b wire.Message) int { return int(a.Seq) - int(b.Seq) }) {
		t.Error("nothing is stored, or in no order")
	}
}
