package cause

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// patience bounds every wait of these tests.
const patience = 10 * time.Second

// The errors are made, so that they are the same on every system.
func TestOfMadeErrors(t *testing.T) {
	dial := func(err error) error {
		return &transport.OpError{Op: "dial", Endpoint: endpoint.MustParse("tcp://127.0.0.1:1"), Err: err}
	}
	handshake := func(scheme string, err error) error {
		return &transport.OpError{Op: "handshake", Endpoint: endpoint.MustParse(scheme + "://127.0.0.1:1"), Err: err}
	}
	late := fmt.Errorf("read: %w", os.ErrDeadlineExceeded)
	for _, tt := range []struct {
		name string
		err  error
		want Cause
	}{
		{"nothing", nil, Cause{}},
		{"nobody knows", errors.New("x"), Cause{Word: "failed"}},
		{"end", io.EOF, Cause{Word: "closed"}},
		{"end in the middle", dial(io.ErrUnexpectedEOF), Cause{Word: "closed"}},
		{"end of ours", &net.OpError{Op: "read", Err: net.ErrClosed}, Cause{Word: "closed"}},
		{"deadline of ours", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Cause{Word: "timed out"}},
		{"context's end", dial(context.DeadlineExceeded), Cause{Word: "timed out"}},
		{"canceled", dial(context.Canceled), Cause{Word: "canceled"}},
		{"long message", fmt.Errorf("read: %w", transport.ErrMessageTooLong), Cause{Word: "too long"}},
		{"no name", dial(&net.DNSError{Name: "no.such", IsNotFound: true}), Cause{Word: "no such name"}},
		{"no name server", &net.DNSError{Name: "no.such", IsTimeout: true}, Cause{Word: "timed out"}},
		{"bad name server", &net.DNSError{Name: "no.such", IsTemporary: true}, Cause{Word: "failed"}},
		{"certificate", handshake("tls", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), Cause{Word: "tls"}},
		{"certificate by value", x509.HostnameError{Host: "a", Certificate: new(x509.Certificate)}, Cause{Word: "tls"}},
		{"no tls there", tls.RecordHeaderError{Msg: "x"}, Cause{Word: "tls"}},
		{"handshake without a type", handshake("wss", errors.New("tls: something")), Cause{Word: "tls"}},
		{"handshake of another kind", handshake("ws", errors.New("no upgrade")), Cause{Word: "failed"}},
		{"handshake that ended", handshake("tls", io.ErrUnexpectedEOF), Cause{Word: "closed"}},
		{"handshake out of time", handshake("tls", late), Cause{Word: "timed out"}},
		{"joined, the deadline first", errors.Join(late, io.EOF), Cause{Word: "closed"}},
	} {
		if got := Of(tt.err); got != tt.want {
			t.Errorf("%s: Of(%v) = %+v, want %+v", tt.name, tt.err, got, tt.want)
		}
	}
}

// Of an error that sums several up, its parts count.
func TestOfSums(t *testing.T) {
	refused := errnoNamed(t, "refused")
	err := summed{os.ErrDeadlineExceeded, &net.OpError{Err: os.NewSyscallError("connect", refused)}}
	if got := Of(fmt.Errorf("gave up: %w", err)); got.Word != "refused" || got.Number != int(refused) {
		t.Errorf("Of a refusal and a deadline = %+v, want refused %d", got, refused)
	}
	if got := Of(summed{errors.New("x")}); got.Word != "failed" {
		t.Errorf("Of what only sums up to a timeout = %+v, want failed", got)
	}
}

// summed says of itself that it is a timeout.
type summed []error

func (e summed) Error() string   { return "several" }
func (e summed) Unwrap() []error { return e }
func (e summed) Timeout() bool   { return true }

// errnoNamed is an error of this system with that word.
func errnoNamed(t *testing.T, word string) syscall.Errno {
	for n := syscall.Errno(1); n < 20000; n++ {
		if wordOf(n) == word {
			return n
		}
	}
	t.Fatalf("no error of this system is %s", word)
	return 0
}

// Every word is in the order of telling, and every error that has one a name.
func TestEveryErrnoHasAName(t *testing.T) {
	words := 0
	for n := syscall.Errno(1); n < 20000; n++ {
		word := wordOf(n)
		if word == "" {
			continue
		}
		words++
		if !slices.Contains(telling, word) {
			t.Errorf("%d is %q, which is no word", n, word)
		}
		if nameOf(n) == "" {
			t.Errorf("%d is %q and has no name", n, word)
		}
	}
	if words < 15 {
		t.Errorf("%d errors of the system have a word, want more", words)
	}
	if got := Of(syscall.Errno(19999)); got != (Cause{Word: "failed", Number: 19999}) {
		t.Errorf("Of an unknown number = %+v", got)
	}
}

// That a file is missing is no socket's fault.
func TestOfMissingFile(t *testing.T) {
	_, err := os.ReadFile(t.TempDir() + "/ca.pem")
	var path *fs.PathError
	if !errors.As(err, &path) {
		t.Fatal(err)
	}
	if got := Of(err); got.Word != "failed" || got.Name == "" {
		t.Errorf("Of(%v) = %+v, want failed with the system's name", err, got)
	}
}
