package transport

import (
	"context"
	"errors"
	"net"
	"time"

	"parley/endpoint"
)

// scheme is how one scheme is opened. A nil function is something the scheme
// does not have. The functions are called with options that check has passed.
type scheme struct {
	listen func(context.Context, endpoint.Endpoint) (net.Listener, error)
	packet func(context.Context, endpoint.Endpoint) (net.PacketConn, error)
	dial   func(context.Context, endpoint.Endpoint) (net.Conn, error)

	// either is for a scheme that finds out by opening whether it is for
	// streams or datagrams; the others are then nil.
	either func(context.Context, endpoint.Endpoint) (net.Listener, net.PacketConn, error)
}

// schemes is the table of every scheme. Constant.
var schemes = map[string]scheme{
	"tcp":        {listen: listenTCP, dial: dialTCP},
	"tcp4":       {listen: listenTCP, dial: dialTCP},
	"tcp6":       {listen: listenTCP, dial: dialTCP},
	"udp":        {packet: listenUDP, dial: dialUDP},
	"udp4":       {packet: listenUDP, dial: dialUDP},
	"udp6":       {packet: listenUDP, dial: dialUDP},
	"unix":       {listen: listenUnix, dial: dialUnix},
	"unixgram":   {packet: listenUnixgram, dial: dialUnixgram},
	"unixpacket": {listen: listenUnixpacket, dial: dialUnixpacket},
	"tls":        {listen: listenSecure, dial: dialSecure},
	"ws":         {listen: listenWebSocket, dial: dialWebSocket},
	"wss":        {listen: listenSecureWebSocket, dial: dialSecureWebSocket},
	"ip":         {packet: listenIP, dial: dialIP},
	"fd":         {either: openFD, dial: dialFD},
	"mem":        {listen: listenMem, dial: dialMem},
}

// want is what a caller of open can use.
type want uint8

const (
	streams want = 1 << iota
	datagrams
)

// open is Listen, ListenPacket and Open.
func open(ctx context.Context, e endpoint.Endpoint, w want) (net.Listener, net.PacketConn, error) {
	if err := check(e, listening); err != nil {
		return nil, nil, opError("listen", e, err)
	}
	ln, pc, err := openScheme(ctx, e, w)
	if err != nil {
		return nil, nil, opError("listen", e, err)
	}
	return ln, pc, nil
}

func openScheme(ctx context.Context, e endpoint.Endpoint, w want) (net.Listener, net.PacketConn, error) {
	s := schemes[e.Scheme]
	switch {
	case s.either != nil:
		ln, pc, err := s.either(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		return refuse(ln, pc, w)
	case s.listen != nil && w&streams != 0:
		ln, err := s.listen(ctx, e)
		return ln, nil, err
	case s.packet != nil && w&datagrams != 0:
		pc, err := s.packet(ctx, e)
		return nil, pc, err
	case s.packet != nil:
		return nil, nil, errDatagrams
	}
	return nil, nil, errStreams
}

var (
	errDatagrams = errors.New("datagrams, where a stream is wanted")
	errStreams   = errors.New("a stream, where datagrams are wanted")
)

// refuse closes what was opened when it is not what was wanted.
func refuse(ln net.Listener, pc net.PacketConn, w want) (net.Listener, net.PacketConn, error) {
	switch {
	case ln != nil && w&streams == 0:
		ln.Close()
		return nil, nil, errStreams
	case pc != nil && w&datagrams == 0:
		pc.Close()
		return nil, nil, errDatagrams
	}
	return ln, pc, nil
}

// dial is Dial. The option connect= is put into ctx here, for every scheme.
func dial(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	if err := check(e, dialling); err != nil {
		return nil, opError("dial", e, err)
	}
	limit := durationOption(e, "connect", 0)
	begun := time.Now()
	bounded := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	c, err := schemes[e.Scheme].dial(bounded, e)
	if err == nil {
		return c, nil
	}
	err = opError("dial", e, err)
	// Not bounded.Err: a socket's own timer may be the first to fire.
	if limit > 0 && time.Since(begun) >= limit {
		op := err.(*OpError)
		op.Err = &connectTimeout{limit: limit, err: op.Err}
	}
	return nil, err
}

// localAddress resolves the host and port of e for listening: one address, in
// numbers. The host stays "" when it is "".
func localAddress(ctx context.Context, e endpoint.Endpoint) (endpoint.Endpoint, error) {
	all, err := e.Resolve(ctx, nil)
	if err != nil {
		return endpoint.Endpoint{}, err
	}
	return preferIPv4(all), nil
}

// preferIPv4 is the one of several addresses to listen on, see Listen.
func preferIPv4(all []endpoint.Endpoint) endpoint.Endpoint {
	for _, one := range all {
		if isIPv4(one.Host) {
			return one
		}
	}
	return all[0]
}
