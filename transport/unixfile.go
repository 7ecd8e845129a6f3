package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"parley/endpoint"
)

// socketFile is the file of a bound Unix socket.
type socketFile struct {
	path string      // absolute: the process may change its directory
	info fs.FileInfo // of the file that we made
}

type closer = io.Closer

// claim binds a Unix socket to name by means of bind, removing a stale file
// that is in the way, and gives the file its mode. Of several programs that
// claim one name at once a single one gets it: look, removal and bind happen
// under a lock of the directory. The result is nil for an abstract name.
//
// Where the directory cannot be locked (no permission to read it, or a file
// system without locks) nothing is removed, and a name that is free is bound
// all the same.
func claim(ctx context.Context, name string, mode uint32, bind func(context.Context, control) (closer, error)) (*socketFile, error) {
	if strings.HasPrefix(name, "@") {
		_, err := bind(ctx, nil)
		return nil, err
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	unlock, lockErr := lockDir(ctx, filepath.Dir(path))
	if lockErr == nil {
		defer unlock()
	} else if ctx.Err() != nil {
		return nil, lockErr
	}
	if err := clearStale(ctx, path, lockErr); err != nil {
		return nil, err
	}
	c, err := bind(ctx, modeControl(mode))
	if err != nil {
		return nil, err
	}
	info, err := settle(path, mode)
	if err != nil {
		os.Remove(path)
		c.Close()
		return nil, err
	}
	return &socketFile{path: path, info: info}, nil
}

// modeControl gives the socket its mode before it has a file, where the system
// lets it: then the file never has another mode that is wider.
func modeControl(mode uint32) control {
	return func(_, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error { return s.setFileMode(mode) })
	}
}

// settle gives the fresh file its mode. Where setFileMode has done so before,
// it only adds what the umask took away.
func settle(path string, mode uint32) (fs.FileInfo, error) {
	if runtime.GOOS != "windows" { // which has no such bits
		if err := os.Chmod(path, fs.FileMode(mode)); err != nil {
			return nil, err
		}
	}
	return os.Lstat(path)
}

// remove removes the file if it is still the one that we made: someone may
// have moved it away, or removed it and listened anew. A nil receiver has none.
func (f *socketFile) remove() {
	if f == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.info) {
		os.Remove(f.path)
	}
}

// clearStale removes a socket file that no socket is bound to; lockErr is why
// that may not be done. Anything else at path is an error that matches
// syscall.EADDRINUSE.
func clearStale(ctx context.Context, path string, lockErr error) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !isSocket(info):
		return inUse("the file exists and is not a socket")
	}
	held, err := probe(ctx, path)
	switch {
	case err != nil:
		return inUse("cannot tell whether the socket file is stale: %v", cause(err))
	case held:
		return inUse("another program has the socket")
	case lockErr != nil:
		return inUse("the socket file is stale, but its directory cannot be locked to remove it: %v", lockErr)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stale socket file: %w", err)
	}
	return nil
}

func inUse(format string, args ...any) error {
	return explain(os.NewSyscallError("bind", syscall.EADDRINUSE), format, args...)
}

// probe reports whether a socket is bound to the file. On Unix it connects a
// datagram socket: a bound socket of another type is then told by EPROTOTYPE,
// and its owner sees no connection.
func probe(ctx context.Context, path string) (held bool, err error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, probeNetwork, path)
	switch {
	case err == nil:
		c.Close()
		return true, nil
	case errors.Is(err, errRefused), errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, syscall.EPROTOTYPE), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EAGAIN):
		return true, nil // EPERM: a datagram socket with another peer
	}
	return true, err
}

// notHere is the error of a scheme that the system lacks.
func notHere(e endpoint.Endpoint) error {
	return fmt.Errorf("%s is not on this system: %w", e.Scheme, errors.ErrUnsupported)
}
