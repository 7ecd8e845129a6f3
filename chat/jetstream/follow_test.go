package jetstream

import (
	"testing"
	"time"

	"parley/chat"
	"parley/chat/wire"
)

// TestConsumerGone deletes the consumer of a log that follows.
func TestConsumerGone(t *testing.T) {
	s := startServer(t, t.TempDir(), -1)
	defer stopServer(s)
	a := newAccount(t, open(t, Config{URL: s.ClientURL(), Log: testLogger(t)}))
	_, js := a.log.conn()
	stream, err := js.Stream(testContext(t), streamName)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a.postAll(20)
		a.check()
		names := stream.ConsumerNames(testContext(t))
		deleted := 0
		for name := range names.Name() {
			if err := stream.DeleteConsumer(testContext(t), name); err != nil {
				t.Fatal(err)
			}
			deleted++
		}
		if deleted == 0 {
			t.Error("the log follows without a consumer")
		}
		a.postAll(20)
		a.check()
	}
}

// TestFollowTwice follows a log twice.
func TestFollowTwice(t *testing.T) {
	l := open(t, Config{Store: t.TempDir()})
	ctx := testContext(t)
	if err := l.Follow(ctx, func(wire.Message) {}); err != nil {
		t.Fatal(err)
	}
	if err := l.Follow(ctx, func(wire.Message) {}); err == nil {
		t.Error("Follow again: no error")
	}
}

// TestBehind reads when more is known to be stored than what answers has.
func TestBehind(t *testing.T) {
	s := startServer(t, t.TempDir(), -1)
	defer stopServer(s)
	l := open(t, Config{URL: s.ClientURL(), Log: testLogger(t)})
	fill(t, l, 100)
	l.last.saw(&wire.Message{Room: "room-4", Seq: 1 << 40})
	if page := readAll(t, l, "room-4"); len(page) != 10 {
		t.Errorf("Read of a room of which more is known: %d messages, want 10", len(page))
	}
	k := l.link.Load()
	for from, want := uint64(1), 10; ; want-- {
		msg, err := k.fromLeader(testContext(t), subject("room-4"), from)
		if err != nil {
			t.Fatal(err)
		}
		if msg == nil {
			if want != 0 {
				t.Errorf("the leader has %d messages less than it should", want)
			}
			break
		}
		m, err := parseDirect(msg)
		if err != nil || m.Room != "room-4" || m.ID != m.Seq || time.Since(m.Time) > time.Minute {
			t.Errorf("from the leader: %+v, %v", m, err)
		}
		from = m.Seq + 1
	}
}

// TestNoPort looks for ways into an embedded server, and whether it syncs: no
// test without a power cut can tell otherwise.
func TestNoPort(t *testing.T) {
	l := open(t, Config{Store: t.TempDir()})
	server := l.link.Load().inner.server
	if server.Addr() != nil || server.MonitorAddr() != nil || server.ProfilerAddr() != nil || server.ClusterAddr() != nil {
		t.Errorf("the embedded server listens on %v", server.Addr())
	}
	if config := server.JetStreamConfig(); !config.SyncAlways {
		t.Error("the embedded server does not sync every message")
	}
	if l.Replicas() != 1 {
		t.Errorf("Replicas of a store: %d, want 1", l.Replicas())
	}
}

// TestReopened reads and follows over a server that was replaced.
func TestReopened(t *testing.T) {
	l := open(t, Config{Store: t.TempDir(), Log: testLogger(t)})
	a := newAccount(t, l)
	for range 3 {
		a.postAll(50)
		k := l.link.Load()
		k.fail(errNoStream) // as if it could not write
		for l.link.Load() == k {
			if _, _, err := l.Read(testContext(t), chat.Query{Room: "lobby", Last: 5}); err != nil {
				t.Fatalf("Read meanwhile: %v", err)
			}
		}
		a.check()
	}
}
