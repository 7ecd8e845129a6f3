package jetstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"parley/chat/wire"
)

// childStore is set for a process that TestKill starts: the store it appends to.
const childStore = "PARLEY_TEST_CHILD_STORE"

// killSenders is how many senders a child has; each waits for the acknowledgement
// of a post before the next.
const killSenders = 50

// childMain appends until it is killed, and prints what was acknowledged: "author
// id seq" a line.
func childMain(dir string) int {
	l, err := Open(context.Background(), Config{Store: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	firstID, err := strconv.ParseUint(os.Getenv(childStore+"_ID"), 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var mu sync.Mutex // writes to standard output
	var wg sync.WaitGroup
	for s := range killSenders {
		wg.Go(func() {
			m := wire.Message{Room: fmt.Sprintf("room-%d", s%7), Author: fmt.Sprintf("%012x", s), ID: firstID, Kind: wire.Say, Text: "said before the end"}
			for ; ; m.ID++ {
				seq, err := appendWait(l, m)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("%s %d %d\n", m.Author, m.ID, seq)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return 0
}

// killRound appends in a child process, kills it after a while, and returns what
// it had acknowledged, by author and ID.
func killRound(t *testing.T, dir string, firstID uint64, after time.Duration, acked map[string]uint64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childStore+"="+dir, childStore+"_ID="+fmt.Sprint(firstID))
	child.Stderr = t.Output()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill := func() { once.Do(func() { child.Process.Kill() }) }
	defer kill()
	var timer *time.Timer
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if timer == nil { // the time runs from the first acknowledgement
			timer = time.AfterFunc(after, kill)
			defer timer.Stop()
		}
		var author string
		var id, seq uint64
		if n, _ := fmt.Sscan(lines.Text(), &author, &id, &seq); n == 3 {
			acked[fmt.Sprintf("%s.%d", author, id)] = seq
		}
	}
	if timer == nil {
		t.Error("the child acknowledged nothing")
	}
	child.Wait()
}

// TestKill kills a process that appends, at random moments, and looks for
// everything it had acknowledged: each must be there, where it was said to be, and
// once. Ten rounds, or as many as PARLEY_KILL_ROUNDS says.
func TestKill(t *testing.T) {
	rounds := 10
	if s := os.Getenv("PARLEY_KILL_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	acked := make(map[string]uint64)
	for round := range rounds {
		before := len(acked)
		// Each round repeats some of what the one before has posted, acknowledged or
		// not, as clients do that come back.
		killRound(t, dir, uint64(1+round*10), time.Duration(rand.IntN(700))*time.Millisecond, acked)
		l := open(t, Config{Store: dir, Log: testLogger(t)})
		seen := make(map[string]uint64)
		for room := range 7 {
			for _, m := range readAll(t, l, fmt.Sprintf("room-%d", room)) {
				id := messageID(&m)
				if seen[id] != 0 {
					t.Errorf("round %d: %s is stored twice, at %d and %d", round, id, seen[id], m.Seq)
				}
				seen[id] = m.Seq
			}
		}
		for id, seq := range acked {
			if seen[id] != seq {
				t.Errorf("round %d: %s was acknowledged at %d, and is at %d", round, id, seq, seen[id])
			}
		}
		closeLog(t, l)
		t.Logf("round %d: %d acknowledged in it, %d in all, %d stored", round, len(acked)-before, len(acked), len(seen))
	}
}

// TestDamageAfterKill cuts off the last that a killed process had acknowledged.
func TestDamageAfterKill(t *testing.T) {
	dir := t.TempDir()
	acked := make(map[string]uint64)
	killRound(t, dir, 1, 50*time.Millisecond, acked)
	var last uint64
	for _, seq := range acked {
		last = max(last, seq)
	}
	s, err := surveyFiles(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, blockFile(dir, 1), func(b []byte) []byte {
		for range s.last - last + 1 { // what was not acknowledged, and one more
			_, kept := lastRecord(b)
			b = b[:kept]
		}
		return b
	})
	_, err = Open(testContext(t), Config{Store: dir})
	// The process may have acknowledged more than what it still could say.
	want := regexp.MustCompile(fmt.Sprintf(`that (was|were) stored (is|are) gone \(%d( to [0-9]+)?\)`, last))
	if !errors.Is(err, ErrCorrupt) || !want.MatchString(err.Error()) {
		t.Errorf("Open: %v, want %v: %v", err, ErrCorrupt, want)
	}
}

// lastRecord is the sequence of the last whole record in b, and where it begins.
func lastRecord(b []byte) (seq uint64, start int) {
	h := blockHash(streamName, 1)
	for at := 0; at < len(b); {
		r, n := parseRecord(b[at:], h)
		if n == 0 {
			break
		}
		seq, start = r.seq, at
		at += n
	}
	return seq, start
}
