package transport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"parley/endpoint"
)

// protocols are the names that proto= takes, besides numbers. They are here,
// and not read from the system, so that they mean the same everywhere. Constant.
var protocols = map[string]int{
	"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "rdp": 27, "dccp": 33, "ipv6": 41, "rsvp": 46,
	"gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmp6": 58, "eigrp": 88, "ospf": 89, "pim": 103, "vrrp": 112,
	"l2tp": 115, "sctp": 132, "udplite": 136,
}

func checkProto(value string) error {
	_, err := parseProto(value)
	return err
}

func parseProto(value string) (int, error) {
	if n, err := strconv.ParseUint(value, 10, 8); err == nil {
		return int(n), nil
	}
	if n, ok := protocols[value]; ok {
		return n, nil
	}
	if near := endpoint.Nearest(value, slices.Sorted(maps.Keys(protocols))); near != "" {
		return 0, fmt.Errorf("unknown protocol; nearest is %q", near)
	}
	return 0, errors.New("want a protocol's number, 0 to 255, or its name")
}

// ipProto is the network of package net for e's protocol: "ip:253".
func ipProto(e endpoint.Endpoint, network string) string {
	n, _ := parseProto(textOption(e, "proto")) // check has passed it
	return network + ":" + strconv.Itoa(n)
}

// listenIP hears every packet of one protocol that comes to the address, its
// own to itself included. Without a host it is IPv4's wildcard address: a raw
// socket has one family.
func listenIP(ctx context.Context, e endpoint.Endpoint) (net.PacketConn, error) {
	at, err := localAddress(ctx, e)
	if err != nil {
		return nil, err
	}
	network := "ip4"
	if at.Host != "" && !isIPv4(at.Host) {
		network = "ip6"
	}
	if at.Host == "" {
		at.Host = "0.0.0.0"
	}
	lc := net.ListenConfig{Control: dialControl(e)}
	pc, err := lc.ListenPacket(ctx, ipProto(e, network), at.Host)
	if err != nil {
		return nil, explainRaw(err)
	}
	return newIPConn(pc.(*net.IPConn)), nil
}

// dialIP uses the first address of e's host that the system has a route to. The
// socket is connected, it hears that address alone.
func dialIP(ctx context.Context, e endpoint.Endpoint) (net.Conn, error) {
	addrs, err := remoteAddrs(ctx, e)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Control: dialControl(e)}
	if source, err := parseSource(textOption(e, "source")); err == nil {
		d.LocalAddr = &net.IPAddr{IP: source.Addr().AsSlice(), Zone: source.Addr().Zone()}
	}
	return dialFirst(addrs, func(to netip.AddrPort) (net.Conn, error) {
		c, err := d.DialContext(ctx, ipProto(e, ipFamily(to.Addr())), to.Addr().String())
		if err != nil {
			return nil, explainRaw(err)
		}
		return newIPConn(c.(*net.IPConn)), nil
	})
}

func ipFamily(addr netip.Addr) string {
	if addr.Is4() {
		return "ip4"
	}
	return "ip6"
}

// explainRaw says what grants a raw socket.
func explainRaw(err error) error {
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EACCES) {
		return err
	}
	switch runtime.GOOS {
	case "linux":
		return explain(err, "a raw socket needs root or CAP_NET_RAW")
	case "windows":
		return explain(err, "a raw socket needs an administrator")
	}
	return explain(err, "a raw socket needs root")
}

// ipConn reads the payload of packets. Package net gives Read the IPv4 header
// as well, and lets ReadFrom cut a payload by the length of the header when the
// buffer just holds it; hence the buffer in between.
type ipConn struct {
	*net.IPConn

	mu  sync.Mutex
	buf []byte // guarded by mu, made at the first read
}

func newIPConn(c *net.IPConn) *ipConn { return &ipConn{IPConn: c} }

// maxPacket is what a packet can have at most, IPv6 jumbograms apart.
const maxPacket = 1 << 16

func (c *ipConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		c.buf = make([]byte, maxPacket)
	}
	n, from, err := c.IPConn.ReadFrom(c.buf)
	return copy(b, c.buf[:n]), from, err
}

func (c *ipConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}
