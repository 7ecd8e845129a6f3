package jetstream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/chat"
	"parley/chat/wire"
)

// smallBlocks makes a server keep its messages in files of 32 kB.
const smallBlocks = 120_000

// stored makes a closed store of 200 messages in ten rooms, in two files.
func stored(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	l := open(t, Config{Store: dir, Bytes: smallBlocks})
	fill(t, l, 200)
	closeLog(t, l)
	if n, _ := blocks(dir); len(n) < 2 {
		t.Fatalf("block files %v, want two or more", n)
	}
	return dir
}

// storedIDs are the IDs of all messages of a log, by Seq.
func storedIDs(t *testing.T, l *Log) map[uint64]uint64 {
	t.Helper()
	rooms, err := l.Rooms(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[uint64]uint64)
	for room := range rooms {
		for _, m := range readAll(t, l, room) {
			ids[m.Seq] = m.ID
		}
	}
	return ids
}

func readAll(t *testing.T, l *Log, room string) (all []wire.Message) {
	t.Helper()
	q := chat.Query{Room: room}
	for more := true; more; {
		var page []wire.Message
		var err error
		if page, more, err = l.Read(testContext(t), q); err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) > 0 {
			q.After = page[len(page)-1].Seq
		}
	}
	return all
}

// edit changes a file.
func edit(t *testing.T, name string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(offset int) func([]byte) []byte {
	return func(b []byte) []byte {
		if offset < 0 {
			offset += len(b)
		}
		b[offset] ^= 0x10
		return b
	}
}

// TestDamage damages a store that was closed in order. Opening it must say what
// is gone and leave the files alone; with AcceptLoss it has all but that.
func TestDamage(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		says   string
		lost   []int // how many messages, at least and at most
	}{
		{"flipped bit", func(t *testing.T, dir string) { edit(t, blockFile(dir, 1), flip(10_000)) },
			"1 message that was stored is gone", []int{1, 1}},
		{"flipped bit in the last", func(t *testing.T, dir string) { edit(t, blockFile(dir, 2), flip(-20)) },
			"1 message that was stored is gone (200)", []int{1, 1}},
		{"flipped length", func(t *testing.T, dir string) { edit(t, blockFile(dir, 1), flip(2)) },
			"1 message that was stored is gone (1)", []int{1, 1}},
		{"cut", func(t *testing.T, dir string) {
			edit(t, blockFile(dir, 2), func(b []byte) []byte { return b[:len(b)-1000] })
		}, "messages that were stored are gone", []int{2, 6}},
		{"cut first file", func(t *testing.T, dir string) {
			edit(t, blockFile(dir, 1), func(b []byte) []byte { return b[:len(b)-1000] })
		}, "messages that were stored are gone", []int{2, 6}},
		{"zeros", func(t *testing.T, dir string) {
			edit(t, blockFile(dir, 1), func(b []byte) []byte { clear(b[8192:12288]); return b })
		}, "messages that were stored are gone", []int{10, 25}},
		{"first file deleted", func(t *testing.T, dir string) { remove(t, blockFile(dir, 1)) },
			"messages that were stored are gone (1 to ", []int{50, 150}},
		{"last file deleted", func(t *testing.T, dir string) { remove(t, blockFile(dir, 2)) },
			"messages that were stored are gone", []int{50, 150}},
		{"all deleted", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "jetstream")) },
			"200 messages that were stored are gone (1 to 200)", []int{200, 200}},
		{"description garbled", func(t *testing.T, dir string) {
			edit(t, metaFile(dir, "inf"), func([]byte) []byte { return []byte("{garbage") })
		}, "meta.inf is not as it was written", []int{0, 0}},
		{"description deleted", func(t *testing.T, dir string) { remove(t, metaFile(dir, "inf")) },
			"meta.inf is missing", []int{0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := stored(t)
			test.damage(t, dir)
			before := blockBytes(t, dir)
			_, err := Open(testContext(t), Config{Store: dir, Bytes: smallBlocks})
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(fmt.Sprint(err), test.says) || strings.Contains(fmt.Sprint(err), "\n") {
				t.Fatalf("Open: %v, want %v in one line with %q", err, ErrCorrupt, test.says)
			}
			if blockBytes(t, dir) != before {
				t.Fatal("Open has changed files that are damaged")
			}
			testAcceptLoss(t, dir, test.lost[0], test.lost[1])
		})
	}
}

// testAcceptLoss opens a damaged store, and again.
func testAcceptLoss(t *testing.T, dir string, least, most int) {
	l := open(t, Config{Store: dir, Bytes: smallBlocks, AcceptLoss: true, Log: testLogger(t)})
	left := storedIDs(t, l)
	if lost := 200 - len(left); lost < least || lost > most {
		t.Errorf("AcceptLoss: %d messages lost, want %d to %d", lost, least, most)
	}
	for seq, id := range left {
		if seq != id {
			t.Errorf("AcceptLoss: message %d is at %d, want it where it was", id, seq)
		}
	}
	if seq := post1(t, l, 1000); seq <= 200 {
		t.Errorf("AcceptLoss: the next message gets Seq %d, want a new one", seq)
	}
	closeLog(t, l)
	l = open(t, Config{Store: dir, Bytes: smallBlocks, Log: testLogger(t)})
	if again := storedIDs(t, l); len(again) != len(left)+1 {
		t.Errorf("the next opening: %d messages, want %d", len(again), len(left)+1)
	}
}

