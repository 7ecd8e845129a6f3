package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"parley/endpoint"
)

// A socketRow is a line of /proc/net/tcp, tcp6, udp or udp6 (proc_net(5)).
type socketRow struct {
	local netip.AddrPort
	state string // in hex: 0A listens
	uid   string
	inode string
}

// parseSockets reads one of those files. A line that it cannot read, such as the
// heading, it leaves out.
func parseSockets(text string) []socketRow {
	var rows []socketRow
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 10 || !isNumber(f[7]) || !isNumber(f[9]) {
			continue
		}
		if local, ok := parseHexAddress(f[1]); ok {
			rows = append(rows, socketRow{local, f[3], f[7], f[9]})
		}
	}
	return rows
}

// parseHexAddress reads ADDRESS:PORT: the address as 32-bit words in the
// machine's byte order, the port as a number.
func parseHexAddress(s string) (netip.AddrPort, bool) {
	address, port, _ := strings.Cut(s, ":")
	words, err := hex.DecodeString(address)
	n, perr := strconv.ParseUint(port, 16, 16)
	if err != nil || perr != nil || len(words) != 4 && len(words) != 16 {
		return netip.AddrPort{}, false
	}
	for at := 0; at < len(words); at += 4 {
		binary.BigEndian.PutUint32(words[at:], binary.NativeEndian.Uint32(words[at:]))
	}
	addr, _ := netip.AddrFromSlice(words)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), true
}

// parseUnixSockets finds the inodes of the sockets that are bound to path in
// /proc/net/unix, whose lines are: num refcount protocol flags type state inode
// path.
func parseUnixSockets(text, path string) []string {
	var inodes []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Fields(line)
		if len(f) < 8 || !isNumber(f[6]) || !strings.HasSuffix(line, " "+path) {
			continue
		}
		// A path may have spaces: it is what follows the inode.
		if _, rest, _ := strings.Cut(line, " "+f[6]+" "); rest == path {
			inodes = append(inodes, f[6])
		}
	}
	return inodes
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// A processTable knows which process has which socket.
type processTable struct {
	proc   string            // where the system shows both
	inodes map[string]string // directories of processes by the inodes of their sockets; nil until it was read
}

// holderOf finds who holds the address of e.
func (t *processTable) holderOf(e endpoint.Endpoint) holder {
	if strings.HasPrefix(e.Scheme, "unix") {
		text, _ := os.ReadFile(filepath.Join(t.proc, "net/unix"))
		return t.owner(parseUnixSockets(string(text), e.Path), "")
	}
	row, ok := t.socketAt(e)
	if !ok {
		return holder{}
	}
	return t.owner([]string{row.inode}, row.uid)
}

// socketAt finds the socket that keeps e from being bound: of those at its port
// one that listens, or that takes datagrams, before any other.
func (t *processTable) socketAt(e endpoint.Endpoint) (found socketRow, ok bool) {
	const listens = "0A"
	files := []string{"net/tcp", "net/tcp6"}
	if e.Datagram() {
		files = []string{"net/udp", "net/udp6"}
	}
	port := portNumber(e)
	host, err := netip.ParseAddr(e.Host)
	for _, file := range files {
		text, _ := os.ReadFile(filepath.Join(t.proc, file))
		for _, row := range parseSockets(string(text)) {
			if row.inode == "0" || int(row.local.Port()) != port || err == nil && !overlap(host, row.local.Addr()) {
				continue
			}
			if !ok || row.state == listens && found.state != listens {
				found, ok = row, true
			}
		}
	}
	return found, ok
}

// overlap reports whether two addresses cannot be bound at one port.
func overlap(a, b netip.Addr) bool {
	a, b = a.Unmap().WithZone(""), b.Unmap()
	return a == b || a.IsUnspecified() || b.IsUnspecified()
}

// owner finds the process that has one of the sockets open. Without the right to
// look into it there is the user at least.
func (t *processTable) owner(inodes []string, uid string) holder {
	for _, inode := range inodes {
		if dir, ok := t.sockets()[inode]; ok {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			return holder{pid: pid, command: commandOf(dir)}
		}
	}
	if uid == "" {
		return holder{}
	}
	if u, err := user.LookupId(uid); err == nil {
		return holder{user: u.Username}
	}
	return holder{user: uid}
}

// sockets are the directories of processes by the inodes of the sockets that they
// have open, as far as this user may look. They are read once.
func (t *processTable) sockets() map[string]string {
	if t.inodes != nil {
		return t.inodes
	}
	t.inodes = make(map[string]string)
	links, _ := filepath.Glob(filepath.Join(t.proc, "[0-9]*/fd/*"))
	for _, link := range links {
		target, err := os.Readlink(link)
		inode, ok := strings.CutPrefix(strings.TrimSuffix(target, "]"), "socket:[")
		if err == nil && ok && t.inodes[inode] == "" {
			t.inodes[inode] = filepath.Dir(filepath.Dir(link))
		}
	}
	return t.inodes
}

// commandOf is the name of the process in dir, which may have chosen any bytes.
func commandOf(dir string) string {
	name, err := os.ReadFile(filepath.Join(dir, "comm"))
	if name = bytes.TrimSpace(name); err != nil || len(name) == 0 {
		return "a process"
	}
	return printable(string(name))
}

// findHolder is the command that names the process at an address.
func findHolder(address string) string {
	if protocol, _, ok := strings.Cut(address, " "); ok && protocol == "udp" {
		return fmt.Sprintf("`sudo ss -lunp sport = :%s` names it", portOf(address))
	}
	if !strings.Contains(address, ":") {
		return fmt.Sprintf("`sudo ss -lxp | grep %s` names it", quoted(address))
	}
	return fmt.Sprintf("`sudo ss -ltnp sport = :%s` names it", portOf(address))
}

// lowPort is about a port that is kept for the privileged.
func (h *hinter) lowPort(e endpoint.Endpoint) []string {
	const key = "net.ipv4.ip_unprivileged_port_start"
	first := 1024
	text, err := os.ReadFile(filepath.Join(h.proc, "sys", strings.ReplaceAll(key, ".", "/")))
	if n, perr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && perr == nil {
		first = n
	}
	port := portNumber(e)
	if port == 0 || port >= first {
		return nil
	}
	higher := e.Bare()
	higher.Port = strconv.Itoa(higherPort(port, first))
	return []string{
		fmt.Sprintf("take a port from %d on, such as %s", first, higher),
		fmt.Sprintf("sudo setcap cap_net_bind_service=+ep %s  lets this program bind every port", quoted(h.executable)),
		fmt.Sprintf("sudo sysctl %s=%d  lets every program bind ports from %d on (now %d)", key, port, port, first),
	}
}

// higherPort is a port that is easily remembered for port.
func higherPort(port, first int) int {
	for _, add := range []int{7000, 8000, 10000} {
		if port+add >= first && (port >= 100 || add == 7000) {
			return port + add
		}
	}
	return min(first, 65535)
}

// rawSocket is about the privilege for raw sockets.
func (h *hinter) rawSocket() []string {
	return []string{
		fmt.Sprintf("raw IP needs CAP_NET_RAW: sudo setcap cap_net_raw=+ep %s  gives it to this program", quoted(h.executable)),
	}
}

// ping names the two ways to let a program ping: see icmp(7).
func (h *hinter) ping() []string {
	return []string{
		`sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"  lets every program ping`,
		fmt.Sprintf("sudo setcap cap_net_raw=+ep %s  lets this one", quoted(h.executable)),
	}
}
