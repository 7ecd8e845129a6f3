package transport

import "golang.org/x/sys/unix"

// hearOwnGroupsOnly undoes what ip(7) calls IP_MULTICAST_ALL: that a socket gets
// the datagrams of its group from every interface on which any other socket of
// the machine has joined it. IPv6 has the option since Linux 4.20; before, there
// is no undoing it.
func (s socket) hearOwnGroupsOnly(v6 bool) error {
	if !v6 {
		return s.set("IP_MULTICAST_ALL", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	}
	if err := unix.SetsockoptInt(int(s), unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0); err == unix.ENOPROTOOPT {
		return nil
	}
	return s.set("IPV6_MULTICAST_ALL", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
}
