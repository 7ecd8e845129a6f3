// Package logtest tests a [chat.Log] against what the interface promises.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/chat"
	"parley/chat/wire"
)

// Test runs all tests. open makes an empty log for each, which it closes by
// t.Cleanup.
func Test(t *testing.T, open func(t *testing.T) chat.Log) {
	for _, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"Append", testAppend},
		{"Repeats", testRepeats},
		{"RepeatsTogether", testRepeatsTogether},
		{"Fields", testFields},
		{"Follow", testFollow},
		{"FollowFromNow", testFollowFromNow},
		{"FollowEnds", testFollowEnds},
		{"Concurrent", testConcurrent},
		{"ReadBounds", testReadBounds},
		{"ReadSince", testReadSince},
		{"ReadLast", testReadLast},
		{"ReadSparse", testReadSparse},
		{"ReadPages", testReadPages},
		{"ReadBytes", testReadBytes},
		{"Empty", testEmpty},
		{"Rooms", testRooms},
		{"Canceled", testCanceled},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&rig{T: t, log: open(t)}) })
	}
}

// patience is how long a log may take for anything.
const patience = 20 * time.Second

// A rig is one test with its log.
type rig struct {
	*testing.T
	log chat.Log
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.Cleanup(cancel)
	return ctx
}

// A result is what Append told.
type result struct {
	seq uint64
	err error
}

// append appends m and returns where its result comes.
func (r *rig) append(m wire.Message) <-chan result {
	ch := make(chan result, 2) // a second call would be seen by wait
	r.log.Append(m, func(seq uint64, err error) { ch <- result{seq, err} })
	return ch
}

// wait is the Seq that Append told.
func (r *rig) wait(ch <-chan result) uint64 {
	r.Helper()
	select {
	case got := <-ch:
		if got.err != nil {
			r.Fatalf("Append: error %v", got.err)
		}
		return got.seq
	case <-time.After(patience):
		r.Fatal("Append: done was not called")
	}
	return 0
}

// post stores messages from id 1 on in a room and returns their Seqs.
func (r *rig) post(room string, n int) []uint64 {
	r.Helper()
	var waits []<-chan result
	for i := range n {
		waits = append(waits, r.append(message(room, uint64(i+1))))
	}
	var seqs []uint64
	for _, ch := range waits {
		seqs = append(seqs, r.wait(ch))
	}
	return seqs
}

// message is a message of the room's own author.
func message(room string, id uint64) wire.Message {
	return wire.Message{Room: room, Name: "ada", Author: "a" + room, ID: id, Kind: wire.Say, Text: fmt.Sprintf("%s %d", room, id)}
}

// read is one page.
func (r *rig) read(q chat.Query) ([]wire.Message, bool) {
	r.Helper()
	page, more, err := r.log.Read(r.ctx(), q)
	if err != nil {
		r.Fatalf("Read(%+v): %v", q, err)
	}
	return page, more
}

// wantIDs fails unless a page has these messages.
func (r *rig) wantIDs(q chat.Query, more bool, ids ...uint64) {
	r.Helper()
	page, got := r.read(q)
	var have []uint64
	for _, m := range page {
		have = append(have, m.ID)
	}
	if !slices.Equal(have, ids) || got != more {
		r.Errorf("Read(%+v): messages %v, more %t, want %v, %t", q, have, got, ids, more)
	}
}

func testAppend(r *rig) {
	seqs := r.post("lobby", 20)
	for i := 1; i < len(seqs); i++ {
		if seqs[i] <= seqs[i-1] {
			r.Fatalf("Append in order: Seqs %v, want each larger than the one before", seqs)
		}
	}
	if seqs[0] == 0 {
		r.Error("Append: Seq 0, which is before the first")
	}
}

func testRepeats(r *rig) {
	first := r.post("lobby", 3)
	again := r.post("lobby", 3)
	if !slices.Equal(first, again) {
		r.Errorf("Append of the same: Seqs %v, want those of the first time %v", again, first)
	}
	r.wantIDs(chat.Query{Room: "lobby"}, false, 1, 2, 3)
	other := message("lobby", 2)
	other.Author = "somebody"
	if seq := r.wait(r.append(other)); seq <= first[2] {
		r.Errorf("Append of another author's ID: Seq %d, want one after %d", seq, first[2])
	}
}

