package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// The bounds of the pause before an attempt to connect again.
const (
	firstPause = 250 * time.Millisecond
	longPause  = 30 * time.Second
)

// backoff spaces attempts: the pause is drawn at random from zero to a bound
// ("full jitter"), which doubles from firstPause to longPause. So many clients
// that lost one server do not come back at the same moment. The zero value is
// before the first pause.
type backoff struct {
	bound   time.Duration
	attempt int            // how many pauses there have been
	draw    func() float64 // in [0,1); nil is at random
}

// next returns the pause after an attempt that, with its connection, lasted for
// lived. One that lasted longer than the bound starts it anew.
func (b *backoff) next(lived time.Duration) time.Duration {
	b.attempt++
	if b.bound == 0 || lived > b.bound {
		b.bound = firstPause
	} else {
		b.bound = min(2*b.bound, longPause)
	}
	draw := b.draw
	if draw == nil {
		draw = rand.Float64
	}
	return time.Duration(draw() * float64(b.bound))
}

// sayAgain says why there is another attempt, and when.
func (d *dialer) sayAgain(err error, attempt int, pause time.Duration) {
	text := err.Error()
	if errors.Is(err, errPeerEnded) {
		text = "dial " + printed(d.at).String() + ": peer closed"
	}
	d.env.note("%s; attempt %d in %v", text, attempt+1, pause.Round(time.Millisecond))
}

// worthRetrying are the causes that a later attempt may not meet.
var worthRetrying = []error{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN,
	syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
	syscall.ENOENT, // a unix socket whose server has not started
	io.EOF, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded, context.DeadlineExceeded, errUnsent,
}

// transient reports whether a later attempt may succeed: not when a name does
// not exist or a certificate is wrong.
func transient(err error) bool {
	var total *timerError
	if errors.As(err, &total) {
		return total.text == idleError(0).(*timerError).text
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsTemporary || dns.IsTimeout
	}
	return isReset(err) || slices.ContainsFunc(worthRetrying, func(cause error) bool { return errors.Is(err, cause) })
}
