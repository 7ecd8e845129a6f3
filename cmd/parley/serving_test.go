package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley"
)

// stubborn is a service whose sessions end when their conn is closed, and not
// when the server drains.
type stubborn struct{ opened chan struct{} }

func (stubborn) Serve(*parley.Conn, []byte) error { return nil }

func (s stubborn) Stream(_ context.Context, conn net.Conn) error {
	s.opened <- struct{}{}
	_, err := io.Copy(io.Discard, conn)
	return err
}

// drained runs a server with one stubborn session, gives it the signals, and
// returns what run did and its stderr.
func drained(t *testing.T, drain time.Duration, signals ...os.Signal) (log string, err error) {
	t.Helper()
	var stderr bytes.Buffer // the server's end orders its writes before our read
	e := &env{stderr: &stderr, signals: make(chan os.Signal)}
	to := make(chan os.Signal)
	e.signals = to
	s := newServing(e, &serveFlags{log: "text"})
	svc := stubborn{make(chan struct{}, 1)}
	if err := s.server.Listen(context.Background(), svc, "tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go runServing(s, drain, done)
	c, err := parley.Dial(context.Background(), s.server.Endpoints()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-svc.opened
	for _, sig := range signals {
		to <- sig
	}
	err = <-done
	s.server.Close() // waits for what a second signal did not wait for
	return stderr.String(), err
}

// runServing is a goroutine; it ends with the server.
func runServing(s *serving, drain time.Duration, done chan<- error) {
	done <- s.run(context.Background(), drain)
}

// A drain that takes too long cuts, says how many, and is no success.
func TestDrainCuts(t *testing.T) {
	log, err := drained(t, 10*time.Millisecond, syscall.SIGTERM)
	const want = "drain: cut 1 session that had not ended after 10ms"
	if err == nil || err.Error() != want || statusOf(err) != statusFailed {
		t.Errorf("run = %v, status %d, want %q, status 1", err, statusOf(err), want)
	}
	if !strings.Contains(log, "msg=status text=draining why=terminated sessions=1 for=10ms") || strings.Contains(log, "text=drained") {
		t.Errorf("log:\n%s", log)
	}
}

// A second signal does not wait, whatever --drain says.
func TestSecondSignal(t *testing.T) {
	_, err := drained(t, time.Hour, syscall.SIGTERM, syscall.SIGINT)
	if got, want := statusOf(err), 128+int(syscall.SIGINT); got != want {
		t.Errorf("run = %v, status %d, want %d", err, got, want)
	}
}

// The end of ctx is like a first signal.
func TestContextDrains(t *testing.T) {
	var stderr bytes.Buffer
	s := newServing(&env{stderr: &stderr}, &serveFlags{log: "text"})
	if err := s.server.Listen(context.Background(), stubborn{}, "tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.run(ctx, time.Hour); err != nil {
		t.Errorf("run = %v, want nil", err)
	}
}

// listeningWriter is a stdout that tells when something listens.
type listeningWriter struct {
	bytes.Buffer
	listens func()
}

func (w *listeningWriter) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("listening ")) {
		w.listens()
	}
	return w.Buffer.Write(p)
}

// The verb leaves nothing behind, metrics and sessions included; TestMain looks
// for goroutines.
func TestServeLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stdout := &listeningWriter{listens: cancel}
	var stderr bytes.Buffer
	e := &env{stdin: strings.NewReader(""), stdout: stdout, stderr: &stderr, getenv: os.Getenv}
	if status := e.run(ctx, []string{"serve", "--metrics", ":0", "echo@tcp://127.0.0.1:0", "chat?store=" + t.TempDir() + "@tcp://127.0.0.1:0", "chat?store=none@udp://127.0.0.1:0"}); status != 0 {
		t.Errorf("status %d, want 0; stderr:\n%s", status, stderr.String())
	}
	_, url, _ := strings.Cut(stderr.String(), "metrics http://")
	at, _, _ := strings.Cut(url, "/")
	if c, err := net.Dial("tcp", at); err == nil {
		c.Close()
		t.Errorf("metrics at %s outlive the server; stderr:\n%s", at, stderr.String())
	}
}
