package transport

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"parley/endpoint"
)

// listenTCP listens for every scheme over TCP. The result is a *net.TCPListener.
func listenTCP(ctx context.Context, e endpoint.Endpoint) (net.Listener, error) {
	at, err := localAddress(ctx, e)
	if err != nil {
		return nil, err
	}
	lc := net.ListenConfig{Control: tcpListenControl(e)}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(ctx, ipNetwork("tcp", at), at.Address())
	if err != nil {
		return nil, err
	}
	if n := intOption(e, "backlog", 0); n > 0 {
		if err := setBacklog(ln.(*net.TCPListener), n); err != nil {
			ln.Close()
			return nil, err
		}
	}
	return ln, nil
}

// control is the type of the hook that package net calls between making a
// socket and binding it. network ends in 4 or 6.
type control = func(network, address string, rc syscall.RawConn) error

// tcpListenControl sets the options of a listening TCP socket. Accepted sockets
// inherit them.
func tcpListenControl(e endpoint.Endpoint) control {
	return func(network, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error {
			if _, asked := e.Option("reuseaddr"); asked {
				if err := s.setReuseAddr(boolOption(e, "reuseaddr", true)); err != nil {
					return err
				}
			}
			return s.setCommon(e, strings.HasSuffix(network, "6"))
		})
	}
}

// setBacklog sets how many connections wait for Accept: listen(2) may be called
// again, and the last call counts.
func setBacklog(sc syscall.Conn, n int) error {
	rc, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	return onSocket(rc, func(s socket) error { return s.listen(n) })
}

// onSocket runs f on the socket behind rc.
func onSocket(rc syscall.RawConn, f func(socket) error) error {
	var failed error
	if err := rc.Control(func(fd uintptr) { failed = f(socket(fd)) }); err != nil {
		return err
	}
	return failed
}

// setCommon sets the options that TCP, UDP and raw sockets have in common, in
// both directions. v6 says that the socket is an IPv6 one, which may carry IPv4
// too.
func (s socket) setCommon(e endpoint.Endpoint, v6 bool) error {
	if err := s.setPortAndTTL(e, v6); err != nil {
		return err
	}
	if iface, ok := e.Option("iface"); ok {
		return s.bindToDevice(iface)
	}
	return nil
}

// setPortAndTTL is setCommon for a group's socket, where iface= is not a device
// to bind to.
func (s socket) setPortAndTTL(e endpoint.Endpoint, v6 bool) error {
	if boolOption(e, "reuseport", false) {
		if err := s.setReusePort(); err != nil {
			return err
		}
	}
	if ttl := intOption(e, "ttl", 0); ttl > 0 {
		return s.setTTL(ttl, v6)
	}
	return nil
}

// dialTCP dials for every scheme over TCP; names as happy.go says. The result
// is a *net.TCPConn.
func dialTCP(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	port, err := e.ResolvePort(ctx, nil)
	if err != nil {
		return nil, err
	}
	d := tcpDialer(e)
	h := happy{families: familiesOf(e), lookup: lookupHost, port: port}
	h.dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", to.String())
	}
	c, err := h.connect(ctx, e.Host)
	if err != nil {
		return nil, err
	}
	if !boolOption(e, "nodelay", true) {
		err = c.(*net.TCPConn).SetNoDelay(false)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// tcpDialer holds e's options. Keep-alive probes are Go's, every 15 s, when e
// does not say otherwise.
func tcpDialer(e endpoint.Endpoint) *net.Dialer {
	d := &net.Dialer{Control: dialControl(e)}
	d.SetMultipathTCP(false)
	if source, err := parseSource(textOption(e, "source")); err == nil {
		d.LocalAddr = net.TCPAddrFromAddrPort(source)
	}
	switch every := durationOption(e, "keepalive", -1); {
	case every == 0:
		d.KeepAlive = -1
	case every > 0:
		every = max(every, time.Second) // the least that systems take
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: every, Interval: every}
	}
	return d
}

// dialControl sets the options of a dialled TCP, UDP or raw socket.
func dialControl(e endpoint.Endpoint) control {
	return func(network, _ string, rc syscall.RawConn) error {
		return onSocket(rc, func(s socket) error { return s.setCommon(e, strings.HasSuffix(network, "6")) })
	}
}

// ipNetwork is the network name of package net for proto ("tcp", "udp", "ip")
// at an address in numbers. 0.0.0.0 is IPv4 alone: package net would take it
// for every address of both families.
func ipNetwork(proto string, at endpoint.Endpoint) string {
	switch {
	case strings.HasSuffix(at.Scheme, "4"), isIPv4(at.Host):
		return proto + "4"
	case strings.HasSuffix(at.Scheme, "6"):
		return proto + "6"
	}
	return proto
}

func isIPv4(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().Is4()
}

// families says which address families a dial may use.
type families struct{ v4, v6 bool }

// familiesOf is what e's scheme and its source address allow.
func familiesOf(e endpoint.Endpoint) families {
	f := families{
		v4: !strings.HasSuffix(e.Scheme, "6"),
		v6: !strings.HasSuffix(e.Scheme, "4"),
	}
	if source, err := parseSource(textOption(e, "source")); err == nil && source.Addr().IsValid() {
		f.v4 = f.v4 && source.Addr().Is4()
		f.v6 = f.v6 && source.Addr().Is6()
	}
	return f
}

// lookupHost asks the system for the addresses of one family. network is "ip4"
// or "ip6". The host "" is this machine: dialling "tcp://:7" reaches a listener
// on "tcp://:7".
func lookupHost(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if host == "" {
		if network == "ip4" {
			return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
		}
		return []netip.Addr{netip.IPv6Loopback()}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}
