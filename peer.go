package parley

import (
	"net"
	"net/netip"
)

// A peer is where a datagram came from.
type peer struct {
	udp   netip.AddrPort // of UDP, IPv4 unmapped
	scope uint32         // and the index of the zone of a link-local address
	other net.Addr       // of everything else
}

// A peerKey tells peers apart.
type peerKey struct {
	udp  netip.AddrPort
	name string
}

func (p *peer) key() peerKey {
	if p.other == nil {
		return peerKey{udp: p.udp}
	}
	return peerKey{name: p.other.String()}
}

func (p *peer) addr() net.Addr {
	if p.other == nil {
		return net.UDPAddrFromAddrPort(p.udp)
	}
	return p.other
}
