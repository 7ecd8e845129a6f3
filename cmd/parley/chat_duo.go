package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// duo is a conversation of two over one connection: what one types the other
// reads, at any time. Its directions have a goroutine each, as those of
// conversation, and run coordinates them; but a q alone on a line, of either
// side, ends both.
type duo struct {
	// Constant.
	*party
	at       endpoint.Endpoint
	peer     string // its address, of a host's peer
	conn     net.Conn
	datagram bool
	message  transport.MessageConn // nil: a stream, or datagrams
	half     transport.HalfCloser  // nil: there is no half-close
	lines    *typing
	start    time.Time
	stopSend chan struct{} // closed when no more lines are to be sent
	sendDone chan error
	recvDone chan error

	// Atomics.
	sentBytes, sentMessages         atomic.Int64
	receivedBytes, receivedMessages atomic.Int64
	lastSent, lastReceived          atomic.Int64 // time since start

	// Of the sending goroutine; read when it has ended.
	kept    []typed // what was typed before the peer came
	refused int     // lines that could not be sent
	unsent  int     // bytes of a line whose write failed

	// Of the receiving goroutine; read when it has ended.
	shown     int
	firstLine string

	// Of run's goroutine.
	send, recv ending

	mu    sync.Mutex // guards what follows
	until time.Time  // when receiving ends; zero is never
}

func newDuo(p *party, at endpoint.Endpoint, conn net.Conn, lines *typing) *duo {
	d := &duo{party: p, at: at, conn: conn, lines: lines, start: time.Now(),
		stopSend: make(chan struct{}), sendDone: make(chan error, 1), recvDone: make(chan error, 1)}
	d.datagram = isDatagram(conn)
	if !d.datagram {
		d.message, _ = conn.(transport.MessageConn)
		d.half, _ = conn.(transport.HalfCloser)
	}
	return d
}

// errQuit is the end of a direction by a q.
var errQuit = errors.New("q")

// run has the conversation and closes the connection. The error is nil when
// it ended in order.
func (d *duo) run() error {
	go d.sending()   // ends with the input, with a failed write, or with stopSend and a write deadline
	go d.receiving() // ends with the peer, or with a read deadline
	why := d.coordinate()
	d.part(why)
	return d.verdict(why)
}

func (d *duo) sending()   { d.sendDone <- d.sendAll() }
func (d *duo) receiving() { d.recvDone <- d.receiveAll() }

// coordinate waits until the conversation is over and returns why.
func (d *duo) coordinate() error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, err := d.timers(time.Now())
		if err == nil {
			err = d.over()
		}
		if err != nil {
			return err
		}
		timer.Reset(next)
		select {
		case err := <-d.sendDone:
			d.send = ending{true, err, time.Now()}
		case err := <-d.recvDone:
			d.recv = ending{true, err, time.Now()}
		case <-d.stop.first:
			return d.stop.err
		case <-timer.C:
		}
	}
}

// over returns why the conversation is over, or nil while it goes on.
func (d *duo) over() error {
	var local *inputError
	switch {
	case d.recv.done && d.recv.err == errQuit, d.send.done && d.send.err == errQuit:
		return errQuit
	case d.recv.done && d.recv.err != io.EOF:
		return errFailed
	case d.send.done && d.send.err != nil && (d.datagram || d.recv.done || errors.As(d.send.err, &local)):
		return errFailed // on a stream what the peer said before is shown first
	case d.recv.done && d.send.done:
		return errBothEnded
	case d.recv.done && (d.half == nil || d.terminal):
		return errPeerEnded
	}
	return nil
}

// timers returns the time until the conversation is taken for over, as the one
// side has ended and nothing comes from the other; or errLingered.
func (d *duo) timers(now time.Time) (time.Duration, error) {
	var quiet time.Duration // since start
	switch {
	case d.recv.done && d.recv.err == io.EOF && !d.send.done:
		quiet = max(d.recv.at.Sub(d.start), time.Duration(d.lastSent.Load()))
	case d.send.done && d.send.err == nil && !d.recv.done && d.half == nil:
		quiet = max(d.send.at.Sub(d.start), time.Duration(d.lastReceived.Load()))
	default:
		return never, nil
	}
	if left := quiet + defaultLinger - now.Sub(d.start); left > 0 {
		return left, nil
	}
	return 0, errLingered
}

// The repeats of a q on datagrams, which may be lost: how often it is said, and how
// long the answer is waited for each time.
const (
	quitTimes = 3
	quitPause = 100 * time.Millisecond
)

// quitWait is how long a stream's peer may take to end after our q.
const quitWait = time.Second

