//go:build unix

package transport

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"

	"parley/endpoint"
)

// listenAt listens on text for streams until the test ends.
func listenAt(t testing.TB, text string) net.Listener {
	t.Helper()
	ln, err := Listen(patient(t), endpoint.MustParse(text))
	if err != nil {
		t.Fatalf("Listen(%s): %v", text, err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// shortDir is a directory for sockets: t.TempDir's are too long for some tests'
// names.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// unixSchemes are those that the system has.
func unixSchemes() []string {
	if runtime.GOOS == "darwin" {
		return []string{"unix", "unixgram"}
	}
	return []string{"unix", "unixgram", "unixpacket"}
}

// openAt opens text, streams or datagrams; the result closes it.
func openAt(text string) (io.Closer, error) {
	ln, pc, err := Open(context.Background(), endpoint.MustParse(text))
	switch {
	case err != nil:
		return nil, err
	case ln != nil:
		return ln, nil
	}
	return pc, nil
}

// abandon leaves a socket file behind that no socket is bound to, as a killed
// program does.
func abandon(t *testing.T, path string, kind int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, kind, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
}

func TestUnixConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		dir := shortDir(t)
		ln, err := Listen(context.Background(), endpoint.MustParse("unix:"+dir+"/s"))
		if err != nil {
			return nil, nil, nil, err
		}
		defer ln.Close()
		if c1, err = Dial(context.Background(), endpoint.MustParse("unix:"+dir+"/s")); err != nil {
			return nil, nil, nil, err
		}
		if c2, err = ln.Accept(); err != nil {
			return nil, nil, nil, err
		}
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

func TestUnixGivesPlainConns(t *testing.T) {
	path := shortDir(t) + "/s"
	ln := listenAt(t, "unix:"+path)
	if got := ln.Addr().String(); got != path {
		t.Errorf("Addr() = %s, want %s", got, path)
	}
	c := dialAt(t, "unix:"+path, nil)
	s := acceptOne(t, ln)
	for who, c := range map[string]net.Conn{"Dial": c, "Accept": s} {
		if _, ok := c.(*net.UnixConn); !ok {
			t.Errorf("%s gave a %T, want a *net.UnixConn", who, c)
		}
	}
	send(t, c, "ping")
	expect(t, s, "ping")
	if err := c.(HalfCloser).CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	if n, err := s.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("Read after the peer's CloseWrite = %d, %v, want 0, EOF", n, err)
	}
	send(t, s, "late")
	expect(t, c, "late")
}

func TestUnixFileIsOursAloneAndGoesAtClose(t *testing.T) {
	for _, scheme := range unixSchemes() {
		path := shortDir(t) + "/s"
		l, err := openAt(scheme + ":" + path)
		if err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != fs.ModeSocket|0o600 {
			t.Errorf("%s: file is %v, %v, want a socket with mode 0600", scheme, info, err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("%s: Close: %v", scheme, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: after Close the file is still there (%v)", scheme, err)
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: second Close: %v, want net.ErrClosed", scheme, err)
		}
	}
}

func TestUnixMode(t *testing.T) {
	old := unix.Umask(0o077) // what the umask takes away is given back
	defer unix.Umask(old)
	for _, scheme := range unixSchemes() {
		path := shortDir(t) + "/s"
		l, err := openAt(scheme + ":" + path + "?mode=666")
		if err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o666 {
			t.Errorf("%s: mode=666 gave %v, %v", scheme, info.Mode(), err)
		}
		l.Close()
	}
}

// The file must not be open to others even for the moment between bind and
// chmod.
func TestUnixModeFromTheFirstMoment(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux gives the file the socket's mode")
	}
	old := unix.Umask(0)
	defer unix.Umask(old)
	path := shortDir(t) + "/s"
	lc := net.ListenConfig{Control: modeControl(0o600)}
	ln, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("right after bind with umask 0 the mode is %v, %v, want 0600", info.Mode(), err)
	}
}

func TestUnixStaleFileIsReplaced(t *testing.T) {
	kinds := map[string]int{"unix": unix.SOCK_STREAM, "unixgram": unix.SOCK_DGRAM, "unixpacket": unix.SOCK_SEQPACKET}
	for _, scheme := range unixSchemes() {
		for _, left := range unixSchemes() {
			path := shortDir(t) + "/s"
			abandon(t, path, kinds[left])
			l, err := openAt(scheme + ":" + path)
			if err != nil {
				t.Errorf("%s over a stale %s: %v", scheme, left, err)
				continue
			}
			l.Close()
		}
	}
}

func TestUnixHeldFileIsLeftAlone(t *testing.T) {
	for _, scheme := range unixSchemes() {
		for _, holder := range unixSchemes() {
			path := shortDir(t) + "/s"
			l, err := openAt(holder + ":" + path)
			if err != nil {
				t.Fatal(err)
			}
			second, err := openAt(scheme + ":" + path)
			if err == nil {
				second.Close()
			}
			want := "listen " + scheme + ":" + path + ": bind: address already in use: another program has the socket"
			if !errors.Is(err, syscall.EADDRINUSE) || err.Error() != want {
				t.Errorf("%s where a %s is: %v, want %s", scheme, holder, err, want)
			}
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("%s where a %s is: its file: %v", scheme, holder, err)
			}
			l.Close()
		}
	}
}

// The look whether anybody listens is not a visit.
func TestUnixProbeIsNotSeen(t *testing.T) {
	path := shortDir(t) + "/s"
	ln := listenAt(t, "unix:"+path)
	if l, err := openAt("unix:" + path); err == nil {
		l.Close()
		t.Fatal("two listeners on one path")
	}
	c := dialAt(t, "unix:"+path, nil)
	s := acceptOne(t, ln)
	send(t, c, "first")
	expect(t, s, "first")
}

func TestUnixFileThatIsNoSocketIsLeftAlone(t *testing.T) {
	path := shortDir(t) + "/precious"
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range unixSchemes() {
		for _, path := range []string{path, link, filepath.Dir(path)} {
			l, err := openAt(scheme + ":" + path)
			if err == nil {
				l.Close()
			}
			want := "listen " + scheme + ":" + path + ": bind: address already in use: the file exists and is not a socket"
			if !errors.Is(err, syscall.EADDRINUSE) || err.Error() != want {
				t.Errorf("listen on %s: %v, want %s", path, err, want)
			}
		}
	}
	if b, err := os.ReadFile(path); string(b) != "data" {
		t.Errorf("the file has %q, %v, want %q", b, err, "data")
	}
}

// Close must not take away the file of somebody who has come since.
func TestUnixCloseLeavesAnothersFile(t *testing.T) {
	for _, scheme := range unixSchemes() {
		path := shortDir(t) + "/s"
		first, err := openAt(scheme + ":" + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		second, err := openAt(scheme + ":" + path)
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: Close of the first removed the second's file: %v", scheme, err)
		}
		second.Close()
	}
}

// Eight programs find the same stale file. One gets the name, and what the
// others do must not make it unreachable.
func TestUnixRaceForAStaleFile(t *testing.T) {
	for range 20 {
		path := shortDir(t) + "/s"
		abandon(t, path, unix.SOCK_STREAM)
		winner := raceFor(t, "unix:"+path, 8)
		if winner == nil {
			t.Fatal("none of 8 starters got the stale file's name")
		}
		c := dialAt(t, "unix:"+path, nil)
		s := acceptOne(t, winner)
		send(t, c, "reached")
		expect(t, s, "reached")
		winner.Close()
	}
}

// raceFor lets n listeners start at once and returns the one that succeeded.
func raceFor(t *testing.T, text string, n int) net.Listener {
	var wg sync.WaitGroup
	won := make(chan net.Listener, n)
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			ln, err := Listen(context.Background(), endpoint.MustParse(text))
			switch {
			case err == nil:
				won <- ln
			case !errors.Is(err, syscall.EADDRINUSE):
				t.Errorf("a loser's error: %v, want EADDRINUSE", err)
			}
		})
	}
	close(start)
	wg.Wait()
	close(won)
	var winner net.Listener
	for ln := range won {
		if winner != nil {
			t.Error("two starters both got the name")
			ln.Close()
			continue
		}
		winner = ln
	}
	return winner
}

