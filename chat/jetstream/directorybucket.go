package jetstream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
)

// The bucket's name, as the nats command has it, and its stream's.
const (
	bucketName   = "PARLEY_CHAT_PRESENCE"
	bucketStream = "KV_" + bucketName
	bucketPrefix = "$KV." + bucketName + "."
)

// A bucket is the key-value bucket of the directory. It is used as a stream, for
// what erases a key has a value here.
type bucket struct {
	js      natsjs.JetStream
	stream  natsjs.Stream
	created time.Time // tells a bucket from another of the same name
}

// A change is what the bucket says of a key: a value, or that it is erased.
type change struct {
	key    string
	rev    uint64
	at     time.Time // by the server's clock
	erased bool
	presence
}

// openBucket finds the bucket, or makes it.
func (d *Directory) openBucket(ctx context.Context) (*bucket, error) {
	stream, err := d.js.Stream(ctx, bucketStream)
	if errors.Is(err, natsjs.ErrStreamNotFound) {
		stream, err = d.createBucket(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", bucketName, err)
	}
	return &bucket{js: d.js, stream: stream, created: stream.CachedInfo().Created}, nil
}

// createBucket makes the bucket, on disk, so that it is whole again after a
// restart of the servers. Without direct gets a key is read where it is written,
// and never an older value.
func (d *Directory) createBucket(ctx context.Context) (natsjs.Stream, error) {
	stream, err := d.js.CreateStream(ctx, natsjs.StreamConfig{
		Name:              bucketStream,
		Description:       "who is present in parley chat",
		Subjects:          []string{bucketPrefix + ">"},
		Storage:           natsjs.FileStorage,
		Replicas:          d.replicas,
		Discard:           natsjs.DiscardNew,
		MaxMsgsPerSubject: 1,
		MaxAge:            d.keep,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgSize:        -1,
		MaxConsumers:      -1,
		Duplicates:        min(2*time.Minute, d.keep),
		AllowRollup:       true,
		DenyDelete:        true,
	})
	if errors.Is(err, natsjs.ErrStreamNameAlreadyInUse) { // another hub was faster
		return d.js.Stream(ctx, bucketStream)
	}
	return stream, err
}

// tryFor bounds one attempt to write: a request that a dying server took with
// it is never answered.
const tryFor = 2 * time.Second

// write writes a value under key where the bucket has revision over, 0 for none.
func (b *bucket) write(ctx context.Context, key string, p presence, over uint64) (uint64, error) {
	return b.publish(ctx, key, p, nil, natsjs.WithExpectLastSequencePerSubject(over))
}

// erase erases a key where the bucket has revision over, 0 for any.
func (b *bucket) erase(ctx context.Context, key string, over uint64, p presence) error {
	var expect []natsjs.PublishOpt
	if over != 0 {
		expect = append(expect, natsjs.WithExpectLastSequencePerSubject(over))
	}
	_, err := b.publish(ctx, key, p, nats.Header{kvOperation: {"DEL"}}, expect...)
	return err
}

const kvOperation = "KV-Operation"

// publish tries until ctx ends or there is an answer. That nobody answers is none:
// nodes of a cluster that elect a leader are silent for seconds.
func (b *bucket) publish(ctx context.Context, key string, p presence, h nats.Header, options ...natsjs.PublishOpt) (uint64, error) {
	value, err := json.Marshal(p)
	if err != nil {
		return 0, err
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 3*tryFor)
		defer cancel()
	}
	var nobody error
	for {
		try, cancel := context.WithTimeout(ctx, tryFor)
		m := &nats.Msg{Subject: bucketPrefix + key, Data: value, Header: nats.Header{}}
		for k, v := range h {
			m.Header[k] = v
		}
		ack, err := b.js.PublishMsg(try, m, options...)
		slow := try.Err() != nil
		cancel()
		if errors.Is(err, natsjs.ErrNoStreamResponse) {
			nobody = err
		}
		switch {
		case err == nil:
			return ack.Sequence, nil
		case ctx.Err() != nil:
			return 0, cmp.Or(nobody, err)
		case !slow && !errors.Is(err, natsjs.ErrNoStreamResponse):
			return 0, err
		}
	}
}

