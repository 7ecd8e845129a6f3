package main

import (
	"net"
	"time"
)

// untaken says which datagrams of other peers came during the only conversation
// of a listener, and are thrown away with it. The error is for datagrams that did
// not even find room.
func (l *listening) untaken() error {
	if l.peers == nil || l.stop.stopped() {
		return nil
	}
	others := 0
	for {
		conn := l.waitingPeer()
		if conn == nil {
			break
		}
		if others++; others <= maxOthers {
			l.env.note("%s from %s not taken", count(int64(countWaiting(conn)), "datagram"), conn.RemoteAddr())
		}
		conn.Close()
	}
	if others > maxOthers {
		l.env.note("nor those of %d further peers", others-maxOthers)
	}
	return l.droppedError()
}

// maxOthers is how many peers untaken names.
const maxOthers = 8

// soon is how long it takes at most to find what is there already.
const soon = 10 * time.Millisecond

// waitingPeer returns a peer whose datagrams are there, or nil.
func (l *listening) waitingPeer() net.Conn {
	l.callers.want()
	select {
	case c := <-l.callers.ready:
		return c.conn
	case <-time.After(soon):
		return nil
	}
}

// countWaiting reads what is there of a peer.
func countWaiting(conn net.Conn) int {
	conn.SetReadDeadline(time.Now().Add(soon))
	var b [1]byte
	for n := 0; ; n++ {
		if _, err := conn.Read(b[:]); isTimeout(err) || n > 1<<16 {
			return n
		}
	}
}

// droppedError is that datagrams were lost here because more came than were
// taken.
func (l *listening) droppedError() error {
	n := l.peers.Dropped()
	if n == 0 {
		return nil
	}
	return &droppedError{at: printed(l.at).String(), datagrams: n}
}

// droppedError is a loss of datagrams for want of room.
type droppedError struct {
	at        string
	datagrams uint64
}

func (e *droppedError) Error() string {
	return "listen " + e.at + ": " + count(int64(e.datagrams), "datagram") + " lost here, which came faster than they were taken"
}
