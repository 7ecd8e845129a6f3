package jetstream

import (
	"testing"
	"time"
)

// FuzzScanBlock scans garbage, alone and between records.
func FuzzScanBlock(f *testing.F) {
	h := blockHash(streamName, 1)
	f.Add([]byte("garbage"))
	f.Add(append([]byte("parley.chat.room.x and so on"), make([]byte, 40)...))
	f.Add(appendTomb(nil, h, 3, time.Unix(1, 0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		covered := 0
		scanBlock(b, h, 0, func(r blockRecord) { covered += len(r.raw) }, func(bad badBytes) { covered += bad.length })
		if covered != len(b) {
			t.Fatalf("%d bytes of %d are covered", covered, len(b))
		}
		tomb := appendTomb(nil, h, 7, time.Unix(1, 0))
		var seqs []uint64
		scanBlock(append(tomb, b...), h, 0, func(r blockRecord) { seqs = append(seqs, r.seq) }, func(badBytes) {})
		if len(seqs) == 0 || seqs[0] != 7 {
			t.Fatalf("records %v, want 7 first", seqs)
		}
	})
}