// testRepeatsTogether appends new and old ones at once.
func testRepeatsTogether(r *rig) {
	first := r.post("lobby", 10)
	var waits []<-chan result
	for id := uint64(5); id <= 60; id++ {
		waits = append(waits, r.append(message("lobby", id)), r.append(message("lobby", id)))
	}
	var last uint64
	for i, ch := range waits {
		seq := r.wait(ch)
		if id := i/2 + 5; id <= 10 && seq != first[id-1] {
			r.Errorf("Append of ID %d again: Seq %d, want %d", id, seq, first[id-1])
		}
		if i%2 == 1 && seq != last {
			r.Errorf("Append of ID %d twice: Seqs %d and %d, want the same", i/2+5, last, seq)
		}
		last = seq
	}
	var ids []uint64
	for id := uint64(1); id <= 60; id++ {
		ids = append(ids, id)
	}
	r.wantIDs(chat.Query{Room: "lobby"}, false, ids...)
}

func testFields(r *rig) {
	want := wire.Message{Room: "büro-2.a_b", Name: "Zoë", Author: "0123456789ab", ID: 1 << 60, Kind: wire.Me,
		Text: "a\tb <&> \"q\" \\ \u202e " + strings.Repeat("é", 100)}
	before := time.Now().Truncate(time.Millisecond)
	want.Seq = r.wait(r.append(want))
	after := time.Now()
	page, _ := r.read(chat.Query{Room: want.Room})
	if len(page) != 1 {
		r.Fatalf("Read: %d messages, want 1", len(page))
	}
	got := page[0]
	if got.Time.Before(before) || got.Time.After(after) || got.Time.Nanosecond()%1e6 != 0 {
		r.Errorf("Time: %v, want between %v and %v in milliseconds", got.Time, before, after)
	}
	want.Time = got.Time
	if got != want {
		r.Errorf("Read: %+v, want %+v", got, want)
	}
	longest := message("lobby", 1)
	longest.Text = strings.Repeat("x", wire.MaxText)
	r.wait(r.append(longest))
	if page, _ := r.read(chat.Query{Room: "lobby"}); len(page) != 1 || page[0].Text != longest.Text {
		r.Error("Read of the longest text: not what was appended")
	}
}

// A listener follows a log.
type listener struct {
	r      *rig
	cancel context.CancelFunc

	mu   sync.Mutex
	got  []wire.Message
	more chan struct{}
}

func (r *rig) follow() *listener {
	r.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.Cleanup(cancel)
	f := &listener{r: r, cancel: cancel, more: make(chan struct{}, 1)}
	if err := r.log.Follow(ctx, f.deliver); err != nil {
		r.Fatalf("Follow: %v", err)
	}
	return f
}

func (f *listener) deliver(m wire.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, m)
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// wait is what was delivered, once there are n.
func (f *listener) wait(n int) []wire.Message {
	f.r.Helper()
	timeout := time.After(patience)
	for {
		f.mu.Lock()
		got := slices.Clone(f.got)
		f.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-f.more:
		case <-timeout:
			f.r.Fatalf("Follow: %d messages delivered, want %d", len(got), n)
		}
	}
}

func testFollow(r *rig) {
	f := r.follow()
	r.post("lobby", 5)
	r.post("ops", 5)
	r.post("lobby", 6) // five of them are stored already
	got := f.wait(11)
	stored := make(map[string][]wire.Message)
	for _, room := range []string{"lobby", "ops"} {
		stored[room], _ = r.read(chat.Query{Room: room})
	}
	var last uint64
	for i, m := range got {
		if m.Seq <= last {
			r.Errorf("Follow: Seq %d after %d", m.Seq, last)
		}
		last = m.Seq
		rest := stored[m.Room]
		if len(rest) == 0 || rest[0] != m {
			r.Fatalf("Follow: message %d is %+v, want what Read has", i, m)
		}
		stored[m.Room] = rest[1:]
	}
	if len(got) != 11 || len(stored["lobby"])+len(stored["ops"]) > 0 {
		r.Errorf("Follow: %d messages, want 11", len(got))
	}
}

func testFollowFromNow(r *rig) {
	r.post("lobby", 3)
	f := r.follow()
	m := message("lobby", 4)
	r.wait(r.append(m))
	if got := f.wait(1); got[0].ID != 4 {
		r.Errorf("Follow: ID %d first, want 4, the first after", got[0].ID)
	}
}

func testFollowEnds(r *rig) {
	f := r.follow()
	r.post("lobby", 1)
	f.wait(1)
	f.cancel()
	r.post("lobby", 2)
	r.wantIDs(chat.Query{Room: "lobby"}, false, 1, 2)
}

