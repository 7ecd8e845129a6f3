package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// verdict is the error of a conversation that was over because of why, and has
// been closed: nil when both directions ended in order and nothing was lost.
func (c *conversation) verdict(why error) error {
	var out *outputError
	var in *inputError
	switch {
	case c.stop.stopped():
		return c.stop.err
	case errors.Is(c.recv.err, errStdoutClosed):
		return errStdoutClosed
	case errors.As(c.recv.err, &out):
		return exitError{status: statusUsage, err: out}
	case errors.As(c.send.err, &in):
		return exitError{status: statusUsage, err: in}
	}
	if why == errPeerEnded && (c.terminal || c.asking != nil) {
		c.env.note("peer closed")
	}
	if what, err := c.failure(why); what != "" || err != nil {
		return &conversationError{
			op: c.op, at: c.at, peer: c.peer,
			what: what, err: err, tally: c.tally(), unsent: c.leftOver() + c.unfinished(),
		}
	}
	if c.asking != nil && c.asking.missed > 0 {
		return exitError{status: statusFailed} // each was said when it was missed
	}
	return nil
}

// errUnsent is the cause of a conversation whose peer ended before it had our
// whole input.
var errUnsent = errors.New("input not sent")

// errUnfinished is the cause of a conversation whose input ended within a message.
var errUnfinished = errors.New("input ended within a message")

// unfinished is how many bytes at the end of our input are no whole message.
func (c *conversation) unfinished() int {
	if !c.send.done {
		return 0 // its goroutine still has the input
	}
	return c.cutOff
}

// failure is what went wrong: the cause, and what to say of it where its own
// text does not do.
func (c *conversation) failure(why error) (what string, err error) {
	var timer *timerError
	switch {
	case c.recv.done && failed(c.recv.err):
		return "", c.recv.err
	case c.send.done && failed(c.send.err):
		return "", c.send.err
	case errors.As(why, &timer):
		if c.stuck() {
			return why.Error() + ", and our output is not read", why // so something is lost
		}
		if c.talk.idleOK && why.Error() == idleError(c.talk.idle).Error() {
			return "", nil
		}
		return "", why
	case c.asking != nil && c.asking.unanswered:
		return "closed by peer without an answer", io.ErrUnexpectedEOF
	case c.unfinished() > 0:
		return fmt.Sprintf("our input ended within a message of --frame %v", c.talk.framing), errUnfinished
	case c.leftOver() > 0 && !c.talk.next:
		return "closed by peer", errUnsent
	}
	return "", nil
}

// failed reports whether a direction's end is a failure of the connection: not
// its end in order, nor one that we have brought about.
func failed(err error) bool {
	return err != nil && err != io.EOF && !errors.Is(err, errStopped) && !isTimeout(err) && !errors.Is(err, net.ErrClosed)
}

// leftOver is how many bytes were read of the input and not sent.
func (c *conversation) leftOver() int {
	switch {
	case !c.send.done:
		return 0 // its goroutine still has the input
	case c.asking != nil && c.send.err == nil:
		return 0 // an empty line ended it, whatever comes after
	case c.asking != nil:
		return c.asking.leftOver()
	}
	return c.in.waiting()
}

// checkDelivery finds out whether the peer has taken what was sent last. If it had
// closed both directions when that came it answers with a reset, which nobody
// would see otherwise: its end has been received before.
func (c *conversation) checkDelivery() {
	inOrder := c.send.done && !failed(c.send.err) && c.recv.done && c.recv.err == io.EOF
	if inOrder && c.ended.Load() && c.sentBytes.Load() > 0 && !c.stop.stopped() && lost(c.conn) {
		c.send.err = syscall.EPIPE
	}
}