// part ends both directions and closes the connection.
func (d *duo) part(why error) {
	wait := partingTime
	if why == errQuit && !d.recv.done {
		wait = quitWait
	}
	d.conn.SetWriteDeadline(time.Now().Add(wait))
	d.receiveUntil(time.Now().Add(wait))
	close(d.stopSend)
	d.await(&d.send, d.sendDone)
	switch {
	case d.datagram:
		d.partDatagrams(why)
	case d.send.done && d.recv.done && d.recv.err == errQuit:
		d.drain()
	}
	d.await(&d.recv, d.recvDone)
	if d.tailLost() {
		d.send.err = syscall.EPIPE
	}
	d.conn.SetDeadline(time.Time{}) // the close handshake of WebSocket has a limit of its own
	d.conn.Close()
}

// await waits for the end of a direction, which has a deadline: it lasts only
// where our output is not read, and then until the second signal.
func (d *duo) await(e *ending, done <-chan error) {
	if e.done {
		return
	}
	select {
	case err := <-done:
		*e = ending{true, err, time.Now()}
	case <-time.After(2 * quitWait):
	case <-d.stop.now:
	}
}

// partDatagrams says q: once if the peer has said it, and else until he answers.
func (d *duo) partDatagrams(why error) {
	defer func() { d.receiveUntil(time.Now()) }()
	if why == errFailed {
		return
	}
	d.conn.SetWriteDeadline(time.Time{})
	d.receiveUntil(time.Now().Add(2 * quitTimes * quitPause))
	for n := range quitTimes {
		if n > 0 || d.send.err != errQuit { // else it was said
			if _, err := io.WriteString(d.conn, "q\n"); err != nil || d.recv.done {
				return
			}
		}
		select {
		case err := <-d.recvDone:
			d.recv = ending{true, err, time.Now()}
			return
		case <-time.After(quitPause):
		case <-d.stop.now:
			return
		}
	}
}

// drain takes what the peer sent after his q, until his end: a close with bytes
// unread would be a reset.
func (d *duo) drain() {
	if d.half != nil && d.half.CloseWrite() != nil {
		return
	}
	d.conn.SetReadDeadline(time.Now().Add(partingTime))
	b := make([]byte, readSize)
	for d.message == nil {
		if _, err := d.conn.Read(b); err != nil {
			return
		}
	}
}

// tailLost reports whether the peer, who has ended, has refused what was sent
// after that.
func (d *duo) tailLost() bool {
	return d.half != nil && d.recv.done && d.recv.err == io.EOF && d.send.done && !failed(d.send.err) && d.send.err != errQuit &&
		time.Duration(d.lastSent.Load()) > d.recv.at.Sub(d.start) && !d.stop.stopped() && lost(d.conn)
}

// verdict is the error of a conversation that was over because of why.
func (d *duo) verdict(why error) error {
	var out *outputError
	var in *inputError
	switch {
	case d.stop.stopped():
		return d.stop.err
	case errors.Is(d.recv.err, errStdoutClosed):
		return errStdoutClosed
	case errors.As(d.recv.err, &out):
		return exitError{status: statusUsage, err: out}
	case errors.As(d.send.err, &in):
		return exitError{status: statusUsage, err: in}
	case why == errQuit && d.recv.done && d.recv.err == errQuit && d.send.err != errQuit:
		d.env.note("peer quit")
	case why == errQuit, why == errLingered && d.datagram:
	case d.recv.done && failed(d.recv.err):
		return d.failure(d.recv.err)
	case d.send.done && failed(d.send.err):
		return d.failure(d.send.err)
	case d.recv.done && d.shown == 1 && d.firstLine == busy[:len(busy)-1]:
		return d.failure(errBusy)
	case d.recv.done && (!d.send.done || d.send.err != nil || d.recv.at.Before(d.send.at)):
		d.env.note("peer closed")
	}
	if d.send.done && d.refused > 0 {
		return exitError{status: statusFailed, err: errors.New(count(int64(d.refused), "line") + " not sent")}
	}
	return nil
}

func (d *duo) failure(err error) error {
	e := &conversationError{op: "chat", at: d.at, peer: d.peer, err: err, tally: d.tally()}
	if d.send.done {
		e.unsent = d.unsent
	}
	return e
}

// tally is what has gone each way.
func (d *duo) tally() tally {
	t := tally{
		sent:     flow{d.sentBytes.Load(), d.sentMessages.Load()},
		received: flow{d.receivedBytes.Load(), d.receivedMessages.Load()},
	}
	switch {
	case d.datagram:
		t.unit = "datagram"
	case d.message != nil:
		t.unit = "message"
	}
	return t
}
