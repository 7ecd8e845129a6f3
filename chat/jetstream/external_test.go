package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
	"parley/chat/wire"
)

// TestServerRestarts stops the NATS server under two logs that follow it, and
// starts it again.
func TestServerRestarts(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, -1)
	defer func() { stopServer(s) }()
	u, err := url.Parse(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	back := watch{Handler: testLogger(t).Handler(), text: "is back", came: make(chan struct{}, 1)}
	a := newAccount(t, open(t, Config{URL: u.String(), Log: slog.New(back), Timeout: 3 * time.Second}))
	backToo := watch{Handler: testLogger(t).Handler(), text: "is back", came: make(chan struct{}, 1)}
	b := newAccount(t, open(t, Config{URL: u.String(), Log: slog.New(backToo)}))
	for range 3 {
		a.postAll(60)
		a.burst(100)
		down := time.Now()
		stopServer(s)
		err := a.postUntilError()
		if !errors.Is(err, errNoServer) {
			t.Errorf("Append without a server: %v, want %v", err, errNoServer)
		}
		if err := a.post(); !errors.Is(err, chat.ErrNotStored) || time.Since(down) > 2*time.Second {
			t.Errorf("Append without a server: %v after %v, want %v at once", err, time.Since(down), chat.ErrNotStored)
		}
		s = startServer(t, dir, port)
		for _, w := range []watch{back, backToo} {
			select {
			case <-w.came:
			case <-time.After(20 * time.Second):
				t.Fatal("the server is back, the log is not")
			}
		}
		a.postAll(60)
		a.check()
		b.acked, b.maybe = a.acked, a.maybe
		b.check()
	}
}

// TestNoServer opens logs where there is none.
func TestNoServer(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	plain.Start()
	defer stopServer(plain)
	if !plain.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	for _, test := range []struct{ url, says string }{
		{"nats://user:secret@" + closed.Addr().String(), "cannot be reached"},
		{"nats://" + closed.Addr().String() + ",nats://" + closed.Addr().String(), "cannot be reached"},
		{plain.ClientURL(), "has no JetStream"},
		{"nats://[", ""},
	} {
		_, err := Open(testContext(t), Config{URL: test.url})
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%s): %v, want an error in one line with %q and without the password", test.url, err, test.says)
		} else {
			t.Log(err)
		}
	}
}

// recreate makes a stream that was deleted. The server takes its files away after
// it has said so, and fails while it does.
func recreate(t *testing.T, js natsjs.JetStream, config natsjs.StreamConfig) (stream natsjs.Stream) {
	t.Helper()
	eventually(t, "the stream", func() bool {
		var err error
		stream, err = js.CreateStream(testContext(t), config)
		return err == nil
	})
	return stream
}

// TestExistingStream finds a stream with limits of its own, and without what a
// log can do without.
func TestExistingStream(t *testing.T) {
	s := startServer(t, t.TempDir(), -1)
	defer stopServer(s)
	first := open(t, Config{URL: s.ClientURL(), RoomMessages: 5, Log: testLogger(t)})
	said := watch{Handler: testLogger(t).Handler(), text: "keeps its own limits", came: make(chan struct{}, 1)}
	second := open(t, Config{URL: s.ClientURL(), RoomMessages: 9, Log: slog.New(said)})
	select {
	case <-said.came:
	default:
		t.Error("Open of a stream with other limits says nothing")
	}
	for id := range uint64(8) {
		post1(t, second, id+1)
	}
	if page := readAll(t, first, "room-0"); len(page) != 5 {
		t.Errorf("%d messages in a room whose limit is 5", len(page))
	}
	if first.Replicas() != 1 {
		t.Errorf("Replicas of one server: %d, want 1", first.Replicas())
	}
	_, js := first.conn()
	config := (&Config{}).streamConfig()
	if err := js.DeleteStream(testContext(t), streamName); err != nil {
		t.Fatal(err)
	}
	config.AllowDirect, config.AllowAtomicPublish, config.DenyPurge, config.DenyDelete = false, false, false, false
	recreate(t, js, config)
	third := open(t, Config{URL: s.ClientURL(), Log: testLogger(t)})
	if !third.link.Load().atomic {
		t.Error("Open leaves a stream without atomic batches")
	}
	post1(t, third, 1)
	if page := readAll(t, third, "room-0"); len(page) != 1 {
		t.Errorf("%d messages, want 1", len(page))
	}
	if err := js.DeleteStream(testContext(t), streamName); err != nil {
		t.Fatal(err)
	}
	recreate(t, js, natsjs.StreamConfig{Name: streamName, Subjects: []string{"other"}})
	if l, err := Open(testContext(t), Config{URL: s.ClientURL()}); err == nil || !strings.Contains(err.Error(), "other subjects") {
		t.Errorf("Open of somebody else's stream: %v, %v, want an error", l, err)
	}
}

