package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat/wire"
)

// The times of the follower's consumer.
const (
	// heartbeat is how often a consumer that has nothing to say speaks; after
	// two that are missing it is made anew.
	heartbeat = time.Second

	// consumerIdle is when the server drops a consumer whose process is gone.
	consumerIdle = time.Minute

	// feedTimeout bounds the making of a consumer.
	feedTimeout = 3 * time.Second

	// followAgain is the pause after a consumer could not be made.
	followAgain = 250 * time.Millisecond
)

var errFollowed = errors.New("the log is followed already")

// Follow implements [chat.Log]: one ordered consumer, from what is stored now.
// When it is lost, with its connection or its server, another goes on after the
// last message that was delivered.
func (l *Log) Follow(ctx context.Context, deliver func(wire.Message)) error {
	if err := l.follow(ctx, deliver); err != nil {
		return fmt.Errorf("chat log %s: follow: %w", l.config.where(), err)
	}
	return nil
}

func (l *Log) follow(ctx context.Context, deliver func(wire.Message)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return errClosed
	case l.following:
		return errFollowed
	}
	k := l.link.Load()
	stream, err := k.js.Stream(ctx, streamName) // asks the server
	if err != nil {
		return err
	}
	f := &follower{log: l, deliver: deliver, last: stream.CachedInfo().State.LastSeq}
	feed, err := f.feed(ctx, k)
	if err != nil {
		return err
	}
	l.following = true
	l.wg.Add(1)
	go f.run(ctx, k, feed) // until ctx ends or Close
	return nil
}

// A follower delivers the messages of the stream. Its goroutine alone uses it.
type follower struct {
	log     *Log
	deliver func(wire.Message)
	last    uint64 // Seq of the last delivered
}

// feed makes a consumer of what comes after the last. It is ordered: it
// acknowledges nothing and keeps nothing, and is thrown away when anything is missing.
// That of nats.go is much the same, and waits ten seconds for a server that went
// away while it was asked.
func (f *follower) feed(ctx context.Context, k *link) (natsjs.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	consumer, err := k.js.CreateConsumer(ctx, streamName, natsjs.ConsumerConfig{
		FilterSubject:     allRooms,
		DeliverPolicy:     natsjs.DeliverByStartSequencePolicy,
		OptStartSeq:       f.last + 1,
		AckPolicy:         natsjs.AckNonePolicy,
		MaxDeliver:        1,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: consumerIdle,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Messages(natsjs.PullHeartbeat(heartbeat), natsjs.WithMessagesErrOnMissingHeartbeat(true))
}

// run delivers from one feed after the other.
func (f *follower) run(ctx context.Context, k *link, feed natsjs.MessagesContext) {
	defer f.log.wg.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.log.base, cancel)()
	for {
		f.drink(ctx, k, feed)
		feed.Stop()
		if k, feed = f.again(ctx); feed == nil {
			return
		}
	}
}

// again makes the next feed, when there is a server; nil when ctx ends.
func (f *follower) again(ctx context.Context) (*link, natsjs.MessagesContext) {
	for ctx.Err() == nil {
		k := f.log.link.Load()
		select {
		case <-k.readable():
		case <-ctx.Done():
			return nil, nil
		}
		k = f.log.link.Load()
		feed, err := f.feed(ctx, k)
		if err == nil {
			return k, feed
		}
		select {
		case <-time.After(followAgain):
		case <-ctx.Done():
		}
	}
	return nil, nil
}

// drink delivers from a feed until something is missing in it, its server is
// lost, or ctx ends.
func (f *follower) drink(ctx context.Context, k *link, feed natsjs.MessagesContext) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() { // until the return of drink
		select {
		case <-k.cut():
			cancel()
		case <-ctx.Done():
		}
	})
	defer watching.Wait()
	defer cancel()
	for number := uint64(1); ; number++ {
		msg, err := feed.Next(natsjs.NextContext(ctx))
		if err != nil || ctx.Err() != nil {
			return
		}
		at, err := msg.Metadata()
		if err != nil || at.Sequence.Consumer != number {
			return
		}
		f.take(msg, at)
	}
}

// take delivers a message, unless it was.
func (f *follower) take(msg natsjs.Msg, at *natsjs.MsgMetadata) {
	if at.Sequence.Stream <= f.last {
		return
	}
	f.last = at.Sequence.Stream
	m, err := decode(msg.Subject(), at.Sequence.Stream, at.Timestamp, msg.Data())
	if err != nil {
		f.log.config.log().Warn("chat log: a message cannot be read", "error", err)
		return
	}
	f.log.last.saw(&m)
	f.deliver(m)
}
