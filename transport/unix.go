package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"parley/endpoint"
)

// listenUnix listens on a stream socket. Accept returns *net.UnixConn.
func listenUnix(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	ln, err := bindUnix(ctx, e)
	if err != nil {
		return nil, err
	}
	return ln, nil
}

// bindUnix is for the schemes whose sockets accept.
func bindUnix(ctx context.Context, e endpoint.Endpoint) (*unixListener, error) {
	name, err := unixName(e)
	if err != nil {
		return nil, err
	}
	var ln *net.UnixListener
	file, err := claim(ctx, name, modeOf(e), func(ctx context.Context, control control) (closer, error) {
		lc := net.ListenConfig{Control: control}
		l, err := lc.Listen(ctx, e.Scheme, name)
		if err != nil {
			return nil, err
		}
		ln = l.(*net.UnixListener)
		ln.SetUnlinkOnClose(false) // it goes by the name alone; socketFile looks first
		return ln, nil
	})
	if err != nil {
		return nil, err
	}
	return &unixListener{UnixListener: ln, file: file}, nil
}

// unixListener removes its file when it is closed.
type unixListener struct {
	*net.UnixListener
	file *socketFile // nil for an abstract name
	once sync.Once
}

// Close removes the file first, while the socket still keeps its inode number
// from being used again.
func (l *unixListener) Close() error {
	l.once.Do(l.file.remove)
	return l.UnixListener.Close()
}

// dialUnix returns a *net.UnixConn.
func dialUnix(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	return connectUnix(ctx, e)
}

// connectUnix waits for room in the listener's backlog, as a connect(2) that
// may block does: the system answers EAGAIN to one that may not, and tells
// nobody when there is room.
func connectUnix(ctx context.Context, e endpoint.Endpoint) (*net.UnixConn, error) {
	name, err := unixName(e)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		c, err := d.DialContext(ctx, e.Scheme, name)
		if err == nil {
			return c.(*net.UnixConn), nil
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("the listener's backlog is full: %w", ctx.Err())
		}
	}
}

// unixName is e's path if the system's calls can carry it.
func unixName(e endpoint.Endpoint) (string, error) {
	limit := len(syscall.RawSockaddrUnix{}.Path) - 1 // a path ends with a zero byte
	if strings.HasPrefix(e.Path, "@") {
		if runtime.GOOS != "linux" {
			return "", fmt.Errorf("%s: abstract names are Linux's, use a path: %w", e.Path, errors.ErrUnsupported)
		}
		limit++ // a zero byte takes the place of the '@'
	}
	switch {
	case e.Path == "", e.Path == "@":
		return "", errors.New("no path given")
	case len(e.Path) > limit:
		return "", fmt.Errorf("the path has %d bytes, this system takes at most %d", len(e.Path), limit)
	case strings.Contains(e.Path, "\x00"):
		return "", errors.New("the path has a zero byte in it")
	}
	return e.Path, nil
}

// modeOf is the permission bits of the socket's file. Who may write may
// connect.
func modeOf(e endpoint.Endpoint) uint32 {
	if value, ok := e.Option("mode"); ok {
		if mode, err := parseMode(value); err == nil {
			return mode
		}
	}
	return 0o600
}
