package servicetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"parley/endpoint"
	"parley/transport"
)

// A way is a transport that services are tested over.
type way struct {
	scheme    string
	datagrams bool
	messages  bool // a stream that keeps message boundaries
	secure    bool // a handshake comes first
	simulated bool // in simulated time
}

func ways() []way {
	return []way{
		{scheme: "mem", simulated: true},
		{scheme: "tcp"},
		{scheme: "udp", datagrams: true},
		{scheme: "unix"},
		{scheme: "unixgram", datagrams: true},
		{scheme: "unixpacket", messages: true},
		{scheme: "tls", secure: true},
		{scheme: "ws", messages: true, secure: true},
		{scheme: "wss", messages: true, secure: true},
	}
}

// endpoint is where a server of a test listens.
func (w way) endpoint(t testing.TB) string {
	switch w.scheme {
	case "mem":
		return endpoint.Endpoint{Scheme: "mem", Path: t.Name()}.String()
	case "unix", "unixgram", "unixpacket":
		dir, err := os.MkdirTemp("", "st") // t.TempDir's is longer than a socket's name may be
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		return w.scheme + ":" + filepath.ToSlash(filepath.Join(dir, "s"))
	}
	return w.scheme + "://127.0.0.1:0"
}

// available is why the system does not have w, or nil. An error other than
// errors.ErrUnsupported will come again, in the test.
func (w way) available() error {
	if w.scheme != "unixgram" && w.scheme != "unixpacket" {
		return nil
	}
	dir, err := os.MkdirTemp("", "st")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e := endpoint.Endpoint{Scheme: w.scheme, Path: filepath.ToSlash(filepath.Join(dir, "s"))}
	ln, pc, err := transport.Open(context.Background(), e)
	if ln != nil {
		ln.Close()
	}
	if pc != nil {
		pc.Close()
	}
	return err
}
