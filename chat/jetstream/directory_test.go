package jetstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
)

func startTwo(t *testing.T) (a, b *testHub) {
	url := startNATS(t, t.TempDir(), -1).ClientURL()
	return startHub(t, url), startHub(t, url)
}

func TestDirectoryPresence(t *testing.T) {
	a, b := startTwo(t)
	a.claim("Ada", "aa", "ops", "lobby")
	b.await(t, "claim", b.called(`present Ada aa [lobby ops] was ""`))
	b.claimFails("Ada", "bb")
	b.claimFails("ADA", "bb") // compared by text.Fold
	b.claim("Grace", "bb")
	a.await(t, "claim", a.called(`present Grace bb [] was ""`))

	a.Update(context.Background(), chat.Presence{Name: "Ada", Author: "aa", Rooms: []string{"ops"}})
	b.await(t, "update", b.called(`present Ada aa [ops] was ""`))
	a.claim("Countess", "aa", "ops")
	b.await(t, "rename", b.called(`present Countess aa [ops] was "Ada"`))
	b.claim("ada", "cc")
	a.await(t, "claim of a free name", a.called(`present ada cc [] was ""`))

	a.release("Countess", "aa", "idle")
	b.await(t, "release", b.called(`absent Countess aa idle`))
	b.claim("countess", "dd")
	if err := a.Update(context.Background(), chat.Presence{Name: "Countess", Author: "aa"}); !errors.Is(err, chat.ErrNobody) {
		t.Errorf("update of a released name: got %v, want %v", err, chat.ErrNobody)
	}
	a.await(t, "all", a.has("bb", "cc", "dd"))
	b.await(t, "all", b.has())
}

func TestDirectoryFollowReportsWhoIsThere(t *testing.T) {
	url := startNATS(t, t.TempDir(), -1).ClientURL()
	a := startHub(t, url)
	for i := range 300 {
		a.claim(fmt.Sprintf("p%d", i), fmt.Sprintf("author%d", i), "lobby")
	}
	a.release("p7", "author7", "left")
	b := startHub(t, url)
	if got := len(b.present); got != 299 { // nothing to await: Follow has returned
		t.Errorf("present when Follow returns: %d, want 299", got)
	}
}

// Names with anything that Fold leaves in them are keys, each one of its own.
func TestDirectoryKeys(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a.b", "a=b", "a-b", "a_b", "a=2Eb", "ночь", "日本", "a b", "a*", ">", ".", "guest-3"} {
		key := nameKey(name)
		if other, twice := seen[key]; twice {
			t.Errorf("nameKey(%q) = %s, as that of %q", name, key, other)
		}
		seen[key] = name
		for _, c := range []byte(key[len(nameKeys):]) {
			if !plain(c) && c != '=' && (c < 'A' || c > 'Z') {
				t.Errorf("nameKey(%q) = %s, with %q in it", name, key, c)
			}
		}
	}
}

func TestDirectoryRaceForName(t *testing.T) {
	a, b := startTwo(t)
	for round := range 10 {
		name := fmt.Sprintf("ada%d", round)
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				h := []*testHub{a, b}[i%2]
				err := h.Claim(context.Background(), chat.Presence{Name: name, Author: fmt.Sprint(round, "-", i)})
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, chat.ErrNameTaken):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%s: %d of 50 claims won, want 1", name, won.Load())
		}
	}
}

func TestDirectoryTakeoverAfterDeath(t *testing.T) {
	url := startNATS(t, t.TempDir(), -1).ClientURL()
	a, b, c := startHub(t, url), startHub(t, url), startHub(t, url)
	a.claim("ada", "aa", "ops")
	a.claim("bob", "bb", "ops")
	b.await(t, "claims", b.has("aa", "bb"))
	c.await(t, "claims", c.has("aa", "bb"))
	a.die()
	b.claimFails("ada", "cc")
	b.claim("ada", "aa") // a client may come back at once, to another hub
	b.await(t, "move", b.called("absent ada aa moved"))
	b.await(t, "loss", b.called("absent bob bb lost"))
	c.await(t, "loss", c.called("absent bob bb lost"))
	c.claim("bob", "cc")
	b.await(t, "takeover", b.called(`present bob cc [] was ""`))
	c.await(t, "move", c.has("aa"))

	late := startHub(t, url)
	if !late.has("aa", "cc")() {
		t.Errorf("a hub that comes later is told %v, want aa and cc", late.present)
	}
}

