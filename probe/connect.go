package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"parley/endpoint"
)

// attemptDelay is between the beginnings of two attempts, RFC 8305 section 8.
const attemptDelay = 250 * time.Millisecond

// An attempt is one address that was tried.
type attempt struct {
	address string
	conn    net.Conn
	took    time.Duration // from connect to its result
	err     error
}

// connect connects to e over TCP, whose scheme may be another one over it, and
// races the addresses of a name as RFC 8305 says. It returns the attempt that
// counts: the one that won, or the one that tells most. When it returns, no
// goroutine of its own is left and no other connection is open.
func (l *looker) connect(ctx context.Context, e endpoint.Endpoint) attempt {
	addrs, err := l.names.addrs(ctx, e)
	if err != nil {
		return attempt{err: err}
	}
	if len(addrs) == 1 {
		return l.try(ctx, at(e, addrs[0]))
	}
	return l.race(ctx, e, inTurns(addrs))
}

// try connects to one address.
func (l *looker) try(ctx context.Context, e endpoint.Endpoint) attempt {
	a := attempt{address: e.Address()}
	begun := time.Now()
	a.conn, a.err = l.dial(ctx, e)
	a.took = time.Since(begun)
	if a.err == nil && a.conn.LocalAddr().String() == a.conn.RemoteAddr().String() {
		// Two ends that open at the same time are connected (RFC 9293, section
		// 3.5), and so is one that has been given the port it dials.
		a.conn.Close()
		a.conn, a.err = nil, opError("dial", e, errItself)
	}
	return a
}

// race starts the next address after a delay, or at once when one has failed.
func (l *looker) race(ctx context.Context, e endpoint.Endpoint, addrs []netip.Addr) attempt {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt)
	var failed []attempt
	var winner attempt
	started, pending := 0, 0
	for {
		var delay <-chan time.Time
		if started < len(addrs) && ctx.Err() == nil {
			go l.tryInRace(ctx, at(e, addrs[started]), results) // ends with its attempt
			started, pending = started+1, pending+1
			delay = time.After(attemptDelay)
		}
		if pending == 0 {
			break
		}
		select {
		case a := <-results:
			pending--
			switch {
			case a.err != nil:
				failed = append(failed, a)
			case winner.conn != nil:
				a.conn.Close() // it came too late
			default:
				winner = a
				cancel()
			}
		case <-delay:
		}
	}
	switch {
	case winner.conn != nil:
		return winner
	case len(failed) == 0: // it had ended before the first began
		return attempt{err: opError("dial", e, ctx.Err())}
	}
	return mostTelling(e, failed)
}

func (l *looker) tryInRace(ctx context.Context, e endpoint.Endpoint, results chan<- attempt) {
	results <- l.try(ctx, e)
}

// mostTelling is the attempt whose state comes first; its error names all. There
// is at least one.
func mostTelling(e endpoint.Endpoint, failed []attempt) attempt {
	states := []State{Refused, TimedOut, Unreachable, Failed}
	told := slices.MinFunc(failed, func(a, b attempt) int {
		return slices.Index(states, stateOf(a.err)) - slices.Index(states, stateOf(b.err))
	})
	if len(failed) > 1 {
		told.err = opError("dial", e, attemptsError{told, failed})
	}
	return told
}

// attemptsError is the failure of every address of a name. Its cause is that of
// the one that tells most.
type attemptsError struct {
	told attempt
	all  []attempt
}

func (e attemptsError) Error() string {
	texts := make([]string, len(e.all))
	for i, a := range e.all {
		why := a.err
		if inner := errors.Unwrap(why); inner != nil {
			why = inner
		}
		texts[i] = a.address + ": " + why.Error()
	}
	return strings.Join(texts, "; ")
}

func (e attemptsError) Unwrap() error { return e.told.err }
