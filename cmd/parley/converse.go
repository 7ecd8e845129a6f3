package main

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// conversation joins our input and output to one connection. Its two directions
// are independent, each with a goroutine of its own and an end of its own:
//
//	sending    input -> conn    ends with the input, which is passed on as a half-close
//	receiving  conn -> output   ends with the peer
//
// run's goroutine coordinates: it hears of both ends, of signals and of timers,
// and decides when the conversation is over. No timer runs that was not asked
// for, except linger where the transport has no half-close.
type conversation struct {
	// Constant.
	*party
	op       string // dial or listen
	at       endpoint.Endpoint
	peer     string // its address, of a listener's conversation
	conn     net.Conn
	datagram bool
	message  transport.MessageConn // nil: a stream, or datagrams
	half     transport.HalfCloser  // nil: there is no half-close
	start    time.Time
	hexes    *hexDump
	asking   *asking       // nil: not --ask
	stopSend chan struct{} // closed when no more input is to be taken
	sendDone chan error
	recvDone chan error

	// Atomics.
	sentBytes, sentMessages         atomic.Int64
	receivedBytes, receivedMessages atomic.Int64
	lastSent, lastReceived          atomic.Int64 // time since start
	ended                           atomic.Bool  // our end is being passed on

	// Of the sending goroutine; read when it has ended.
	cutOff int // bytes at the end of our input that are no whole message

	// Of the receiving goroutine.
	framed []byte // buffer

	// Of run's goroutine.
	send, recv ending
	first      string // who ended first, for --stats
}

// ending is how a direction ended.
type ending struct {
	done bool
	err  error // sending: nil when the input was delivered to its end; receiving: io.EOF when the peer ended in order
	at   time.Time
}

// newConversation makes a conversation of conn, which run closes.
func newConversation(p *party, op string, at endpoint.Endpoint, conn net.Conn) *conversation {
	c := &conversation{party: p, op: op, at: at, conn: conn,
		stopSend: make(chan struct{}), sendDone: make(chan error, 1), recvDone: make(chan error, 1)}
	c.datagram = isDatagram(conn)
	if !c.datagram {
		c.message, _ = conn.(transport.MessageConn)
		c.half, _ = conn.(transport.HalfCloser)
	}
	if p.talk.hex {
		c.hexes = &hexDump{messages: c.datagram || c.message != nil}
	}
	return c
}

// isDatagram tells by the socket: an endpoint fd:3 does not say.
func isDatagram(conn net.Conn) bool {
	local := conn.LocalAddr()
	if local == nil {
		return false
	}
	network := local.Network()
	return strings.HasPrefix(network, "udp") || network == "unixgram" || strings.HasPrefix(network, "ip")
}

// run has the conversation and closes the connection. The error is nil when
// both directions ended in order.
func (c *conversation) run() error {
	c.begin(c.datagram, c.message != nil)
	if c.hexes != nil {
		c.hexes.w = c.env.stderr
	}
	if c.talk.ask {
		c.asking = newAsking(c)
	}
	c.start = time.Now()
	go c.sending()   // ends with the input, with a failed write, or with stopSend and a write deadline
	go c.receiving() // ends with the peer, or with a read deadline
	why := c.coordinate()
	c.part(why)
	err := c.verdict(why)
	if c.talk.stats {
		c.sayStats()
	}
	var exit exitError
	if err != nil && c.stuck() && !errors.As(err, &exit) {
		return exitError{status: statusOf(err), err: err} // no other conversation can follow
	}
	return err
}

// stuck reports whether a direction did not end, because our output is not read.
// Its goroutine still has the input or the output.
func (c *conversation) stuck() bool { return !c.send.done || !c.recv.done }

// sending reports how sendAll, or the questions of --ask, ended.
func (c *conversation) sending() {
	if c.asking != nil {
		c.sendDone <- c.asking.ask()
		return
	}
	c.sendDone <- c.sendAll()
}