// post1 stores one message.
func post1(t *testing.T, l *Log, id uint64) uint64 {
	t.Helper()
	seq, err := appendWait(l, wire.Message{Room: "room-0", Name: "ada", Author: "0123456789ab", ID: id, Kind: wire.Say, Text: "one more"})
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return seq
}

func appendWait(l *Log, m wire.Message) (seq uint64, err error) {
	done := make(chan struct{})
	l.Append(m, func(s uint64, e error) {
		seq, err = s, e
		close(done)
	})
	<-done
	return seq, err
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}

// blockBytes are the contents of all block files.
func blockBytes(t *testing.T, dir string) string {
	var all []byte
	numbers, err := blocks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range numbers {
		b, err := os.ReadFile(blockFile(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return string(all)
}

// TestHarmless does to a store what loses nothing.
func TestHarmless(t *testing.T) {
	for _, test := range []struct {
		name string
		to   func(t *testing.T, dir string)
	}{
		{"index garbled", func(t *testing.T, dir string) {
			edit(t, filepath.Join(blockDir(dir), "index.db"), func(b []byte) []byte { return slices.Repeat([]byte("x"), len(b)) })
		}},
		{"index deleted", func(t *testing.T, dir string) { remove(t, filepath.Join(blockDir(dir), "index.db")) }},
		{"index cut", func(t *testing.T, dir string) {
			edit(t, filepath.Join(blockDir(dir), "index.db"), func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{"mark garbled", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "stored"), func([]byte) []byte { return []byte("garbage") })
		}},
		{"lock garbled", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "lock"), func([]byte) []byte { return []byte("garbage") })
		}},
		{"half a record at the end", func(t *testing.T, dir string) {
			edit(t, blockFile(dir, 2), func(b []byte) []byte { return append(b, b[:100]...) })
		}},
		{"zeros at the end", func(t *testing.T, dir string) {
			edit(t, blockFile(dir, 2), func(b []byte) []byte { return append(b, make([]byte, 4096)...) })
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := stored(t)
			test.to(t, dir)
			for range 2 {
				l := open(t, Config{Store: dir, Bytes: smallBlocks, Log: testLogger(t)})
				if ids := storedIDs(t, l); len(ids) != 200 {
					t.Errorf("%d messages, want 200", len(ids))
				}
				closeLog(t, l)
			}
		})
	}
}

// TestLimitsExplainGaps lets limits remove messages, and opens the store again.
func TestLimitsExplainGaps(t *testing.T) {
	dir := t.TempDir()
	c := Config{Store: dir, RoomMessages: 7, Log: testLogger(t)}
	l := open(t, c)
	for id := uint64(1); id <= 100; id++ {
		room := "busy"
		if id%10 == 0 {
			room = "quiet"
		}
		if _, err := appendWait(l, wire.Message{Room: room, Author: "a", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	want := storedIDs(t, l)
	closeLog(t, l)
	if len(want) != 14 {
		t.Errorf("%d messages within the limits, want 14", len(want))
	}
	for _, c.RoomMessages = range []int64{7, 9, 7} {
		l := open(t, c)
		if got := storedIDs(t, l); len(got) != len(want) {
			t.Errorf("opened again: %d messages, want %d", len(got), len(want))
		}
		closeLog(t, l)
	}
}

// TestBadPlaces opens stores where none can be.
func TestBadPlaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sealed := filepath.Join(t.TempDir(), "sealed")
	if err := os.Mkdir(sealed, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		sealed = "/proc/sys" // root may write anywhere else
	}
	for _, test := range []struct{ dir, says string }{
		{file, "not a directory"},
		{filepath.Join(file, "under"), "not a directory"},
		{sealed, ""},
		{filepath.Join(sealed, "under"), ""},
	} {
		_, err := Open(testContext(t), Config{Store: test.dir})
		if err == nil || !strings.Contains(err.Error(), test.dir) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%s): %v, want an error in one line with %q", test.dir, err, test.says)
		} else {
			t.Log(err)
		}
	}
}

// TestLocked opens a store twice.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Store: dir})
	_, err := Open(testContext(t), Config{Store: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open of an open store: %v, want %v with the directory and the pid", err, ErrLocked)
	}
	closeLog(t, l)
	closeLog(t, open(t, Config{Store: dir}))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Logf("the directory was there: %v", info.Mode())
	}
	made := filepath.Join(dir, "made", "here")
	closeLog(t, open(t, Config{Store: made}))
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a store's directory: %v, %v, want mode 0700", info.Mode(), err)
	}
}
