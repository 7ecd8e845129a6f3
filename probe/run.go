package probe

import (
	"context"
	"time"
)

// Options say how to look. The zero value of each field is the default that is
// named.
type Options struct {
	Timeout     time.Duration // of each step of a target: its name and connecting, a handshake, an upgrade; of one datagram, or ping. Default 2 s
	Concurrency int           // targets under way at once. Default 256; never more than the system has descriptors for
	Rate        float64       // targets begun a second. Default 1000; negative no limit
	Banner      time.Duration // how long an open port is listened to for what the peer says first. Default 250 ms; negative not at all
	Count       int           // pings of a host. Default 4
	Interval    time.Duration // between them. Default 200 ms
	Tries       int           // datagrams sent to a udp target. Default 2
	Watch       time.Duration // begin again this long after the last beginning. Default 0: look once
}

func (o Options) timeout() time.Duration  { return positive(o.Timeout, 2*time.Second) }
func (o Options) concurrency() int        { return positive(o.Concurrency, 256) }
func (o Options) count() int              { return positive(o.Count, 4) }
func (o Options) interval() time.Duration { return positive(o.Interval, 200*time.Millisecond) }
func (o Options) tries() int              { return positive(o.Tries, 2) }

// gap is the time between the beginnings of two targets; 0 is none.
func (o Options) gap() time.Duration {
	switch {
	case o.Rate < 0:
		return 0
	case o.Rate == 0:
		return time.Millisecond
	}
	return time.Duration(min(float64(time.Second)/o.Rate, float64(time.Hour)))
}

// banner is 0 if nothing is listened to.
func (o Options) banner() time.Duration {
	if o.Banner < 0 {
		return 0
	}
	return positive(o.Banner, 250*time.Millisecond)
}

// positive is v, or the default where v is not above 0.
func positive[T int | time.Duration](v, absent T) T {
	if v <= 0 {
		return absent
	}
	return v
}

// Run looks at every target and gives each result to found as it comes, on the
// goroutine that called Run; a found that blocks holds up what has not begun. It
// returns nil when all were looked at, and ctx's error when that ended first; with
// Watch it goes on until then. What ctx cut short is no result, but for pings, of
// which some may have been answered. up is whether every target of the last whole
// round was up.
func Run(ctx context.Context, targets []Targets, o Options, found func(Result)) (up bool, err error) {
	r := runner{
		targets: targets,
		gap:     o.gap(),
		limit:   min(o.concurrency(), descriptorLimit(targets)),
		found:   found,
		done:    make(chan outcome),
	}
	if o.Watch > 0 {
		r.before = make(map[job]known)
	}
	for number := 0; ; number++ {
		begun := time.Now()
		r.look = newLooker(o).look
		all, err := r.round(ctx, number)
		if err != nil {
			return up, err
		}
		up = all
		if o.Watch <= 0 {
			return up, nil
		}
		if err := sleepUntil(ctx, begun.Add(o.Watch)); err != nil {
			return up, err
		}
	}
}

func sleepUntil(ctx context.Context, when time.Time) error {
	t := time.NewTimer(time.Until(when))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
