package probe

import (
	"context"
	"iter"
	"time"
)

// A job is one target of a round: the list it is of, so that a target which two
// lists have is known twice, and the target.
type job struct {
	list   int
	target Target
}

// An outcome is what came of a job.
type outcome struct {
	job    job
	result Result
	cut    bool // the context ended first
}

// A runner is one call of Run. All of it belongs to the goroutine that called Run,
// except what the goroutines of the jobs are given.
type runner struct {
	targets []Targets
	gap     time.Duration // between the beginnings of two jobs
	limit   int           // jobs under way at once
	found   func(Result)
	look    func(context.Context, Target) Result
	done    chan outcome

	before map[job]known // of the round before, to tell what has changed; nil without Watch
}

// jobs are all of a round, in the order of the texts.
func (r *runner) jobs() iter.Seq[job] {
	return func(yield func(job) bool) {
		for i, list := range r.targets {
			for t := range list.All() {
				if !yield(job{i, t}) {
					return
				}
			}
		}
	}
}

// round looks at every target once. up is whether all of them were up; err is
// ctx's, if it ended before all were looked at. No goroutine is left when it
// returns.
func (r *runner) round(ctx context.Context, number int) (up bool, err error) {
	next, stop := iter.Pull(r.jobs())
	defer stop()
	pace := pacer{gap: r.gap}
	ended := ctx.Done()
	pending := 0
	up = true
	j, more := next()
	for more || pending > 0 {
		if more && ctx.Err() != nil {
			more, err = false, ctx.Err()
			continue
		}
		var due <-chan time.Time
		if more && pending < r.limit {
			wait := pace.take(time.Now())
			if wait == 0 {
				pending++
				go r.work(ctx, j) // ends with its target, or soon after ctx
				j, more = next()
				continue
			}
			due = time.After(wait)
		}
		select {
		case out := <-r.done:
			pending--
			up = up && out.result.Up
			if out.cut {
				up, err = false, ctx.Err()
			}
			r.tell(out, number)
		case <-due:
		case <-ended:
			ended = nil // what is under way ends by itself
		}
	}
	return up, err
}

// work is a goroutine that looks at one target.
func (r *runner) work(ctx context.Context, j job) {
	out := outcome{job: j, result: r.look(ctx, j.target)}
	switch out.result.State {
	case TimedOut, NoAnswer, Failed:
		out.cut = ctx.Err() != nil
	}
	if p := out.result.Ping; p != nil && ctx.Err() != nil {
		out.cut = true
	}
	r.done <- out
}

// tell gives a result to found, with what has changed since the round before.
func (r *runner) tell(out outcome, number int) {
	res := out.result
	if out.cut && (res.Ping == nil || res.Ping.Sent == 0) {
		return
	}
	res.Round = number
	if r.before != nil {
		now := knownOf(res)
		if was, ok := r.before[out.job]; ok && was != now && !out.cut {
			res.Changed, res.Before = true, was.state
		}
		r.before[out.job] = now
	}
	r.found(res)
}

// known is what of a result is compared from round to round.
type known struct {
	state    State
	chain    string // the hashes of the certificates
	verified bool   // not why not: the words have the time in them
}

func knownOf(r Result) known {
	k := known{state: r.State}
	if r.TLS != nil {
		k.verified = r.TLS.VerifyError == ""
		for _, c := range r.TLS.Chain {
			k.chain += c.SHA256
		}
	}
	return k
}