// testConcurrent appends from many goroutines, each waiting for its own.
func testConcurrent(r *rig) {
	const senders, each = 20, 25
	f := r.follow()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			room := fmt.Sprintf("room-%d", s%5)
			var last uint64
			for id := uint64(1); id <= each; id++ {
				m := message(room, id)
				m.Author = fmt.Sprintf("sender%d", s)
				select {
				case got := <-r.append(m):
					if got.err != nil || got.seq <= last {
						r.Errorf("Append: Seq %d, error %v, want one after %d", got.seq, got.err, last)
						return
					}
					last = got.seq
				case <-time.After(patience):
					r.Error("Append: done was not called")
					return
				}
			}
		})
	}
	wg.Wait()
	if r.Failed() {
		return
	}
	next := make(map[string]uint64)
	var last uint64
	for _, m := range f.wait(senders * each) {
		if m.Seq <= last || m.ID != next[m.Author]+1 {
			r.Fatalf("Follow: %s.%d at %d, want ID %d after Seq %d", m.Author, m.ID, m.Seq, next[m.Author]+1, last)
		}
		last = m.Seq
		next[m.Author] = m.ID
	}
}

func testReadBounds(r *rig) {
	s := r.post("lobby", 6)
	q := chat.Query{Room: "lobby"}
	r.wantIDs(q, false, 1, 2, 3, 4, 5, 6)
	q.After = s[1]
	r.wantIDs(q, false, 3, 4, 5, 6)
	q.Before = s[5]
	r.wantIDs(q, false, 3, 4, 5)
	q.After = 0
	r.wantIDs(q, false, 1, 2, 3, 4, 5)
	q.Limit = 2
	r.wantIDs(q, true, 1, 2)
	q.Limit = 5
	r.wantIDs(q, false, 1, 2, 3, 4, 5)
	r.wantIDs(chat.Query{Room: "lobby", After: s[5]}, false)
	r.wantIDs(chat.Query{Room: "lobby", Before: s[0]}, false)
	r.wantIDs(chat.Query{Room: "lobby", Before: s[5] + 1000}, false, 1, 2, 3, 4, 5, 6)
	r.wantIDs(chat.Query{Room: "lobby", After: s[3], Before: s[3]}, false)
}

func testReadSince(r *rig) {
	r.post("lobby", 3)
	middle := r.tick()
	r.wait(r.append(message("lobby", 4)))
	r.wait(r.append(message("lobby", 5)))
	r.wantIDs(chat.Query{Room: "lobby", Since: middle}, false, 4, 5)
	r.wantIDs(chat.Query{Room: "lobby", Since: middle, Limit: 1}, true, 4)
	r.wantIDs(chat.Query{Room: "lobby", Since: middle.Add(-time.Hour)}, false, 1, 2, 3, 4, 5)
	r.wantIDs(chat.Query{Room: "lobby", Since: time.Now().Add(time.Hour)}, false)
	r.wantIDs(chat.Query{Room: "lobby", Since: middle, Last: 1}, false, 5)
	r.wantIDs(chat.Query{Room: "lobby", Since: middle, Last: 9}, false, 4, 5)
}

// tick waits for the next millisecond, so that messages are before or after it.
func (r *rig) tick() time.Time {
	start := time.Now().Truncate(time.Millisecond)
	for time.Now().Truncate(time.Millisecond).Equal(start) {
	}
	return time.Now().Truncate(time.Millisecond)
}

func testReadLast(r *rig) {
	s := r.post("lobby", 10)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3}, false, 8, 9, 10)
	r.wantIDs(chat.Query{Room: "lobby", Last: 1}, false, 10)
	r.wantIDs(chat.Query{Room: "lobby", Last: 10}, false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	r.wantIDs(chat.Query{Room: "lobby", Last: 99}, false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3, Before: s[5]}, false, 3, 4, 5)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3, Before: s[5], After: s[3]}, false, 5)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3, After: s[8]}, false, 10)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3, After: s[9]}, false)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3, Limit: 2}, true, 8, 9)
	r.wantIDs(chat.Query{Room: "lobby", Last: 3, Limit: 2, After: s[8]}, false, 10)
}

// testReadSparse looks for the last of a room whose messages are unevenly spread
// among others.
func testReadSparse(r *rig) {
	var want []uint64
	id := uint64(0)
	for burst := range 6 {
		r.post(fmt.Sprintf("other-%d", burst), 10*burst*burst)
		for range burst + 1 {
			id++
			r.wait(r.append(message("rare", id)))
			want = append(want, id)
		}
	}
	for n := 1; n <= len(want); n++ {
		r.wantIDs(chat.Query{Room: "rare", Last: n}, false, want[len(want)-n:]...)
	}
	page, _ := r.read(chat.Query{Room: "rare"})
	for i := range page {
		r.wantIDs(chat.Query{Room: "rare", Last: 4, Before: page[i].Seq}, false, want[max(i-4, 0):i]...)
	}
}

