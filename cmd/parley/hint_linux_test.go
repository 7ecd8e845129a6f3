package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"parley/endpoint"
	"parley/transport"
)

// The tables of a machine of ours, as proc_net(5) shows them.
const (
	tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F41 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1002 1 0000000000000000 20 4 30 10 -1
   1: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0
   2: 0200000A:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000    54321        0 1003 1 0000000000000000 100 0 0 10 0
   3: 0100007F:2328 0100007F:C351 06 00000000:00000000 03:00000D2A 00000000     0        0 0 3 0000000000000000
   4: 00000000:270F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1004 1 0000000000000000 100 0 0 10 0
`
	tcp6Table = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1005 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1006 1 0000000000000000 100 0 0 10 0
`
	udpTable = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  321: 0100007F:1F41 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2001 2 0000000000000000 0
`
	unixTable = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 3001 /run/x.sock
0000000000000000: 00000002 00000000 00010000 0001 01 3002 /run/with space.sock
0000000000000000: 00000002 00000000 00010000 0001 01 3003 @abstract
0000000000000000: 00000003 00000000 00000000 0001 03 3004
`
)

// machine is a hinter of that machine, where processes 42 and 77 run; 77 is
// itself.
func machine(t *testing.T) *hinter {
	h := testHinter(t)
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(h.proc, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func(pid, fd, inode string) {
		t.Helper()
		dir := filepath.Join(h.proc, pid, "fd")
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Symlink("socket:["+inode+"]", filepath.Join(dir, fd))); err != nil {
			t.Fatal(err)
		}
	}
	write("net/tcp", tcpTable)
	write("net/tcp6", tcp6Table)
	write("net/udp", udpTable)
	write("net/unix", unixTable)
	write("sys/net/ipv4/ip_unprivileged_port_start", "512\n")
	write("42/comm", "ngi\x1bnx\n")
	write("1/comm", "init\n")
	for fd, inode := range map[string]string{"3": "1001", "4": "2001", "5": "1005", "6": "3002", "7": "1006", "8": "3001"} {
		open("42", fd, inode)
	}
	open("77", "3", "1004")
	return h
}

func TestHolder(t *testing.T) {
	busy := func(at string) error { return opFailed("listen", at, sys("bind", syscall.EADDRINUSE)) }
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"tcp", busy("tcp://127.0.0.1:8001"), []string{"127.0.0.1:8001 is held by ngi?nx (pid 42): end it, or take another port"}},
		{"any address wants it", busy("tls://:8001"), []string{":8001 is held by ngi?nx (pid 42)"}},
		{"by name", busy("tcp://localhost:8001"), []string{"localhost:8001 is held by ngi?nx (pid 42)"}},
		{"another address has it", busy("tcp://127.0.0.2:8001"), []string{"held by something not shown here: `sudo ss -ltnp sport = :8001`"}},
		{"any address has it", busy("tcp4://127.0.0.1:8080"), []string{"127.0.0.1:8080 is held by ngi?nx (pid 42)"}},
		{"ipv6", busy("tcp6://[::1]:8081"), []string{"[::1]:8081 is held by ngi?nx (pid 42)"}},
		{"udp", busy("udp://127.0.0.1:8001"), []string{"udp 127.0.0.1:8001 is held by ngi?nx (pid 42)"}},
		{"not udp", busy("udp://127.0.0.1:8080"), []string{"`sudo ss -lunp sport = :8080`"}},
		{"a process of another user", busy("tcp://10.0.0.2:80"), []string{"10.0.0.2:80 is held by a process of user 54321, which only that user and root can see: `sudo ss -ltnp sport = :80`"}},
		{"a connection that ended", busy("tcp://127.0.0.1:9000"), []string{"held by something not shown here"}},
		{"itself", busy("tcp://127.0.0.1:9999"), []string{"127.0.0.1:9999 is open in this command itself: is it named twice?"}},
		{"unix", busy("unix:/run/x.sock"), []string{"/run/x.sock is held by ngi?nx (pid 42): end it, or take another path"}},
		{"unix with a space", busy("unix:/run/with%20space.sock"), []string{"/run/with space.sock is held by ngi?nx (pid 42)"}},
		{"abstract, not shown", busy("unix:@abstract"), []string{"@abstract is held by something not shown here: `sudo ss -lxp | grep @abstract` names it; or take another path"}},
		{"unix, none", busy("unix:space.sock"), []string{"something not shown"}},
		{"several", errors.Join(busy("tcp://:8001"), busy("tcp://:9999"), busy("udp://:8001"), busy("tcp://:8080")),
			[]string{":8001 and 2 more are held by ngi?nx (pid 42)", ":9999 is open in this command itself"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkHints(t, machine(t).hints(tt.err), tt.want)
		})
	}
}

// The process that holds a port here is this one.
func TestHolderIsReal(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0", "tcp://:0", "unix:" + filepath.Join(t.TempDir(), "x.sock")} {
		e := endpoint.MustParse(at)
		ln, pc, err := transport.Open(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		if ln != nil {
			defer ln.Close()
			e = e.WithAddr(ln.Addr())
		} else {
			defer pc.Close()
			e = e.WithAddr(pc.LocalAddr())
		}
		_, _, err = transport.Open(context.Background(), e)
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatalf("open %v twice: %v, want EADDRINUSE", e, err)
		}
		checkHints(t, hintsFor(err), []string{address(e) + " is open in this command itself"})
	}
}

