package transport

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
)

func TestOpError(t *testing.T) {
	e := endpoint.MustParse("tls://127.0.0.1:1?key=secret.pem&cert=c.pem")
	inner := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	err := opError("dial", e, &net.OpError{Op: "dial", Net: "tcp", Err: inner})
	if got, want := err.Error(), "dial tls://127.0.0.1:1: connect: connection refused"; got != want {
		t.Errorf("Error: got %q, want %q", got, want)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v does not match ECONNREFUSED", err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		t.Errorf("%v holds a *net.OpError: %v", err, op)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the options are in the text: %v", err)
	}
	if again := opError("listen", e, err); again != err {
		t.Errorf("opError of an *OpError: got %v, want it unchanged", again)
	}
	if opError("dial", e, nil) != nil {
		t.Error("opError of nil is not nil")
	}
}

func TestTimeouts(t *testing.T) {
	e := endpoint.MustParse("tcp://a.test:1")
	late := attempt{"192.0.2.1:1", os.ErrDeadlineExceeded}
	no := attempt{"192.0.2.2:1", syscall.ECONNREFUSED}
	tests := []struct {
		err  error
		want bool
	}{
		{syscall.ECONNREFUSED, false},
		{os.ErrDeadlineExceeded, true},
		{context.DeadlineExceeded, true},
		{attemptsError{late, late}, true},
		{attemptsError{late, no}, false},
		{attemptsError{no, no}, false},
		{&connectTimeout{time.Second, attemptsError{late, no}}, true},
	}
	for _, tt := range tests {
		if got := opError("dial", e, tt.err).(*OpError).Timeout(); got != tt.want {
			t.Errorf("Timeout of %v: got %v, want %v", tt.err, got, tt.want)
		}
	}
	err := opError("dial", e, &connectTimeout{2 * time.Second, attemptsError{late, no}})
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v does not match both causes", err)
	}
	want := "dial tcp://a.test:1: gave up after connect=2s: 192.0.2.1:1: i/o timeout; 192.0.2.2:1: connection refused"
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestExplain(t *testing.T) {
	err := explain(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}, "say %s", "please")
	if got, want := err.Error(), "connect: permission denied: say please"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, syscall.EACCES) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v does not match its cause", err)
	}
}