func TestUnixWhereTheDirectoryCannotBeLocked(t *testing.T) {
	dir := shortDir(t)
	unlock, err := lockDir(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = Listen(ctx, endpoint.MustParse("unix:"+dir+"/s"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Listen in a locked directory, with a context of 50ms: %v, want its end", err)
	}
	unlock()
	listenAt(t, "unix:"+dir+"/s").Close()

	locked := errors.New("no locks here")
	if err := clearStale(context.Background(), dir+"/none", locked); err != nil {
		t.Errorf("a free name without a lock: %v, want no error", err)
	}
	abandon(t, dir+"/stale", unix.SOCK_STREAM)
	err = clearStale(context.Background(), dir+"/stale", locked)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "stale") {
		t.Errorf("a stale name without a lock: %v, want EADDRINUSE that says stale", err)
	}
	if _, err := os.Lstat(dir + "/stale"); err != nil {
		t.Errorf("the stale file was removed without a lock: %v", err)
	}
}

func TestUnixPathTooLong(t *testing.T) {
	limit := len(syscall.RawSockaddrUnix{}.Path) - 1
	dir := shortDir(t)
	longest := dir + "/" + strings.Repeat("x", limit-len(dir)-1)
	for _, scheme := range unixSchemes() {
		l, err := openAt(scheme + ":" + longest)
		if err != nil {
			t.Errorf("%s with a path of %d bytes: %v", scheme, len(longest), err)
			continue
		}
		l.Close()
		_, err = openAt(scheme + ":" + longest + "x")
		if want := "bytes, this system takes at most"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s with a byte more: %v, want an error with %q", scheme, err, want)
		}
		if _, err := Dial(patient(t), endpoint.MustParse(scheme+":"+longest+"x")); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("Dial %s with a byte more: %v, want an error with the limit", scheme, err)
		}
	}
}