// TestStreamGone deletes the stream under a log.
func TestStreamGone(t *testing.T) {
	s := startServer(t, t.TempDir(), -1)
	defer stopServer(s)
	l := open(t, Config{URL: s.ClientURL(), Log: testLogger(t), Timeout: 3 * time.Second})
	post1(t, l, 1)
	_, js := l.conn()
	if err := js.DeleteStream(testContext(t), streamName); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, minBatch + 5} {
		a := &account{t: t, log: l, acked: make(map[uint64]uint64)}
		if err := a.burst(n); !errors.Is(err, chat.ErrNotStored) {
			t.Errorf("Append of %d without a stream: %v, want %v", n, err, chat.ErrNotStored)
		}
	}
	if _, _, err := l.Read(testContext(t), chat.Query{Room: "room-0"}); err == nil {
		t.Error("Read without a stream: no error")
	}
}

// TestSubjects writes rooms as subjects and back.
func TestSubjects(t *testing.T) {
	for _, test := range []struct{ room, token string }{
		{"lobby", "lobby"}, {"a-b_9", "a-b_9"}, {"a.b", "a=2Eb"}, {"A", "=41"}, {"=41", "=3D41"},
		{"é", "=C3=A9"}, {"*", "=2A"}, {">", "=3E"}, {" ", "=20"}, {"", "="}, {"\xff\x00", "=FF=00"},
	} {
		s := subject(test.room)
		if s != subjectPrefix+test.token {
			t.Errorf("subject(%q): %q, want token %q", test.room, s, test.token)
		}
		if back, err := room(s); back != test.room || err != nil {
			t.Errorf("room(%q): %q, %v, want %q", s, back, err, test.room)
		}
	}
	for _, bad := range []string{"", "other", subjectPrefix, subjectPrefix + "a=", subjectPrefix + "a=4", subjectPrefix + "=zz"} {
		if got, err := room(bad); err == nil {
			t.Errorf("room(%q): %q, want an error", bad, got)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("lobby")
	f.Add("büro 2.=")
	f.Fuzz(func(t *testing.T, name string) {
		s := subject(name)
		if strings.ContainsAny(strings.TrimPrefix(s, subjectPrefix), ".*> \t\r\n") {
			t.Fatalf("subject(%q): %q is no subject of one token", name, s)
		}
		if back, err := room(s); err != nil || back != name {
			t.Fatalf("room(%q): %q, %v, want %q", s, back, err, name)
		}
	})
}

// TestQueueFull appends more than may wait.
func TestClosed(t *testing.T) {
	l := open(t, Config{Store: t.TempDir()})
	var results []error
	for id := range uint64(50) {
		l.Append(wire.Message{Room: "lobby", Author: "a", ID: id}, func(_ uint64, err error) { results = append(results, err) })
	}
	closeLog(t, l)
	for i, err := range results {
		if err != nil {
			t.Errorf("Append before Close: message %d: %v", i, err)
		}
	}
	if len(results) != 50 {
		t.Errorf("Close: %d of 50 appended before are settled", len(results))
	}
	if _, err := appendWait(l, wire.Message{Room: "lobby", Author: "a", ID: 51}); !errors.Is(err, chat.ErrNotStored) {
		t.Errorf("Append after Close: %v, want %v", err, chat.ErrNotStored)
	}
	if err := l.Follow(testContext(t), func(wire.Message) {}); err == nil {
		t.Error("Follow after Close: no error")
	}
	if _, _, err := l.Read(testContext(t), chat.Query{Room: "lobby"}); err == nil {
		t.Error("Read after Close: no error")
	}
	if fmt.Sprint(l.Close()) != "<nil>" {
		t.Error("Close again: an error")
	}
}