// A hub that was cut off for long enough finds some of its names taken, and has
// the others again.
func TestDirectoryReturn(t *testing.T) {
	s := startNATS(t, t.TempDir(), -1)
	gate := startGate(t, s.ClientURL())
	a, b := startHub(t, "nats://"+gate.addr()), startHub(t, s.ClientURL())
	for _, name := range []string{"ada", "bob", "eve", "kim"} {
		a.claim(name, "a-"+name, "ops")
	}
	b.await(t, "claims", b.has("a-ada", "a-bob", "a-eve", "a-kim"))
	gate.shut()
	b.await(t, "loss", b.has())
	b.claim("bob", "b-bob")
	b.claim("eve", "a-eve") // the same person
	b.claim("kimono", "a-kim")
	if err := a.Claim(timeout(t, 300*time.Millisecond), chat.Presence{Name: "zoe", Author: "a-zoe"}); err == nil || errors.Is(err, chat.ErrNameTaken) {
		t.Errorf("claim while cut off: got %v, want another error", err)
	}
	gate.open()
	a.await(t, "the taken name", a.called(`present bob b-bob [] was ""`))
	a.await(t, "the person who moved", a.called(`present eve a-eve [] was ""`))
	a.await(t, "the person who moved to another name", a.called(`present kimono a-kim [] was "kim"`))
	b.await(t, "the name that nobody took", b.has("a-ada"))
	eventually(t, "the name of who moved", func() bool {
		return b.Claim(context.Background(), chat.Presence{Name: "kim", Author: "kk"}) == nil
	})
	b.claim("kim", "kk") // given back for who moved
	b.claimFails("ada", "kk")
	b.claim("zoe", "zz")
	a.await(t, "all", a.has("b-bob", "a-eve", "a-kim", "kk", "zz"))
}

// After a restart of the server everybody has the name that they had, and what changed
// meanwhile is known. Somebody may seem to have left for a moment.
func TestDirectoryServerRestart(t *testing.T) {
	dir := t.TempDir()
	s := startNATS(t, dir, -1)
	url, port := s.ClientURL(), s.Addr().(*net.TCPAddr).Port
	a, b := startHub(t, url), startHub(t, url)
	a.claim("ada", "aa", "ops")
	b.claim("bob", "bb")
	a.await(t, "claim", a.has("bb"))
	b.await(t, "claim", b.has("aa"))
	stopServer(s)
	a.Update(context.Background(), chat.Presence{Name: "ada", Author: "aa", Rooms: []string{"den"}})
	startNATS(t, dir, port)
	b.await(t, "change during the restart", b.called(`present ada aa [den] was ""`))
	eventually(t, "claim", func() bool {
		return b.Claim(context.Background(), chat.Presence{Name: "cat", Author: "cc"}) == nil
	})
	a.await(t, "claim", a.has("bb", "cc"))
	b.await(t, "everybody", b.has("aa"))
}

// A bucket that is lost is made again, and has the names that it had.
func TestDirectoryBucketLost(t *testing.T) {
	s := startNATS(t, t.TempDir(), -1)
	url, port := s.ClientURL(), s.Addr().(*net.TCPAddr).Port
	a, b := startHub(t, url), startHub(t, url)
	a.claim("ada", "aa", "ops")
	b.claim("bob", "bb")
	a.await(t, "claim", a.has("bb"))
	stopServer(s)
	startNATS(t, t.TempDir(), port)
	b.await(t, "return", func() bool { return len(b.calls) > 2 && b.has("aa")() })
	a.await(t, "return", func() bool { return len(a.calls) > 2 && a.has("bb")() })
	a.claimFails("bob", "cc")
}

