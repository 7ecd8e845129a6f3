package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a writer that takes nothing until it is open.
type gate struct {
	open chan struct{}
	mu   sync.Mutex // guards what follows
	all  bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all.Write(p)
}

func leftOutForTest(n int) []byte { return fmt.Appendf(nil, "(%d left out)\n", n) }

// What does not fit is left out, whole lines of it, and the next line that fits
// comes after the count.
func TestLogQueueDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newLogQueue(g, leftOutForTest)
		io.WriteString(q, "in hand\n")
		synctest.Wait()
		const more = 10
		for i := range queuedLines + more {
			fmt.Fprintf(q, "line %d\n", i)
		}
		close(g.open)
		synctest.Wait() // until the queue is empty
		io.WriteString(q, "after\n")
		q.close(flushTime)
		lines := strings.Split(g.all.String(), "\n")
		want := []string{fmt.Sprintf("line %d", queuedLines-1), fmt.Sprintf("(%d left out)", more), "after", ""}
		if got := lines[len(lines)-4:]; strings.Join(got, "|") != strings.Join(want, "|") || len(lines) != queuedLines+4 {
			t.Errorf("%d lines, the last %q, want %d, %q", len(lines), got, queuedLines+4, want)
		}
	})
}

// Large lines do not fill the memory; the end tells of those left out last, and
// does not wait for ever.
func TestLogQueueBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newLogQueue(g, leftOutForTest)
		large := strings.Repeat("x", queuedBytes/2-1) + "\n"
		for range 5 {
			io.WriteString(q, large)
			synctest.Wait()
		}
		began := time.Now()
		q.close(flushTime)
		if took := time.Since(began); took != flushTime {
			t.Errorf("close took %v, want %v", took, flushTime)
		}
		io.WriteString(q, "too late\n")
		close(g.open)
		synctest.Wait()
		if got, want := g.all.String(), large+large+"(3 left out)\n"; got != want {
			t.Errorf("written: %d bytes, ending in %q, want %d", len(got), got[max(0, len(got)-20):], len(want))
		}
	})
}

func TestLeftOutLine(t *testing.T) {
	if got, want := string(leftOutLine(false)(3)), `level=WARN msg=status text="lines of the log were left out" lines=3`+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("as text %q, want %q at the end", got, want)
	}
	if got, want := string(leftOutLine(true)(3)), `"level":"WARN","msg":"status","text":"lines of the log were left out","lines":3}`+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("as JSON %q, want %q at the end", got, want)
	}
}

// unread runs parley serve with a stderr of which nothing is ever read, has a
// session, gives it the signals, and returns the status.
func unread(t *testing.T, signals ...os.Signal) int {
	t.Helper()
	nobody, stderr := io.Pipe()
	stdoutRead, stdout := io.Pipe()
	to := make(chan os.Signal)
	e := &env{stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, getenv: os.Getenv, signals: to}
	status := make(chan int, 1)
	go func() { // ends with the server
		status <- e.run(context.Background(), []string{"serve", "-vv", "--drain", "1h", "echo@tcp://127.0.0.1:0"})
		nobody.Close()
	}()
	defer nobody.Close()
	late := time.AfterFunc(testPatience, func() { stdoutRead.Close() })
	defer late.Stop()
	line := make([]byte, 200)
	n, err := stdoutRead.Read(line)
	if err != nil {
		t.Fatalf("nothing listens with a stderr that is not read: %v", err)
	}
	_, at, _ := strings.Cut(strings.TrimSpace(string(line[:n])), "tcp://")
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testPatience))
	io.WriteString(c, "hello")
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Fatalf("echo with a stderr that is not read: %v", err)
	}
	for i, sig := range signals {
		select {
		case to <- sig:
		case <-time.After(testPatience):
			t.Fatalf("signal %d is not acted on", i+1)
		}
		if len(signals) == 1 {
			c.Close()
		}
	}
	select {
	case s := <-status:
		return s
	case <-time.After(testPatience):
		t.Fatal("the server has not ended")
	}
	return 0
}

// A stderr that nobody reads keeps neither sessions nor signals waiting.
func TestServeStderrUnread(t *testing.T) {
	if got := unread(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d after a drain, want 0", got)
	}
	if got, want := unread(t, syscall.SIGTERM, syscall.SIGINT), 128+int(syscall.SIGINT); got != want {
		t.Errorf("status %d after a second signal, want %d", got, want)
	}
}