func TestLowPort(t *testing.T) {
	denied := func(at string) error { return opFailed("listen", at, sys("bind", syscall.EACCES)) }
	for _, tt := range []struct {
		at   string
		want []string
	}{
		{"tcp://:80?idle=1m", []string{
			"take a port from 512 on, such as tcp://:7080",
			"sudo setcap cap_net_bind_service=+ep '/opt/my parley'  lets this program bind every port",
			"sudo sysctl net.ipv4.ip_unprivileged_port_start=80  lets every program bind ports from 80 on (now 512)"}},
		{"udp://127.0.0.1:443", []string{"such as udp://127.0.0.1:7443", "setcap", "sysctl"}},
		{"tcp://:513", nil},
	} {
		checkHints(t, machine(t).hints(denied(tt.at)), tt.want)
	}
	checkHints(t, testHinter(t).hints(denied("tcp://:1000")), []string{"take a port from 1024 on", "setcap", "(now 1024)"})
	raw := opFailed("listen", "ip://127.0.0.1?proto=253", sys("socket", syscall.EPERM))
	checkHints(t, machine(t).hints(raw), []string{"sudo setcap cap_net_raw=+ep '/opt/my parley'"})
	raw = opFailed("dial", "ip://127.0.0.1?proto=253", sys("socket", syscall.EPERM))
	checkHints(t, machine(t).hints(raw), []string{"CAP_NET_RAW"})
}

// slowHexAddress reads words of a little-endian machine digit by digit.
func slowHexAddress(s string) (netip.AddrPort, bool) {
	address, port, ok := strings.Cut(s, ":")
	if !ok || len(address) != 8 && len(address) != 32 || port == "" || strings.Trim(port, "0123456789abcdefABCDEF") != "" {
		return netip.AddrPort{}, false
	}
	var b []byte
	for at := 0; at < len(address); at += 8 {
		for i := 6; i >= 0; i -= 2 {
			n, err := strconv.ParseUint(address[at+i:at+i+2], 16, 8)
			if err != nil {
				return netip.AddrPort{}, false
			}
			b = append(b, byte(n))
		}
	}
	n := 0
	for _, digit := range port {
		d, _ := strconv.ParseInt(string(digit), 16, 8)
		if n = n*16 + int(d); n > 65535 {
			return netip.AddrPort{}, false
		}
	}
	addr, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), true
}

func FuzzSockets(f *testing.F) {
	for _, table := range []string{tcpTable, tcp6Table, udpTable, unixTable} {
		f.Add(table, "/run/x.sock")
	}
	f.Add("0: 0100007F:1F41 0 0A 0 0 0 0 0 1001\n0: 0100007F:G 0 0A 0 0 0 -1 0 1x", " ")
	f.Add(strings.ReplaceAll(unixTable, "\n", " \n"), "with space.sock")
	f.Fuzz(func(t *testing.T, text, path string) {
		rows := parseSockets(text)
		var want []socketRow
		for _, line := range strings.SplitAfter(text, "\n") {
			f := strings.Fields(line)
			if len(f) < 10 || !isNumber(f[7]) || !isNumber(f[9]) {
				continue
			}
			if local, ok := slowHexAddress(f[1]); ok {
				want = append(want, socketRow{local, f[3], f[7], f[9]})
			}
		}
		if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 && !slices.Equal(rows, want) {
			t.Errorf("parseSockets(%q) = %v, want %v", text, rows, want)
		}
		for _, inode := range parseUnixSockets(text, path) {
			if !strings.Contains(text, " "+inode+" "+path) {
				t.Errorf("parseUnixSockets(%q, %q): no inode %s", text, path, inode)
			}
		}
		if path != "" && path == strings.TrimSpace(path) && !strings.ContainsAny(path, "\n") {
			line := fmt.Sprintf("0000: 00000002 00000000 00010000 0001 01 98765 %s\n", path)
			if got := parseUnixSockets(line, path); !slices.Equal(got, []string{"98765"}) {
				t.Errorf("parseUnixSockets(%q, %q) = %q", line, path, got)
			}
		}
	})
}

// What net says of its own sockets is what the table has.
func TestParseSocketsIsReal(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Skip(err)
	}
	want := ln.Addr().(*net.TCPAddr).AddrPort()
	if !slices.ContainsFunc(parseSockets(string(text)), func(r socketRow) bool {
		return r.local == netip.AddrPortFrom(want.Addr().Unmap(), want.Port()) && r.state == "0A"
	}) {
		t.Errorf("no listener at %v in\n%s", want, text)
	}
}

// Both ways to let a program ping are named.
func TestHintPing(t *testing.T) {
	host := endpoint.Endpoint{Scheme: "icmp", Host: "127.0.0.1"}
	for _, e := range []syscall.Errno{syscall.EPERM, syscall.EACCES} {
		err := &transport.OpError{Op: "probe", Endpoint: host, Err: sys("socket", e)}
		checkHints(t, machine(t).hints(err), []string{"net.ipv4.ping_group_range=", "setcap cap_net_raw=+ep '/opt/my parley'"})
	}
	err := &transport.OpError{Op: "probe", Endpoint: host, Err: sys("sendto", syscall.ENETUNREACH)}
	checkHints(t, machine(t).hints(err), nil)
}
