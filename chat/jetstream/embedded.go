package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// An embedded is a NATS server in this process that nobody else can reach.
type embedded struct {
	server *server.Server
	log    *serverLog
}

// startupTimeout bounds the start of a server that does not fail and does not
// come up; recovery of its files happens before and is not bounded.
const startupTimeout = 10 * time.Second

// startEmbedded runs a server on the files in dir.
func startEmbedded(dir string, log *slog.Logger) (*embedded, error) {
	e := &embedded{log: &serverLog{to: log}}
	s, err := server.NewServer(&server.Options{
		ServerName:             "parley",
		DontListen:             true,
		NoSigs:                 true,
		NoSystemAccount:        true,
		DisableJetStreamBanner: true,
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             true,
		JetStreamMaxStore:      math.MaxInt64 / 4, // the disk says when it is full
		JetStreamMaxMemory:     64 << 20,          // consumers' state
	})
	if err != nil {
		return nil, err
	}
	s.SetLoggerV2(e.log, false, false, false)
	e.server = s
	s.Start() // returns, since it does not listen
	if err := e.log.fatal(); err != nil {
		e.stop()
		return nil, err
	}
	if !s.ReadyForConnections(startupTimeout) {
		e.stop()
		return nil, errors.New("the embedded server does not start")
	}
	return e, nil
}

// stop ends the server and waits for it.
func (e *embedded) stop() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// connectEmbedded starts a server on dir and connects to it.
func connectEmbedded(c *Config) (*link, error) {
	inner, err := startEmbedded(c.Store, c.log())
	if err != nil {
		return nil, err
	}
	k := newLink()
	k.inner = inner
	inner.log.onFailure(k.fail)
	k.nc, err = nats.Connect("", nats.InProcessServer(inner.server), nats.Name("parley chat"),
		nats.NoReconnect(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { k.fail(errors.Join(errNoServer, err)) }))
	if err != nil {
		inner.stop()
		return nil, err
	}
	return k.ready()
}

// ready gives a link that has a connection the rest.
func (k *link) ready() (*link, error) {
	var err error
	if k.js, err = natsjs.New(k.nc); err == nil {
		k.gets, err = newGetter(k)
	}
	if err == nil {
		k.acks, err = newAcks(k.nc)
	}
	if err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

// A serverLog is the log of an embedded server. It passes on warnings and errors,
// and tells of those that mean that nothing can be stored any more.
type serverLog struct {
	to *slog.Logger

	mu     sync.Mutex
	died   error
	broke  error
	failed func(error)
}

func (l *serverLog) Noticef(string, ...any) {}
func (l *serverLog) Debugf(string, ...any)  {}
func (l *serverLog) Tracef(string, ...any)  {}

func (l *serverLog) Warnf(format string, args ...any) {
	l.say(slog.LevelWarn, fmt.Sprintf(format, args...), args)
}

func (l *serverLog) Errorf(format string, args ...any) {
	l.say(slog.LevelError, fmt.Sprintf(format, args...), args)
}

// say passes text on, if it is not told otherwise.
func (l *serverLog) say(level slog.Level, text string, args []any) {
	switch {
	case usual(text):
		level = slog.LevelDebug
	case cannotWrite(text):
		level = slog.LevelDebug
		l.failure(cause(text, args))
	}
	l.to.Log(context.Background(), level, "chat log: "+text)
}

// usual reports whether text is what a server warns of whenever the process before
// was killed: its index is older than its files, which were checked before.
func usual(text string) bool {
	return strings.Contains(text, "will rebuild") || strings.Contains(text, "Recovering stream state from index errored")
}

// Fatalf is called where nats-server itself would end the process.
func (l *serverLog) Fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.died == nil {
		l.died = errors.New(strings.TrimPrefix(text, "Can't start JetStream: "))
	}
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}

// cannotWrite reports whether text means that the server cannot write. These are
// the messages of stream.go, filestore.go and jetstream.go of nats-server 2.15
// after which a stream, or JetStream as a whole, refuses everything until the
// server is started again, without telling who publishes.
func cannotWrite(text string) bool {
	lower := strings.ToLower(text)
	for _, sign := range []string{"critical write error", "failed to store a msg", "disabling jetstream", "will be disabled"} {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	return false
}

func (l *serverLog) failure(err error) {
	l.mu.Lock()
	if l.broke != nil {
		l.mu.Unlock()
		return
	}
	l.broke = err
	failed := l.failed
	l.mu.Unlock()
	if failed != nil {
		failed(err)
	}
}

// onFailure has failed called once when the server cannot write any more,
// perhaps at once.
func (l *serverLog) onFailure(failed func(error)) {
	l.mu.Lock()
	l.failed = failed
	broke := l.broke
	l.mu.Unlock()
	if broke != nil {
		failed(broke)
	}
}

// cause is the error among what the server logs, else its text.
func cause(text string, args []any) error {
	for _, a := range args {
		if err, ok := a.(error); ok {
			if path := (*os.PathError)(nil); errors.As(err, &path) {
				return path.Err // the names of the server's own files say nothing
			}
			return err
		}
	}
	if _, after, ok := strings.Cut(text, "critical write error: "); ok {
		text = after
	}
	return errors.New(text)
}
