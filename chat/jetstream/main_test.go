package jetstream

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"parley/chat"
	"parley/chat/logtest"
	"parley/internal/leak"
)

func TestMain(m *testing.M) {
	if node := os.Getenv(nodeEnv); node != "" {
		nodeMain(node)
	}
	if dir := os.Getenv(childStore); dir != "" {
		os.Exit(childMain(dir))
	}
	if os.Getenv(smallDisk) != "" {
		// A server whose disk was full leaves the goroutine of the file that it
		// could not write.
		goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*msgBlock).flushLoop"))
	}
	leak.Main(m)
}

// smallDisk is set for a process with a mount namespace of its own: see
// onSmallDisk.
const smallDisk = "PARLEY_TEST_CHILD_DISK"

// open opens a log and closes it at the end of the test.
func open(t testing.TB, c Config) *Log {
	t.Helper()
	l, err := Open(testContext(t), c)
	if err != nil {
		t.Fatalf("Open(%s): %v", c.where(), err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// testLogger shows a log's troubles with the test's output.
func testLogger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// startServer runs a NATS server on a port of its own, over dir.
func startServer(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func TestEmbedded(t *testing.T) {
	logtest.Test(t, func(t *testing.T) chat.Log {
		return open(t, Config{Store: t.TempDir(), Log: testLogger(t)})
	})
}

func TestExternal(t *testing.T) {
	logtest.Test(t, func(t *testing.T) chat.Log {
		s := startServer(t, t.TempDir(), -1)
		t.Cleanup(func() { stopServer(s) })
		return open(t, Config{URL: s.ClientURL(), Log: testLogger(t)})
	})
}

// TestOldServer runs against a server as one older than 2.11 answers, and one
// without atomic batches.
func TestOldServer(t *testing.T) {
	logtest.Test(t, func(t *testing.T) chat.Log {
		l := open(t, Config{Store: t.TempDir(), Log: testLogger(t)})
		l.link.Load().gets.batches = false
		l.link.Load().atomic = false
		return l
	})
}

func chatQuery(room string, last int) chat.Query { return chat.Query{Room: room, Last: last} }