func (c *conversation) receiving() { c.recvDone <- c.receiveAll() }

// Why a conversation is over, besides timers and signals.
var (
	errBothEnded = errors.New("both directions ended")
	errPeerEnded = errors.New("the peer ended")
	errWeEnded   = errors.New("our input ended") // with --eof close
	errLingered  = errors.New("no reply within the linger time")
	errFailed    = errors.New("failed") // why is in send or recv
)

// coordinate waits until the conversation is over and returns why.
func (c *conversation) coordinate() error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, err := c.timers(time.Now())
		if err == nil {
			err = c.over()
		}
		if err != nil {
			c.endFirst("a timer") // of the command line, if neither side has
			return err
		}
		timer.Reset(next)
		select {
		case err := <-c.sendDone:
			c.sendEnded(err)
		case err := <-c.recvDone:
			c.recvEnded(err)
		case <-c.stop.first:
			c.endFirst("a signal")
			return c.stop.err
		case <-timer.C:
		}
	}
}

func (c *conversation) sendEnded(err error) {
	c.send = ending{true, err, time.Now()}
	var local *inputError
	switch {
	case err == nil:
		c.endFirst("our input")
		c.sayLinger()
	case errors.As(err, &local):
		c.endFirst("our input")
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), isReset(err):
		c.endFirst("the peer")
	default:
		c.endFirst("a failed send")
	}
}

func (c *conversation) recvEnded(err error) {
	c.recv = ending{true, err, time.Now()}
	var local *outputError
	switch {
	case c.ended.Load():
		c.endFirst("our input") // the peer's end may well be the answer to it
	case errors.Is(err, errStdoutClosed), errors.As(err, &local):
		c.endFirst("our output")
	}
	c.endFirst("the peer")
}

func (c *conversation) endFirst(who string) {
	if c.first == "" {
		c.first = who
	}
}

// over returns why the conversation is over, or nil while it goes on.
func (c *conversation) over() error {
	var local *inputError
	switch {
	case c.recv.done && c.recv.err != io.EOF:
		return errFailed
	case c.send.done && c.send.err != nil && (c.datagram || c.recv.done || errors.As(c.send.err, &local)):
		return errFailed // on a stream what the peer sent before is received first
	case c.recv.done && c.send.done:
		return errBothEnded
	case c.recv.done && c.ended.Load():
		return nil // any moment now
	case c.recv.done && (c.half == nil || c.peerEOF() == peerExit):
		return errPeerEnded
	case c.send.done && c.send.err == nil && c.talk.eof == eofClose:
		return errWeEnded
	}
	return nil
}

// inputEnded reports whether our input was delivered to its end.
func (c *conversation) inputEnded() bool { return c.send.done && c.send.err == nil }

// peerEOF is --peer-eof. A person has seen that the peer ended; a program that
// writes to our stdin has not.
func (c *conversation) peerEOF() string {
	switch {
	case c.talk.peerEOF != "":
		return c.talk.peerEOF
	case c.terminal || c.talk.ask:
		return peerExit
	}
	return peerKeep
}

// linger is how long to wait for replies after our end, and whether to stop
// waiting at all.
func (c *conversation) linger() (time.Duration, bool) {
	switch {
	case c.talk.eof == eofIgnore:
		return 0, false
	case c.talk.lingerSet:
		return c.talk.linger, true
	case c.half == nil:
		return defaultLinger, true
	}
	return 0, false
}

// never is a timer that is not set.
const never = time.Duration(1<<63 - 1)