// testReadPages reads a long room page by page.
func testReadPages(r *rig) {
	const n = 1300
	r.post("lobby", n)
	q := chat.Query{Room: "lobby"}
	var got []wire.Message
	for pages := 1; ; pages++ {
		page, more := r.read(q)
		if len(page) > chat.PageMessages {
			r.Fatalf("Read: %d messages in a page, want at most %d", len(page), chat.PageMessages)
		}
		got = append(got, page...)
		if !more {
			break
		}
		if len(page) == 0 || pages > n {
			r.Fatal("Read: an empty page with more to come")
		}
		q.After = page[len(page)-1].Seq
	}
	for i, m := range got {
		if m.ID != uint64(i+1) {
			r.Fatalf("Read: message %d has ID %d, want %d", i, m.ID, i+1)
		}
	}
	if len(got) != n {
		r.Errorf("Read: %d messages in all pages, want %d", len(got), n)
	}
	q = chat.Query{Room: "lobby", Last: chat.PageMessages + 100, Limit: 2000}
	page, more := r.read(q)
	if len(page) != chat.PageMessages || !more || page[0].ID != n-chat.PageMessages-99 {
		r.Errorf("Read of more than a page from the end: %d messages, more %t, want %d from ID %d, true", len(page), more, chat.PageMessages, n-chat.PageMessages-99)
	}
	q.After = page[len(page)-1].Seq
	page, more = r.read(q)
	if len(page) != 100 || more || page[99].ID != n {
		r.Errorf("Read of the rest: %d messages, more %t, want 100", len(page), more)
	}
}

// testReadBytes reads texts that fill a page before their number does.
func testReadBytes(r *rig) {
	const n = 40
	for id := uint64(1); id <= n; id++ {
		m := message("lobby", id)
		m.Text = strings.Repeat("x", wire.MaxText)
		r.wait(r.append(m))
	}
	const fits = chat.PageBytes / wire.MaxText
	page, more := r.read(chat.Query{Room: "lobby"})
	if len(page) != fits || !more {
		r.Errorf("Read of long texts: %d messages, more %t, want %d, true", len(page), more, fits)
	}
	page, more = r.read(chat.Query{Room: "lobby", After: page[len(page)-1].Seq, Limit: 3})
	if len(page) != 3 || page[0].ID != fits+1 || !more {
		r.Errorf("Read of the next: %d messages, more %t, want 3, true", len(page), more)
	}
	r.wantIDs(chat.Query{Room: "lobby", Last: 2}, false, n-1, n)
}

func testEmpty(r *rig) {
	r.wantIDs(chat.Query{Room: "lobby"}, false)
	r.wantIDs(chat.Query{Room: "lobby", Last: 5}, false)
	r.wantIDs(chat.Query{Room: "lobby", Since: time.Now()}, false)
	if seq, err := r.log.Last(r.ctx(), "lobby"); seq != 0 || err != nil {
		r.Errorf("Last of an empty room: %d, %v, want 0", seq, err)
	}
	if rooms, err := r.log.Rooms(r.ctx()); len(rooms) != 0 || err != nil {
		r.Errorf("Rooms of an empty log: %v, %v, want none", rooms, err)
	}
}

func testRooms(r *rig) {
	want := make(map[string]uint64)
	for _, room := range []string{"lobby", "ops", "日本", "a.b", "a_b", "=41"} {
		seqs := r.post(room, 3)
		want[room] = seqs[2]
		if seq, err := r.log.Last(r.ctx(), room); seq != seqs[2] || err != nil {
			r.Errorf("Last(%q): %d, %v, want %d", room, seq, err, seqs[2])
		}
	}
	rooms, err := r.log.Rooms(r.ctx())
	if err != nil || len(rooms) != len(want) {
		r.Fatalf("Rooms: %v, %v, want %v", rooms, err, want)
	}
	for room, seq := range rooms {
		if seq != 0 && seq != want[room] {
			r.Errorf("Rooms: %q at %d, want %d or 0", room, seq, want[room])
		}
	}
}

func testCanceled(r *rig) {
	r.post("lobby", 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := r.log.Read(ctx, chat.Query{Room: "lobby"}); err != nil && !errors.Is(err, context.Canceled) {
		r.Errorf("Read with its context canceled: %v, want a page or %v", err, context.Canceled)
	}
}
