//go:build unix && !linux

package transport

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"parley/endpoint"
)

// dialUnixgram returns a connected socket. Without Linux's abstract names its
// own name is a file in a private directory, which Close removes; so only
// programs of the same user, and root's, can answer it.
func dialUnixgram(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	name, err := unixName(e)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "parley")
	if err != nil {
		return nil, err
	}
	own := filepath.Join(dir, "s")
	d := net.Dialer{LocalAddr: &net.UnixAddr{Name: own, Net: "unixgram"}}
	c, err := d.DialContext(ctx, "unixgram", name)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &unixgramConn{UnixConn: c.(*net.UnixConn), dir: dir}, nil
}

type unixgramConn struct {
	*net.UnixConn
	dir string
}

func (c *unixgramConn) Close() error {
	err := c.UnixConn.Close()
	os.RemoveAll(c.dir)
	return err
}
