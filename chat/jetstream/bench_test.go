package jetstream

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"parley/chat/wire"
)

// BenchmarkDurablePost posts to an embedded store in the directory of temporary
// files ($TMPDIR), which ought to be on a disk: senders that each wait for the
// acknowledgement before the next, with group commit and without.
func BenchmarkDurablePost(b *testing.B) {
	for _, senders := range []int{1, 100} {
		for _, grouped := range []bool{true, false} {
			b.Run(fmt.Sprintf("senders=%d/grouped=%t", senders, grouped), func(b *testing.B) {
				l := open(b, Config{Store: b.TempDir()})
				l.link.Load().atomic = grouped
				postAll(b, l, senders)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
			})
		}
	}
}

// postAll posts b.N messages from senders that wait for each of theirs.
func postAll(b *testing.B, l *Log, senders int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for s := range senders {
		wg.Go(func() {
			m := wire.Message{Room: fmt.Sprintf("room-%d", s%10), Name: "ada", Author: fmt.Sprintf("%012x", s), Kind: wire.Say,
				Text: "a line of about sixty characters, as people write them in a chat"}
			done := make(chan error, 1)
			for next.Add(1) <= int64(b.N) {
				m.ID++
				l.Append(m, func(_ uint64, err error) { done <- err })
				if err := <-done; err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}

// BenchmarkSync is what the disk takes to make 300 bytes safe: the floor under a
// post that waits alone.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	line := make([]byte, 300)
	for b.Loop() {
		if _, err := f.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens and closes a store of ten thousand messages.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l := open(b, Config{Store: dir})
	fill(b, l, 10_000)
	closeLog(b, l)
	for b.Loop() {
		closeLog(b, open(b, Config{Store: dir}))
	}
}

// fill stores n messages in ten rooms, all from one author.
func fill(t testing.TB, l *Log, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for id := range n {
		wg.Add(1)
		l.Append(wire.Message{Room: fmt.Sprintf("room-%d", id%10), Name: "ada", Author: "0123456789ab", ID: uint64(id + 1), Kind: wire.Say,
			Text: "a line of about sixty characters, as people write them in a chat"},
			func(_ uint64, err error) {
				if err != nil {
					t.Error(err)
				}
				wg.Done()
			})
	}
	wg.Wait()
}

// BenchmarkReadLast reads the last 50 of one room among ten.
func BenchmarkReadLast(b *testing.B) {
	l := open(b, Config{Store: b.TempDir()})
	fill(b, l, 10_000)
	for b.Loop() {
		page, _, err := l.Read(b.Context(), chatQuery("room-3", 50))
		if err != nil || len(page) != 50 {
			b.Fatalf("Read: %d messages, %v", len(page), err)
		}
	}
}
