package transport

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/endpoint"
)

func TestParseProto(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
		err  string
	}{
		{"0", 0, ""},
		{"253", 253, ""},
		{"255", 255, ""},
		{"icmp", 1, ""},
		{"ospf", 89, ""},
		{"256", 0, "0 to 255"},
		{"-1", 0, "0 to 255"},
		{"", 0, "0 to 255"},
		{"ospff", 0, `nearest is "ospf"`},
	} {
		got, err := parseProto(tt.text)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("parseProto(%q) = %d, %v, want an error with %q", tt.text, got, err, tt.err)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("parseProto(%q) = %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
}

// rawAt listens on a raw protocol, or skips the test where that is not granted.
func rawAt(t *testing.T, text string) net.PacketConn {
	t.Helper()
	pc, err := ListenPacket(patient(t), endpoint.MustParse(text))
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("ListenPacket(%s): %v", text, err)
	}
	pc.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { pc.Close() })
	return pc
}

func TestIPSendsAndHearsOneProtocol(t *testing.T) {
	for _, tt := range []struct{ listen, dial, other string }{
		{"ip://127.0.0.1?proto=253", "ip://127.0.0.1?proto=253", "ip://127.0.0.1?proto=254"},
		{"ip://?proto=253", "ip://127.0.0.1?proto=253", "ip://127.0.0.1?proto=254"},
		{"ip://[::1]?proto=253", "ip://[::1]?proto=253", "ip://[::1]?proto=254"},
	} {
		t.Run(tt.listen, func(t *testing.T) {
			pc := rawAt(t, tt.listen)
			send(t, dialAt(t, tt.other, nil), "of another protocol")
			send(t, dialAt(t, tt.dial, nil), "of ours")
			expectFrom(t, pc, "of ours") // without any header
		})
	}
}

// On loopback a dialled raw socket hears what it sends: what matters is that
// the header is gone, which package net's own Read leaves in.
func TestIPDialledReadsWithoutTheHeader(t *testing.T) {
	for _, text := range []string{"ip://127.0.0.1?proto=253", "ip://[::1]?proto=253"} {
		t.Run(text, func(t *testing.T) {
			rawAt(t, text).Close()
			c := dialAt(t, text, nil)
			send(t, c, "hello")
			buf := make([]byte, 5) // just as much as there is
			if n, err := c.Read(buf); string(buf[:n]) != "hello" || err != nil {
				t.Errorf("Read into 5 bytes = %q, %v, want %q", buf[:n], err, "hello")
			}
		})
	}
}

func TestIPSource(t *testing.T) {
	pc := rawAt(t, "ip://127.0.0.1?proto=253")
	send(t, dialAt(t, "ip://127.0.0.1?proto=253&source=127.0.0.1", nil), "x")
	if from := expectFrom(t, pc, "x"); from.String() != "127.0.0.1" {
		t.Errorf("it came from %v, want 127.0.0.1", from)
	}
}

func TestIPNeedsProto(t *testing.T) {
	e := endpoint.MustParse("ip://127.0.0.1")
	const want = "option proto is missing"
	if err := CheckListen(e); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CheckListen(%v) = %v, want an error with %q", e, err, want)
	}
	if err := CheckDial(e); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CheckDial(%v) = %v, want an error with %q", e, err, want)
	}
}