// look returns what the bucket says of a key, which is erased and without
// revision if the bucket has never heard of it.
func (b *bucket) look(ctx context.Context, key string) (*change, error) {
	m, err := b.stream.GetLastMsgForSubject(ctx, bucketPrefix+key)
	switch {
	case errors.Is(err, natsjs.ErrMsgNotFound):
		return &change{key: key, erased: true}, nil
	case err != nil:
		return nil, err
	}
	c := &change{key: key, rev: m.Sequence, at: m.Time, erased: m.Header.Get(kvOperation) != ""}
	c.read(m.Data)
	return c, nil
}

// read takes a value. One that is not understood is nobody's, and anybody may
// write over it.
func (c *change) read(value []byte) {
	if err := json.Unmarshal(value, &c.presence); err != nil || c.Hub == "" {
		c.presence, c.erased = presence{}, true
	}
}

// mismatch reports whether a write failed since the bucket has another revision.
func mismatch(err error) bool {
	var api *natsjs.APIError
	return errors.As(err, &api) && (api.ErrorCode == natsjs.JSErrCodeStreamWrongLastSequence || api.ErrorCode == natsjs.JSErrCodeStreamWrongLastSequenceConstant)
}

// put writes p under key, first over the revision that is expected, then over
// whatever it may be written over, which a claim by the author himself says.
func (d *Directory) put(ctx context.Context, b *bucket, key string, p presence, over uint64, himself bool) (uint64, error) {
	for {
		rev, err := b.write(ctx, key, p, over)
		if err == nil || !mismatch(err) {
			return rev, err
		}
		c, err := b.look(ctx, key)
		switch {
		case err != nil:
			return 0, err
		case !c.erased && !d.mayTake(c, p.Author, himself):
			return 0, chat.ErrNameTaken
		}
		over = c.rev
	}
}

// mayTake reports whether a name of author may be written over c, whose key is
// locked. What another hub has of his was claimed later than what this one had, so it
// gives way only to a claim by himself.
func (d *Directory) mayTake(c *change, author string, himself bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.Hub == d.id || himself && c.Author == author || d.others.dead(c.Hub)
}

// A bucketWatch delivers the changes of a bucket: first those that are its state, then
// nil, then what changes.
type bucketWatch struct {
	kv     natsjs.KeyWatcher
	cancel context.CancelFunc
}

// openTimeout bounds each request to open a watch.
const openTimeout = 5 * time.Second

// watch opens a watch that ends with ctx, or by close.
func (b *bucket) watch(ctx context.Context) (*bucketWatch, error) {
	ctx, cancel := context.WithCancel(ctx)
	slow := time.AfterFunc(2*openTimeout, cancel)
	defer slow.Stop()
	kv, err := b.js.KeyValue(ctx, bucketName)
	if err == nil {
		var w natsjs.KeyWatcher
		if w, err = kv.WatchAll(ctx); err == nil {
			return &bucketWatch{kv: w, cancel: cancel}, nil
		}
	}
	cancel()
	return nil, err
}

// close ends a watch. What it still had is thrown away.
func (w *bucketWatch) close() {
	w.cancel()
	w.kv.Stop()
	slow := time.NewTimer(time.Second) // nats.go may have missed to close it
	defer slow.Stop()
	for {
		select {
		case _, open := <-w.kv.Updates():
			if !open {
				return
			}
		case <-slow.C:
			return
		}
	}
}

// changeOf is what a watch delivered.
func changeOf(e natsjs.KeyValueEntry) *change {
	c := &change{key: e.Key(), rev: e.Revision(), at: e.Created(), erased: e.Operation() != natsjs.KeyValuePut}
	c.read(e.Value())
	return c
}

func isName(key string) bool { return strings.HasPrefix(key, nameKeys) }
