package transport

import (
	"os"

	"golang.org/x/sys/unix"
)

// bindToDevice confines the socket to one interface. Since Linux 5.7 it needs
// no privilege on a socket that is not bound to another one (commit
// c427bfec18f2).
func (s socket) bindToDevice(iface string) error {
	err := unix.BindToDevice(int(s), iface)
	switch err {
	case nil:
		return nil
	case unix.ENODEV:
		return optionErrorf("iface", iface, "option iface=%s: there is no such interface", iface)
	case unix.EPERM:
		return explain(os.NewSyscallError("setsockopt SO_BINDTODEVICE", err), "iface=%s needs CAP_NET_RAW on Linux before 5.7", iface)
	}
	return os.NewSyscallError("setsockopt SO_BINDTODEVICE", err)
}

// setFileMode sets the mode that the file of a Unix socket will have when it is
// bound, less the umask: bind(2) takes it from the socket's own inode.
func (s socket) setFileMode(mode uint32) error {
	return os.NewSyscallError("fchmod", unix.Fchmod(int(s), mode))
}
