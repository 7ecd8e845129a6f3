package jetstream

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"parley/internal/file"
)

// repair makes of damaged files what a server can be started on, without losing
// more than is lost: it takes out of the block files what cannot be read, where the
// server would cut off all that follows. The files as they were are kept in a
// directory damaged-TIME of the store. What is lost is noted, so that it is not
// missed again.
func repair(store string, s *survey, j *judgement, m markState, now time.Time) error {
	aside := filepath.Join(store, "damaged-"+now.UTC().Format("20060102T150405Z"))
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	for n := range s.bad {
		if err := repairBlock(store, aside, n); err != nil {
			return err
		}
	}
	if j.meta != nil {
		for _, name := range []string{"inf", "sum"} {
			if err := moveAside(metaFile(store, name), aside); err != nil {
				return err
			}
		}
	}
	if err := moveAside(filepath.Join(blockDir(store), "index.db"), aside); err != nil {
		return err
	}
	if max(s.last, s.tomb) < m.last {
		if err := writeTomb(store, m.last, now); err != nil {
			return err
		}
	}
	return accept(store, j.lost)
}

// repairBlock writes a block file again without what cannot be read.
func repairBlock(store, aside string, n int) error {
	name := blockFile(store, n)
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := file.Replace(filepath.Join(aside, filepath.Base(name)), b); err != nil {
		return err
	}
	kept := make([]byte, 0, len(b))
	scanBlock(b, blockHash(streamName, n), 0,
		func(r blockRecord) { kept = append(kept, r.raw...) }, func(badBytes) {})
	if len(kept) == 0 {
		return os.Remove(name)
	}
	return file.Replace(name, kept)
}

// moveAside moves a file that may be missing.
func moveAside(name, aside string) error {
	err := os.Rename(name, filepath.Join(aside, filepath.Base(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writeTomb adds a block file that says that the sequences up to seq were used,
// so that no other message gets one of them.
func writeTomb(store string, seq uint64, at time.Time) error {
	if err := os.MkdirAll(blockDir(store), 0o700); err != nil {
		return err
	}
	numbers, err := blocks(store)
	if err != nil {
		return err
	}
	n := 1
	if len(numbers) > 0 {
		n = numbers[len(numbers)-1] + 1
	}
	return file.Replace(blockFile(store, n), appendTomb(nil, blockHash(streamName, n), seq, at))
}

// acceptedFile is where a store keeps the losses that were accepted, one range
// of sequences a line.
func acceptedFile(store string) string { return filepath.Join(store, "accepted-losses") }

// accept notes losses.
func accept(store string, lost []hole) error {
	known, err := acceptedLosses(store)
	if err != nil || len(lost) == 0 {
		return err
	}
	var b []byte
	for _, h := range append(known, lost...) {
		b = fmt.Appendf(b, "%d %d\n", h.first, h.last)
	}
	return file.Replace(acceptedFile(store), b)
}

// acceptedLosses are the losses that were accepted.
func acceptedLosses(store string) ([]hole, error) {
	f, err := os.Open(acceptedFile(store))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var holes []hole
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var h hole
		if n, _ := fmt.Sscan(lines.Text(), &h.first, &h.last); n == 2 {
			holes = append(holes, h)
		}
	}
	return holes, nil
}
