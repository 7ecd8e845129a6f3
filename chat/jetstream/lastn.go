package jetstream

import (
	"context"
	"errors"

	natsjs "github.com/nats-io/nats.go/jetstream"
)

// lastN is the Seq of the n-th message from the end, of those from a Seq on and
// before q.Before; errNone if there are none. With fewer it is the first.
//
// It counts what is from some Seq on, and closes in on the one from where there are
// as many as wanted: about log2 of the length of the stream questions, each cheap.
func (r *reader) lastN(ctx context.Context, from, n uint64) (uint64, error) {
	first, all, err := r.count(ctx, from)
	if err != nil {
		return 0, err
	}
	beyond, end := uint64(0), r.q.Before
	if end != 0 {
		if _, beyond, err = r.count(ctx, end); err != nil && !errors.Is(err, errNone) {
			return 0, err
		}
	} else if end, err = r.end(ctx); err != nil {
		return 0, err
	}
	if all <= beyond || first >= end {
		return 0, errNone
	}
	wanted := n + beyond
	low, least := first, all  // least messages are from low on, at least wanted
	high, most := end, beyond // most are from high on, fewer than wanted
	halve := false
	for least > wanted && high-low > 1 {
		at := low + (high-low)/2 // in turn, since messages are not spread evenly
		if !halve {
			at = between(low, least, high, most, wanted)
		}
		halve = !halve
		found, have, err := r.count(ctx, at)
		if err != nil && !errors.Is(err, errNone) {
			return 0, err
		}
		if have >= wanted {
			low, least = found, have
		} else {
			high, most = at, have
		}
	}
	return low, nil
}

// between is where the wanted message would be if they were spread evenly, inside
// of low and high.
func between(low, least, high, most, wanted uint64) uint64 {
	part := float64(least-wanted) / float64(least-most)
	at := low + uint64(part*float64(high-low))
	return min(max(at, low+1), high-1)
}

// end is a Seq after all that is stored in the room.
func (r *reader) end(ctx context.Context) (uint64, error) {
	msg, err := r.link.gets.one(ctx, &getRequest{LastFor: r.subject})
	if err != nil {
		return 0, err
	}
	seq, err := number(msg, "Nats-Sequence")
	return seq + 1, err
}

// count is how many messages the room has from a Seq on, and the Seq of the first
// of them; errNone if there are none.
func (r *reader) count(ctx context.Context, from uint64) (first, n uint64, err error) {
	if !r.link.gets.batches {
		return r.countByConsumer(ctx, from)
	}
	msgs, left, err := r.link.gets.many(ctx, &getRequest{Seq: from, NextFor: r.subject, Batch: 1})
	if err != nil {
		return 0, 0, err
	}
	if len(msgs) == 0 {
		return 0, 0, errNone
	}
	first, err = number(msgs[0], "Nats-Sequence")
	return first, left + 1, err
}

// countByConsumer counts with a server older than 2.11, which counts for
// consumers only.
func (r *reader) countByConsumer(ctx context.Context, from uint64) (first, n uint64, err error) {
	msg, err := r.link.gets.one(ctx, &getRequest{Seq: from, NextFor: r.subject})
	if err != nil {
		return 0, 0, err
	}
	if first, err = number(msg, "Nats-Sequence"); err != nil {
		return 0, 0, err
	}
	consumer, err := r.link.js.CreateConsumer(ctx, streamName, natsjs.ConsumerConfig{
		FilterSubject: r.subject, DeliverPolicy: natsjs.DeliverByStartSequencePolicy, OptStartSeq: first,
		AckPolicy: natsjs.AckNonePolicy, MemoryStorage: true, HeadersOnly: true,
	})
	if err != nil {
		return 0, 0, err
	}
	info := consumer.CachedInfo()
	return first, info.NumPending, r.link.js.DeleteConsumer(ctx, streamName, info.Name)
}
