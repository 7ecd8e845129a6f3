package probe

import (
	"bytes"
	"context"
	"net"
	"strings"
	"time"
)

// maxBanner is how much is kept of what a peer says first, in bytes.
const maxBanner = 512

// stream looks at what connects: tcp, unix, unixpacket, mem. What the peer says
// first has its own time, beside that of connecting.
func (l *looker) stream(ctx context.Context, r *Result) {
	within, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	e := r.Target.Endpoint
	var a attempt
	if strings.HasPrefix(e.Scheme, "tcp") {
		a = l.connect(within, e)
	} else {
		begun := time.Now()
		a.conn, a.err = l.dial(within, e)
		a.took = time.Since(begun)
	}
	r.Address, r.Time = a.address, a.took
	if a.err != nil {
		r.fail(a.err)
		return
	}
	defer a.conn.Close()
	r.State, r.Up = Open, true
	if wait := l.o.banner(); wait > 0 {
		r.Banner = readBanner(ctx, a.conn, wait)
	}
}

// readBanner reads what the peer says first: until a line is whole, or wait is
// over, or ctx has ended.
func readBanner(ctx context.Context, c net.Conn, wait time.Duration) []byte {
	c.SetReadDeadline(time.Now().Add(wait))
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, maxBanner)
	n := 0
	for n < len(buf) {
		got, err := c.Read(buf[n:])
		n += got
		if err != nil || bytes.HasSuffix(buf[:n], []byte("\n")) {
			break
		}
	}
	if n == 0 {
		return nil
	}
	return bytes.Clone(buf[:n])
}
