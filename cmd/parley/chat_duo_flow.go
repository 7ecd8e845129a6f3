package main

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"time"
)

// sendAll is the sending direction. The error is nil at the end of input, which
// was passed on; errQuit after a q; errStopped; or what failed.
func (d *duo) sendAll() error {
	for {
		line, ok := d.next()
		if !ok {
			return d.endSending(errStopped)
		}
		switch {
		case line.err == io.EOF && d.terminal: // Ctrl-D
			line = typed{text: "q"}
		case line.err == io.EOF:
			return d.endSending(nil)
		case line.err == errLongLine:
			d.refuse(line, "has more than 1 MiB")
			continue
		case line.err != nil:
			return line.err
		}
		err := d.write(line.text + "\n")
		switch {
		case errors.Is(err, syscall.EMSGSIZE):
			d.refuse(line, "does not fit a datagram")
		case err != nil:
			return err
		case isQuit(line.text):
			return d.endSending(errQuit)
		}
	}
}

func (d *duo) refuse(line typed, why string) {
	d.refused++
	d.env.warn("line %d %s: not sent", line.number, why)
}

// next is the next line, unless no more are to be sent.
func (d *duo) next() (typed, bool) {
	select {
	case <-d.stopSend:
		return typed{}, false
	default:
	}
	if len(d.kept) > 0 {
		line := d.kept[0]
		d.kept = d.kept[1:]
		return line, true
	}
	select {
	case line := <-d.lines.lines:
		return line, true
	case <-d.stopSend:
		return typed{}, false
	}
}

// endSending passes on our end where the transport can, and returns why.
func (d *duo) endSending(why error) error {
	if d.half != nil {
		if err := d.half.CloseWrite(); err != nil && why == nil {
			return err
		}
	}
	return why
}

func (d *duo) write(text string) error {
	n, err := io.WriteString(d.conn, text)
	if err != nil {
		d.unsent = len(text) - n
		return err
	}
	d.sentBytes.Add(int64(n))
	d.sentMessages.Add(1)
	d.lastSent.Store(int64(time.Since(d.start)))
	return nil
}

// receiveUntil ends receiving at a time.
func (d *duo) receiveUntil(end time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = end
	d.conn.SetReadDeadline(end)
}

// pauseAfter makes the next read fail after a pause, 0 for none, or when
// receiving is to end.
func (d *duo) pauseAfter(pause time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var end time.Time
	if pause > 0 {
		end = time.Now().Add(pause)
	}
	if !d.until.IsZero() && (end.IsZero() || d.until.Before(end)) {
		end = d.until
	}
	d.conn.SetReadDeadline(end)
}

// receiveOver reports whether receiving is to end now.
func (d *duo) receiveOver() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.until.IsZero() && !time.Now().Before(d.until)
}

// receiveAll is the receiving direction. The error is io.EOF when the peer ended
// in order; errQuit after his q; an *outputError; or what failed.
func (d *duo) receiveAll() error {
	if d.datagram || d.message != nil {
		return d.receiveMessages()
	}
	return d.receiveStream()
}

func (d *duo) receiveMessages() error {
	buf := make([]byte, readSize)
	for {
		b, err := d.readMessage(buf)
		if err != nil {
			return err
		}
		d.took(len(b))
		for line := range bytes.Lines(b) {
			if err := d.show(line); err != nil {
				return err
			}
		}
		if d.message != nil {
			buf = b[:cap(b)] // it may have grown
		}
	}
}

func (d *duo) readMessage(buf []byte) ([]byte, error) {
	if d.message != nil {
		return d.message.ReadMessage(buf[:0], d.talk.maxMessage)
	}
	n, err := d.conn.Read(buf)
	return buf[:n], err
}

// pauseOfLine is how long a peer who sends no line ends pauses after a line.
const pauseOfLine = 150 * time.Millisecond

// longestShown is how many bytes are shown as a line though it has no end.
const longestShown = 64 << 10

func (d *duo) receiveStream() error {
	buf := make([]byte, 0, readSize)
	chunk := make([]byte, readSize)
	for {
		pause := time.Duration(0)
		if len(buf) > 0 {
			pause = pauseOfLine
		}
		d.pauseAfter(pause)
		n, err := d.conn.Read(chunk)
		if n > 0 {
			d.took(n)
		}
		buf = append(buf, chunk[:n]...)
		rest, failure := d.showLines(buf)
		if failure != nil {
			return failure
		}
		paused := isTimeout(err) && !d.receiveOver()
		if paused || len(rest) > longestShown {
			rest, failure = d.showPart(rest)
		} else if err != nil {
			failure = d.showLast(rest)
		}
		switch {
		case failure != nil:
			return failure
		case err != nil && !paused:
			return err
		}
		buf = append(buf[:0], rest...)
	}
}

// took accounts for what was received.
func (d *duo) took(n int) {
	d.receivedBytes.Add(int64(n))
	d.receivedMessages.Add(1)
	d.lastReceived.Store(int64(time.Since(d.start)))
}
