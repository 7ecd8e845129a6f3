package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
)

// The files of an embedded store:
//
//	lock       the pid of the process that has it open
//	stored     how far it has got: see mark
//	accepted-losses, damaged-TIME/  what AcceptLoss leaves: see repair
//	jetstream/ the NATS server's

// openStore opens the embedded store, with nobody else having it.
func (l *Log) openStore(ctx context.Context) error {
	dir := l.config.Store
	if err := makeDir(dir); err != nil {
		return err
	}
	var err error
	if l.lock, err = lock(dir); err != nil {
		return err
	}
	if l.stored, err = openMark(filepath.Join(dir, "stored")); err == nil {
		err = l.startStore(ctx)
	}
	if err != nil {
		l.stored.close()
		l.lock.Close()
		return err
	}
	l.replicas = 1
	return nil
}

// startStore checks the files, starts the server on them, and checks what it has
// made of them.
func (l *Log) startStore(ctx context.Context) error {
	if err := l.checkFiles(); err != nil {
		return err
	}
	k, err := connectEmbedded(&l.config)
	if err != nil {
		return err
	}
	info, err := ensureEmbedded(ctx, k, &l.config)
	if err != nil {
		k.close()
		return err
	}
	if have, want := info.State.LastSeq, l.stored.get().last; have < want {
		k.close()
		return fmt.Errorf("%w: %s", ErrCorrupt, lostText([]hole{{have + 1, want}}))
	}
	l.begin(info)
	l.link.Store(k)
	return nil
}

// checkFiles reads all files, before a server makes what it can of them.
func (l *Log) checkFiles() error {
	start := time.Now()
	store, m := l.config.Store, l.stored.get()
	s, err := surveyFiles(store, nil)
	if err != nil {
		return err
	}
	accepted, err := acceptedLosses(store)
	if err != nil {
		return err
	}
	j := s.judge(m, &l.config, accepted, start)
	log := l.config.log().With("store", store)
	if took := time.Since(start); took > time.Second {
		log.Info("chat log: the store was checked", "messages", s.records, "seconds", took.Seconds())
	}
	err = j.err()
	if err == nil || !l.config.AcceptLoss {
		return err
	}
	log.Warn("chat log: the store is opened with what is left", "error", err)
	return repair(store, s, &j, m, start)
}

// begin notes what the store holds and the limits that are in force.
func (l *Log) begin(info *natsjs.StreamInfo) {
	first := info.State.FirstSeq
	if info.State.Msgs == 0 {
		first = 0
	}
	l.stored.begin(info.State.LastSeq, first, info.State.FirstTime, max(l.config.roomMessages(), 0), max(l.config.age(), 0))
}

// closeStore leaves the embedded store in order.
func (l *Log) closeStore() error {
	k := l.link.Load()
	if k.err() == nil { // else it may count what it has not written
		if stream, err := k.js.Stream(context.Background(), streamName); err == nil {
			l.begin(stream.CachedInfo())
		}
	}
	k.close()
	err := l.stored.close()
	return errors.Join(err, l.lock.Close())
}

// makeDir makes the directory of a store, for its owner only, and checks that it
// is one.
func makeDir(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
		return errors.New("not a directory")
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) && path.Path == dir {
		return path.Err
	}
	return err
}

// reopenAfter is how often an embedded store that cannot be written is tried
// again.
const reopenAfter = 500 * time.Millisecond

// keepOpen starts the embedded server again when it has stopped to store: it
// does not by itself once a write has failed. The old one still answers reads until
// the disk can be written again.
func (l *Log) keepOpen() {
	defer l.wg.Done()
	for {
		k := l.link.Load()
		select {
		case <-k.broken():
		case <-l.base.Done():
			return
		}
		l.config.log().Error("chat log: the store cannot be written", "store", l.config.Store, "error", k.err())
		for why := k.err(); ; {
			err := l.reopen(k)
			if err == nil {
				break
			}
			if err.Error() != why.Error() {
				l.config.log().Error("chat log: the store cannot be opened again", "store", l.config.Store, "error", err)
				why = err
			}
			select {
			case <-time.After(reopenAfter):
			case <-l.base.Done():
				return
			}
		}
		l.config.log().Info("chat log: the store is written again", "store", l.config.Store)
	}
}

// reopen replaces the server of a broken link.
func (l *Log) reopen(k *link) error {
	if err := probe(l.config.Store); err != nil {
		return cmp.Or(errors.Unwrap(err), err)
	}
	k.close()
	ctx, cancel := context.WithTimeout(l.base, startupTimeout)
	defer cancel()
	if err := l.startStore(ctx); err != nil {
		return err
	}
	close(k.replaced)
	return nil
}

// probe reports whether the disk takes what a server needs to start.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 1<<20))
	if syncErr := f.Sync(); err == nil {
		err = syncErr
	}
	f.Close()
	os.Remove(f.Name())
	return err
}
