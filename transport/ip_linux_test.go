package transport

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"parley/endpoint"
)

func TestIPWithoutThePrivilege(t *testing.T) {
	e := endpoint.MustParse("ip://127.0.0.1?proto=253")
	const want = "ip://127.0.0.1: socket: operation not permitted: a raw socket needs root or CAP_NET_RAW"
	errs := make(chan error, 2)
	go withoutRaw(t, errs, e) // ends with the two errors
	for _, op := range []string{"listen ", "dial "} {
		err := <-errs
		if !errors.Is(err, os.ErrPermission) || !errors.Is(err, syscall.EPERM) || err.Error() != op+want {
			t.Errorf("%sof a raw protocol without the privilege: %v, want %s", op, err, op+want)
		}
	}
}

// withoutRaw listens and dials on a thread that has given CAP_NET_RAW up. The
// thread ends with the goroutine, since that does not unlock it.
func withoutRaw(t *testing.T, errs chan<- error, e endpoint.Endpoint) {
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capset(&header, &data[0]); err != nil {
		t.Errorf("capset: %v", err)
	}
	pc, err := ListenPacket(t.Context(), e)
	if err == nil {
		pc.Close()
	}
	errs <- err
	c, err := Dial(t.Context(), e)
	if err == nil {
		c.Close()
	}
	errs <- err
}
