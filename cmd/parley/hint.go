package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"parley/endpoint"
	"parley/transport"
)

// hintsFor says what to try about err: a line for each thing, none twice. It
// looks at the system as it is now, so it is called before whatever failed is
// cleaned up.
func hintsFor(err error) []string {
	if err == nil {
		return nil
	}
	return systemHinter().hints(err)
}

// A hinter knows the system that hints are about.
type hinter struct {
	proc       string // where Linux shows processes and sockets
	pid        int    // of this process
	executable string
	addresses  func() ([]net.Addr, error)
	interfaces func() ([]net.Interface, error)
}

func systemHinter() *hinter {
	h := &hinter{proc: "/proc", pid: os.Getpid(), executable: "parley", addresses: net.InterfaceAddrs, interfaces: net.Interfaces}
	if exe, err := os.Executable(); err == nil {
		h.executable = exe
	}
	return h
}

// A failure is an operation that failed. op and at are zero where it is not
// known which.
type failure struct {
	op  string
	at  endpoint.Endpoint
	err error
}

func (f failure) is(e syscall.Errno) bool { return errors.Is(f.err, winsock(e)) }

// unix reports whether it is about a socket file.
func (f failure) unix() bool { return strings.HasPrefix(f.at.Scheme, "unix") }

// failuresOf finds the operations in a tree of errors.
func failuresOf(err error) []failure {
	var op *transport.OpError
	switch e := err.(type) {
	case *transport.OpError:
		return []failure{{e.Op, e.Endpoint, e.Err}}
	case interface{ Unwrap() []error }:
		var all []failure
		for _, one := range e.Unwrap() {
			all = append(all, failuresOf(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil && (errors.As(inner, &op) || isJoined(inner)) {
			return failuresOf(inner)
		}
	}
	return []failure{{err: err}}
}

func (h *hinter) hints(err error) []string {
	var all []string
	failures := failuresOf(err)
	for _, f := range failures {
		all = append(all, h.about(f)...)
	}
	all = append(all, h.inUse(failures)...)
	seen := make(map[string]bool)
	return slices.DeleteFunc(all, func(hint string) bool {
		twice := seen[hint]
		seen[hint] = true
		return twice
	})
}

// about gives the hints of one failure, but those that look at several.
func (h *hinter) about(f failure) []string {
	for _, rule := range []func(failure) []string{h.aboutPing, h.aboutHall, h.aboutClock, h.aboutName, h.aboutTLS, h.aboutZone, h.aboutSocketFile, h.aboutListen, h.aboutDial} {
		if hints := rule(f); hints != nil {
			return hints
		}
	}
	return nil
}

// aboutPing is about the right to send echo requests.
func (h *hinter) aboutPing(f failure) []string {
	if !strings.HasPrefix(f.at.Scheme, "icmp") || !f.is(syscall.EPERM) && !f.is(syscall.EACCES) {
		return nil
	}
	return h.ping()
}

// aboutListen is about binding an address.
func (h *hinter) aboutListen(f failure) []string {
	switch {
	case f.at.Scheme == "ip" && (f.is(syscall.EPERM) || f.is(syscall.EACCES)):
		return h.rawSocket()
	case f.op != "listen":
		return nil
	case f.is(syscall.EACCES) || f.is(syscall.EPERM):
		return h.lowPort(f.at)
	case f.is(syscall.EADDRNOTAVAIL):
		return []string{fmt.Sprintf("%s is no address of this machine, which has %s; without a host it is all of them", f.at.Host, h.local())}
	case f.is(syscall.EMFILE):
		return []string{"too many files are open: raise the limit (ulimit -n)"}
	}
	return nil
}

// aboutZone is about addresses of a link, which mean nothing without the link.
func (h *hinter) aboutZone(f failure) []string {
	addr, err := netip.ParseAddr(f.at.Host)
	if err != nil || !f.is(syscall.EINVAL) || addr.Zone() != "" || !addr.Is6() || !addr.IsLinkLocalUnicast() && !addr.IsLinkLocalMulticast() {
		return nil
	}
	interfaces, err := h.interfaces()
	if err != nil || len(interfaces) == 0 {
		return nil
	}
	var names []string
	for _, one := range interfaces {
		names = append(names, one.Name)
	}
	at := f.at.Bare()
	at.Host += "%" + names[len(names)-1] // the first is usually the loopback
	return []string{fmt.Sprintf("%s is an address of one link: say which by an interface after %%, as in %s; there are %s",
		f.at.Host, quoted(at.String()), strings.Join(names, " "))}
}

// local lists the addresses of this machine.
func (h *hinter) local() string {
	addrs, err := h.addresses()
	if err != nil || len(addrs) == 0 {
		return "none that can be listed"
	}
	var texts []string
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			texts = append(texts, n.IP.String())
		}
	}
	return strings.Join(texts, " ")
}

// aboutDial is about reaching a peer over a network.
func (h *hinter) aboutDial(f failure) []string {
	if f.op != "dial" && f.op != "ask" {
		return nil
	}
	source, _ := f.at.Option("source")
	switch {
	case f.is(syscall.ECONNREFUSED):
		return []string{refused(f.at)}
	case f.is(syscall.EADDRNOTAVAIL) && source != "":
		return []string{fmt.Sprintf("source=%s is no address of this machine, which has %s", source, h.local())}
	case f.is(syscall.EACCES) && strings.HasPrefix(f.at.Scheme, "udp"):
		return []string{"if that is a broadcast address, add broadcast=1"}
	case f.is(syscall.ENETUNREACH), f.is(syscall.EHOSTUNREACH):
		return []string{fmt.Sprintf("no way leads from here to %s: is the network up, and the address right?", f.at.Host)}
	case f.op == "dial" && (errors.Is(f.err, os.ErrDeadlineExceeded) || f.is(syscall.ETIMEDOUT)):
		return []string{fmt.Sprintf("%s does not answer: it is down, or something between drops what is sent to that port; connect= is how long to wait", f.at.Host)}
	}
	return nil
}

// refused names the service of parley that would listen there.
func refused(at endpoint.Endpoint) string {
	protocol := "tcp"
	if at.Datagram() {
		protocol = "udp"
	}
	for _, k := range kinds() {
		for _, text := range k.Default {
			d, err := endpoint.ParseTarget(text)
			if err == nil && d.Endpoint.Port == at.Port && d.Endpoint.Scheme == protocol {
				return fmt.Sprintf("nothing listens on %s port %s there; `parley serve %s` on that machine would", protocol, at.Port, k.Name)
			}
		}
	}
	return fmt.Sprintf("nothing listens on %s port %s there: is the server running, on this port, and not on another address only?", protocol, at.Port)
}

// aboutSocketFile is about Unix sockets.
func (h *hinter) aboutSocketFile(f failure) []string {
	abstract := strings.HasPrefix(f.at.Path, "@")
	switch {
	case !f.unix() || abstract && f.op != "dial":
		return nil
	case abstract && f.is(syscall.ECONNREFUSED):
		return []string{fmt.Sprintf("nothing listens on the abstract socket %s: is its server running, in this network namespace?", f.at.Path)}
	}
	if what := notSocket(f.at.Path); what != "" && (f.is(syscall.ECONNREFUSED) || f.is(syscall.EADDRINUSE)) {
		if f.op == "dial" {
			return []string{fmt.Sprintf("%s is %s and not a socket: is the path right?", f.at.Path, what)}
		}
		return []string{fmt.Sprintf("%s is %s and not a socket, and it is left alone: choose another path", f.at.Path, what)}
	}
	dir := filepath.Dir(f.at.Path)
	denied := f.is(syscall.EACCES) || f.is(syscall.EPERM)
	switch {
	case f.op == "listen" && f.is(syscall.ENOENT):
		return []string{fmt.Sprintf("there is no directory %s: mkdir -p %s", dir, quoted(dir))}
	case f.op == "listen" && denied:
		return []string{fmt.Sprintf("you may not make a file in %s: choose a directory of yours, such as one below %s", dir, ownDir())}
	case f.op == "dial" && f.is(syscall.ENOENT):
		return []string{fmt.Sprintf("there is no %s: is its server running, and the path right?", f.at.Path)}
	case f.op == "dial" && f.is(syscall.ECONNREFUSED):
		return []string{fmt.Sprintf("%s is there but nobody listens on it: its server has ended, and the next one will remove it", f.at.Path)}
	case f.op == "dial" && denied:
		return []string{socketDenied(f.at.Path)}
	}
	return nil
}

// notSocket says what is at path, or "" if that is a socket, or nothing, or not
// known.
func notSocket(path string) string {
	if strings.HasPrefix(path, "@") {
		return ""
	}
	info, err := os.Stat(path)
	switch {
	case err != nil || info.Mode()&fs.ModeSocket != 0:
		return ""
	case info.IsDir():
		return "a directory"
	case info.Mode().IsRegular():
		return "a regular file"
	}
	return "something else"
}

// ownDir is a directory for sockets of one's own.
func ownDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return os.TempDir()
}

func socketDenied(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("a directory on the way to %s is closed to you", path)
	}
	return fmt.Sprintf("%s has mode %04o: its owner can dial it; a server that lets its group in listens with mode=0660", path, info.Mode().Perm())
}

// portNumber is the port of e, which may be a name, or 0.
func portNumber(e endpoint.Endpoint) int {
	n, err := strconv.ParseUint(e.Port, 10, 16)
	if err == nil {
		return int(n)
	}
	protocol := "tcp"
	if e.Datagram() {
		protocol = "udp"
	}
	port, err := net.LookupPort(protocol, e.Port)
	if err != nil {
		return 0
	}
	return port
}