// A write to a bucket where nobody answers, as while a leader is elected, goes on
// as long as it may, and then says what it was.
func TestDirectoryBucketSilent(t *testing.T) {
	s := startNATS(t, t.TempDir(), -1)
	js, err := natsjs.New(connectNATS(t, s.ClientURL()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	_, err = (&bucket{js: js}).write(ctx, "name", presence{Hub: "hub"}, 0)
	if !errors.Is(err, natsjs.ErrNoStreamResponse) || ctx.Err() == nil {
		t.Errorf("got %v, with time left: %v", err, ctx.Err() == nil)
	}
}

// eventually calls ok until it is true, for what no event tells of.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

func TestDirectoryTell(t *testing.T) {
	a, b := startTwo(t)
	a.names["Ada"], b.names["bob"] = true, true
	a.claim("Ada", "aa")
	b.claim("bob", "bb")
	tell := func(h *testHub, to, text string) error {
		return h.Tell(context.Background(), to, chat.Private{Name: "x", Author: "xx", ID: 1, Text: text})
	}
	for i := range 20 { // though what they know of each other may be late
		if err := errors.Join(tell(a, "bob", fmt.Sprint(i)), tell(b, "Ada", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.private) != 20 || len(b.private) != 20 || b.private[3] != "x to bob: 3" {
		t.Errorf("told %q and %q", a.private, b.private)
	}
	b.claim("carl", "cc") // whom the hub does not know, so it says
	for _, nobody := range []string{"nobody", "carl"} {
		if err := tell(a, nobody, ""); !errors.Is(err, chat.ErrNobody) {
			t.Errorf("tell %s: got %v, want %v", nobody, err, chat.ErrNobody)
		}
	}
	a.tellFor = 300 * time.Millisecond // in case the server does not know yet
	b.die()
	if err := tell(a, "bob", ""); !errors.Is(err, chat.ErrNobody) {
		t.Errorf("tell one whose hub has died: got %v, want %v", err, chat.ErrNobody)
	}
}

// A hub may use the directory in what the directory calls.
func TestDirectoryCalledBack(t *testing.T) {
	a, b := startTwo(t)
	a.claim("ada", "aa")
	b.await(t, "claim", b.has("aa"))
	a.then = func(chat.Presence) {
		a.release("ada", "aa", "left")
		a.claim("guest-1", "aa")
	}
	b.claim("bob", "bb")
	a.await(t, "claim", a.has("bb"))
	b.await(t, "claim in the call", b.called(`present guest-1 aa [] was ""`))
}

func TestDirectoryClose(t *testing.T) {
	a, b := startTwo(t)
	for i := range 40 {
		a.claim(fmt.Sprintf("p%d", i), fmt.Sprintf("author%d", i))
	}
	b.await(t, "claims", func() bool { return len(b.present) == 40 })
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b.claim("p7", "bb") // at once
	b.await(t, "close", b.has())
	if err := a.Claim(context.Background(), chat.Presence{Name: "p", Author: "p"}); err == nil {
		t.Error("claim after Close: got no error")
	}
}

// Many changes of rooms are few writes.
func TestDirectoryUpdateStorm(t *testing.T) {
	a, b := startTwo(t)
	a.coalesce = 100 * time.Millisecond // before there is anything to write
	a.claim("ada", "aa")
	b.await(t, "claim", b.has("aa"))
	n := 0
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); n++ {
		a.Update(context.Background(), chat.Presence{Name: "ada", Author: "aa", Rooms: []string{fmt.Sprint(n)}})
	}
	b.await(t, "last", b.called(fmt.Sprintf(`present ada aa [%d] was ""`, n-1)))
	if len(b.calls) > 8 {
		t.Errorf("%d calls for %d changes in 0.3 s, want at most 8", len(b.calls), n)
	}
}

// What a hub has in the bucket and does not know of, it erases; it is stored by a
// claim that had already failed.
func TestDirectoryOrphan(t *testing.T) {
	a, b := startTwo(t)
	stray := presence{Hub: a.id, Name: "ada", Author: "aa"}
	if _, err := b.bucket.write(context.Background(), nameKey("ada"), stray, 0); err != nil {
		t.Fatal(err)
	}
	b.awaitErased(nameKey("ada"))
}

// What a lost hub leaves is erased, and so is what a hub that ends leaves.
func TestDirectoryEstate(t *testing.T) {
	a, b := startTwo(t)
	a.claim("ada", "aa")
	b.await(t, "claim", b.has("aa"))
	a.die()
	b.await(t, "loss", b.called("absent ada aa lost"))
	b.awaitErased(nameKey("ada"))
	b.awaitErased(hubKey(a.id))
}

// awaitErased waits until the bucket has nothing under key.
func (h *testHub) awaitErased(key string) {
	h.t.Helper()
	eventually(h.t, key+" to be erased", func() bool {
		c, err := h.bucket.look(context.Background(), key)
		return err == nil && c.erased
	})
}

// Over whose names who may write.
func TestDirectoryMayTake(t *testing.T) {
	d := newDirectory(nil, nil, 1, nil)
	d.others.beat("living", 1)
	d.others.bye("dead")
	for _, test := range []struct {
		hub, author   string
		himself, want bool
	}{
		{"living", "other", true, false},
		{"living", "me", true, true},   // who has come here
		{"living", "me", false, false}, // who has gone there
		{"dead", "other", true, true},
		{"dead", "me", false, true},
		{"not heard of yet", "other", true, false},
		{d.id, "other", true, true}, // of a claim that failed
	} {
		got := d.mayTake(&change{presence: presence{Hub: test.hub, Author: test.author}}, "me", test.himself)
		if got != test.want {
			t.Errorf("mayTake from %s of %s, himself %t: got %t", test.hub, test.author, test.himself, got)
		}
	}
}

// Who comes to another hub is there, though the one before is writing his rooms.
func TestDirectoryMoveDuringUpdate(t *testing.T) {
	hubs := [2]*testHub{}
	hubs[0], hubs[1] = startTwo(t)
	for i := range 100 {
		from, to := hubs[i%2], hubs[(i+1)%2]
		from.claim("ada", "aa")
		from.Update(context.Background(), chat.Presence{Name: "ada", Author: "aa", Rooms: []string{fmt.Sprint(i)}})
		done := make(chan error, 1)
		go func() { done <- from.refresh(context.Background(), nameKey("ada")) }()
		to.claim("ada", "aa", "here")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		from.await(t, "move", func() bool { return slices.Equal(from.present["aa"].Rooms, []string{"here"}) })
		to.await(t, "move", to.has())
		if c, err := to.bucket.look(context.Background(), nameKey("ada")); err != nil || c.erased || c.Hub != to.id {
			t.Fatalf("move %d: the bucket has %+v, %v", i, c, err)
		}
	}
}

// After random operations at three hubs each knows of the others what those
// have.
func TestDirectoryReplicas(t *testing.T) {
	url := startNATS(t, t.TempDir(), -1).ClientURL()
	hubs := []*testHub{startHub(t, url), startHub(t, url), startHub(t, url)}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for i, h := range hubs {
		wg.Go(func() { randomOperations(h, rand.New(rand.NewPCG(seed, uint64(i))), 300) })
	}
	wg.Wait()
	for i, h := range hubs {
		others := slices.Delete(slices.Clone(hubs), i, i+1)
		eventually(t, fmt.Sprintf("equality of hub %d", i), func() bool { // it depends on all of them
			h.replica.mu.Lock()
			defer h.replica.mu.Unlock()
			return maps.EqualFunc(h.present, has(others), same)
		})
	}
}

// has is who is present at hubs, by author.
func has(hubs []*testHub) map[string]chat.Presence {
	all := map[string]chat.Presence{}
	for _, h := range hubs {
		h.Directory.mu.Lock()
		for author, key := range h.authors {
			all[author] = h.mine[key].chat()
		}
		h.Directory.mu.Unlock()
	}
	return all
}

func same(a, b chat.Presence) bool { return a.Name == b.Name && slices.Equal(a.Rooms, b.Rooms) }

func randomOperations(h *testHub, r *rand.Rand, n int) {
	ctx := context.Background()
	for range n {
		p := chat.Presence{Name: fmt.Sprintf("n%d", r.IntN(12)), Author: fmt.Sprintf("a%d", r.IntN(12))}
		for range r.IntN(3) {
			p.Rooms = append(p.Rooms, fmt.Sprintf("r%d", r.IntN(5)))
		}
		switch r.IntN(4) {
		case 0, 1:
			if err := h.Claim(ctx, p); err != nil && !errors.Is(err, chat.ErrNameTaken) {
				h.t.Error(err)
			}
		case 2:
			h.Update(ctx, p)
		case 3:
			h.Release(ctx, p, "left")
		}
	}
}

func timeout(t testing.TB, long time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	t.Cleanup(cancel)
	return ctx
}
