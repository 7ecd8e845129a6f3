package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

// The bounds of what waits to be written to a stderr that is not read.
const (
	queuedLines = 4096
	queuedBytes = 8 << 20 // lines of -vv have whole messages in them
)

// flushTime is how long the end of the program waits for a stderr that is not
// read.
const flushTime = time.Second

// A logQueue is a stderr that never makes its writer wait: each Write, which has
// to be a whole line or several, is queued, and a goroutine writes it. What does
// not fit is dropped and counted, and the next line that fits comes after one
// that tells how many were left out. It is safe for concurrent use. Who makes it
// closes it.
type logQueue struct {
	// Constant.
	to      io.Writer
	leftOut func(lines int) []byte // makes the line that tells
	lines   chan []byte
	done    chan struct{} // closed when write has returned

	mu      sync.Mutex // guards what follows; only its holder sends to lines
	bytes   int        // of what is in lines
	dropped int        // lines, since the last that was queued
	closed  bool
}

func newLogQueue(to io.Writer, leftOut func(lines int) []byte) *logQueue {
	q := &logQueue{
		to: to, leftOut: leftOut,
		lines: make(chan []byte, queuedLines+1), // the last is for what close says
		done:  make(chan struct{}),
	}
	go q.write() // ends with close, or stays in a write that nobody reads
	return q
}

// Write queues p, or drops it. It never fails.
func (q *logQueue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	need := 1
	if q.dropped > 0 {
		need = 2
	}
	switch {
	case q.closed:
	case len(q.lines)+need > queuedLines, q.bytes > 0 && q.bytes+len(p) > queuedBytes:
		q.dropped += bytes.Count(p, []byte("\n"))
	default:
		q.tellLocked()
		q.sendLocked(bytes.Clone(p))
	}
	return len(p), nil
}

// tellLocked queues the line about the lines that were dropped. q.mu is held.
func (q *logQueue) tellLocked() {
	if q.dropped > 0 {
		q.sendLocked(q.leftOut(q.dropped))
		q.dropped = 0
	}
}

// sendLocked queues a line, for which there is room. q.mu is held.
func (q *logQueue) sendLocked(line []byte) {
	q.bytes += len(line)
	q.lines <- line
}

// write is the goroutine. A line that cannot be written is lost, and the next is
// tried: stderr is where that would be said.
func (q *logQueue) write() {
	defer close(q.done)
	for line := range q.lines {
		q.to.Write(line)
		q.mu.Lock()
		q.bytes -= len(line)
		q.mu.Unlock()
	}
}

// close ends the queue and waits until it is written, for at most limit. What is
// written to it afterwards is lost.
func (q *logQueue) close(limit time.Duration) {
	q.mu.Lock()
	q.tellLocked()
	q.closed = true
	close(q.lines)
	q.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
	}
}

// logHandler writes a log as text or JSON.
func logHandler(to io.Writer, json bool, options *slog.HandlerOptions) slog.Handler {
	if json {
		return slog.NewJSONHandler(to, options)
	}
	return slog.NewTextHandler(to, options)
}

// leftOutLine is a line of the log that tells how many were left out. It is there
// with -q too.
func leftOutLine(json bool) func(lines int) []byte {
	return func(lines int) []byte {
		var b bytes.Buffer
		slog.New(logHandler(&b, json, nil)).Warn("status", "text", "lines of the log were left out", "lines", lines)
		return b.Bytes()
	}
}
