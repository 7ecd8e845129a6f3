//go:build !linux

package transport

// bindToDevice: SO_BINDTODEVICE is Linux's. Lost elsewhere is confining a
// unicast socket to an interface; iface= still picks the interface of a group.
func (s socket) bindToDevice(iface string) error {
	return optionErrorf("iface", iface, "option iface=%s: this system takes it for multicast groups only", iface)
}

// setFileMode: a socket has a mode on Linux alone. Lost elsewhere is that the
// file has its mode from the first moment; it is set right after the bind.
func (s socket) setFileMode(uint32) error { return nil }