// timers returns the time until the next timer, or the error of one that has
// run out.
func (c *conversation) timers(now time.Time) (time.Duration, error) {
	next := never
	sent, received := time.Duration(c.lastSent.Load()), time.Duration(c.lastReceived.Load())
	elapsed := now.Sub(c.start)
	due := func(at time.Duration) bool {
		next = min(next, at-elapsed)
		return at <= elapsed
	}
	if c.talk.total > 0 && due(c.talk.total) {
		return 0, totalError(c.talk.total)
	}
	if c.talk.idle > 0 && due(max(sent, received)+c.talk.idle) {
		return 0, idleError(c.talk.idle)
	}
	if d, ok := c.linger(); ok && c.inputEnded() && !c.recv.done && due(max(c.send.at.Sub(c.start), received)+d) {
		return 0, errLingered
	}
	return next, nil
}

// partingTime is what is left, once a conversation is to end early, for what is
// under way: bytes that the peer has not taken, and the peer's answer to our
// half-close.
const partingTime = 250 * time.Millisecond

// part ends both directions and closes the connection. What was read of the
// input is sent, and a half-close tells the peer that it was the end; what
// arrives meanwhile is received. So nothing is lost to a reset, which a close
// with bytes unread would be.
func (c *conversation) part(why error) {
	now := time.Now()
	if why != errBothEnded {
		c.conn.SetWriteDeadline(now.Add(partingTime))
	}
	switch {
	case why == errLingered, c.datagram:
		c.conn.SetReadDeadline(now)
	case why != errBothEnded:
		c.conn.SetReadDeadline(now.Add(partingTime))
	}
	close(c.stopSend)
	var timer *timerError
	bounded := errors.As(why, &timer)
	c.await(&c.send, c.sendDone, bounded)
	if why == errFailed {
		c.conn.SetReadDeadline(now)
	}
	c.await(&c.recv, c.recvDone, bounded)
	c.checkDelivery()
	c.conn.SetDeadline(time.Time{}) // the close handshake of WebSocket has a limit of its own
	c.closeConn()
}

// await waits for the end of a direction. It gives up at the second signal; and
// at the first, or when bounded, when it takes longer than partingTime, which is
// when our output is not read.
func (c *conversation) await(e *ending, done <-chan error, bounded bool) {
	if e.done {
		return
	}
	first := c.stop.first
	var late <-chan time.Time
	if bounded {
		late = time.After(2 * partingTime)
	}
	for {
		select {
		case err := <-done:
			*e = ending{true, err, time.Now()}
			return
		case <-c.stop.now:
			return
		case <-first:
			first, late = nil, time.After(2*partingTime)
		case <-late:
			return
		}
	}
}

// closeConn closes the connection, which may take the time of a close handshake.
// A second signal does not wait for it.
func (c *conversation) closeConn() {
	closed := make(chan struct{})
	go c.closing(closed) // ends when Close returns
	select {
	case <-closed:
	case <-c.stop.now:
	}
}

func (c *conversation) closing(closed chan<- struct{}) {
	c.conn.Close()
	close(closed)
}

// tally is what has gone each way.
func (c *conversation) tally() tally {
	t := tally{
		sent:     flow{c.sentBytes.Load(), c.sentMessages.Load()},
		received: flow{c.receivedBytes.Load(), c.receivedMessages.Load()},
	}
	switch {
	case c.datagram:
		t.unit = "datagram"
	case c.message != nil:
		t.unit = "message"
	}
	return t
}

// sayLinger says for how long replies are waited for, to a person.
func (c *conversation) sayLinger() {
	if d, ok := c.linger(); ok && c.chatty && c.asking == nil && c.talk.eof == eofHalf {
		c.env.note("our input ended; waiting for replies until %v after the last", d)
	}
}

func (c *conversation) sayStats() {
	c.env.say("stats", c.tally().String()+" in "+time.Since(c.start).Round(time.Microsecond).String()+"; "+c.first+" ended first")
}

// isTimeout reports whether err is the end of a deadline of ours.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// framingOf is the framing of what is written to the output.
func (c *conversation) framingOf() parley.Framing {
	if c.datagram || c.message != nil {
		return c.talk.framing
	}
	return nil
}
