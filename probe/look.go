package probe

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"parley/endpoint"
	"parley/internal/cause"
	"parley/transport"
)

// A looker looks at the targets of one round. It may be used by several
// goroutines at once.
type looker struct {
	o     Options
	names *names

	mu    sync.Mutex                                       // guards what follows
	files map[endpoint.Endpoint]func() (tlsOptions, error) // by endpoint without its port

	// dial connects to an endpoint whose host is numeric, where it has one.
	dial func(context.Context, endpoint.Endpoint) (net.Conn, error)
}

func newLooker(o Options) *looker {
	return &looker{o: o, files: make(map[endpoint.Endpoint]func() (tlsOptions, error)), names: newNames(nil), dial: transport.Dial}
}

// look finds out what is at t. It returns soon after ctx has ended, and within the
// time that Options allow.
func (l *looker) look(ctx context.Context, t Target) Result {
	r := Result{Target: t, At: time.Now()}
	switch scheme := t.Endpoint.Scheme; {
	case isPing(scheme):
		l.ping(ctx, &r)
	case scheme == "tls", scheme == "wss":
		l.secure(ctx, &r)
	case scheme == "ws":
		l.webSocket(ctx, &r)
	case isUDP(scheme), scheme == "unixgram":
		l.datagram(ctx, &r)
	default:
		l.stream(ctx, &r)
	}
	return r
}

// tlsOptions reads the options of e once for all its ports: the files they name may
// be long.
func (l *looker) tlsOptions(e endpoint.Endpoint) (tlsOptions, error) {
	e.Port = ""
	l.mu.Lock()
	read, ok := l.files[e]
	if !ok {
		read = sync.OnceValues(func() (tlsOptions, error) { return readTLSOptions(e) })
		l.files[e] = read
	}
	l.mu.Unlock()
	return read()
}

// fail says in r why its target is not up.
func (r *Result) fail(err error) {
	c := cause.Of(err)
	r.Err, r.Errno, r.Number = err, c.Name, c.Number
	r.State, r.Up = stateOf(err), false
}

// stateOf is the state that an error of connecting shows.
func stateOf(err error) State {
	var dns *net.DNSError
	switch word := cause.Of(err).Word; {
	case errors.As(err, &dns): // nothing was sent to the target
		return Failed
	case word == "refused", errors.Is(err, errItself):
		return Refused
	case word == "timed out":
		return TimedOut
	case word == "unreachable":
		return Unreachable
	}
	return Failed
}

// inner strips the layers of err that repeat operation and address.
func inner(err error) error {
	for {
		op, ok := err.(*net.OpError)
		if !ok || op.Err == nil {
			return err
		}
		err = op.Err
	}
}

var (
	errFamily = errors.New("no address of the family asked for")
	errItself = errors.New("connected to itself: nothing listens there")
)