func TestUnixDialErrors(t *testing.T) {
	path := shortDir(t) + "/s"
	for _, scheme := range unixSchemes() {
		_, err := Dial(patient(t), endpoint.MustParse(scheme+":"+path))
		want := "dial " + scheme + ":" + path + ": connect: no such file or directory"
		if !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
			t.Errorf("Dial where there is nothing: %v, want %s", err, want)
		}
	}
	abandon(t, path, unix.SOCK_STREAM)
	_, err := Dial(patient(t), endpoint.MustParse("unix:"+path))
	if want := "dial unix:" + path + ": connect: connection refused"; !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != want {
		t.Errorf("Dial of a stale file: %v, want %s", err, want)
	}
}

func TestUnixAbstract(t *testing.T) {
	if runtime.GOOS != "linux" {
		_, err := Listen(patient(t), endpoint.MustParse("unix:@x"))
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("abstract name: %v, want errors.ErrUnsupported", err)
		}
		return
	}
	name := "@" + filepath.Base(shortDir(t))
	ln := listenAt(t, "unix:"+name)
	c := dialAt(t, "unix:"+name, nil)
	send(t, c, "hi")
	expect(t, acceptOne(t, ln), "hi")
	if _, err := os.Lstat(name); err == nil {
		t.Errorf("an abstract name made the file %s", name)
	}
	if _, err := Listen(patient(t), endpoint.MustParse("unix:"+name)); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listener on %s: %v, want EADDRINUSE", name, err)
	}
	if _, err := Listen(patient(t), endpoint.MustParse("unix:"+name+"?mode=600")); err == nil {
		t.Error("mode= of an abstract name: no error, want one")
	}
}

// A full backlog is waited for, as by a program whose connect(2) may block.
func TestUnixDialWaitsForRoomInTheBacklog(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems refuse at once when the backlog is full")
	}
	path := shortDir(t) + "/s"
	ln := listenAt(t, "unix:"+path)
	if err := setBacklog(ln.(*unixListener), 0); err != nil {
		t.Fatal(err)
	}
	dialAt(t, "unix:"+path, nil) // is all that has room
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, endpoint.MustParse("unix:"+path)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Dial with a full backlog and a context of 30ms: %v, want its end", err)
	}
	dialled := make(chan error, 1)
	go func() {
		c, err := Dial(patient(t), endpoint.MustParse("unix:"+path))
		if err == nil {
			c.Close()
		}
		dialled <- err
	}()
	acceptOne(t, ln) // makes room
	if err := <-dialled; err != nil {
		t.Errorf("Dial that had to wait: %v", err)
	}
}
