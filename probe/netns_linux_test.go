package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inNamespace is set in the child process that has a network of its own.
const inNamespace = "PARLEY_PROBE_NETNS"

// inNetwork runs the test in a child process that has a network of its own.
func inNetwork(t *testing.T, as *syscall.Credential) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	program := os.Args[0]
	if as != nil {
		program = filepath.Join(t.TempDir(), "test")
		copyProgram(t, program)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Credential: as}
	if as != nil {
		cmd.Dir = "/"
	}
	out, err := cmd.CombinedOutput()
	switch {
	case cmd.Process == nil:
		t.Skipf("no namespace: %v", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	}
	t.Logf("%s", out)
}

// copyProgram makes a copy of the test that everybody may run.
func copyProgram(t *testing.T, to string) {
	t.Helper()
	b, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(to, b, 0o755)
	}
	for dir := filepath.Dir(to); err == nil && dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Skip(err)
	}
}

func run(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", line, err, out)
		}
	}
}

// filters is what the child's loopback does with ports.
const filters = `table inet f { chain i { type filter hook input priority 0; policy accept;
tcp dport { 81, 1000-1100 } drop
tcp dport 82 reject with tcp reset
tcp dport 83 reject with icmp type host-unreachable
udp dport 81 drop
udp dport 83 reject with icmp type port-unreachable
}
}
`

// TestFiltered looks at a network with real filters and routes, in a namespace of
// the test's own, which ends with the child that has it.
func TestFiltered(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		inNetwork(t, nil)
		return
	}
	run(t, "ip link set lo up", "ip addr add 10.99.0.1/24 dev lo", "ip route add unreachable 10.99.1.0/24")
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(filters)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Skipf("nft: %v: %s", err, out)
	}
	listen(t, "tcp://10.99.0.1:80", silent)
	want := map[string]string{
		"tcp://10.99.0.1:80": "open",
		"tcp://10.99.0.1:81": "timed out",
		"tcp://10.99.0.1:82": "refused ECONNREFUSED",
		"tcp://10.99.0.1:83": "unreachable EHOSTUNREACH",
		"tcp://10.99.0.1:84": "refused ECONNREFUSED",
		"udp://10.99.0.1:81": "no answer",
		"udp://10.99.0.1:83": "refused ECONNREFUSED",
		"udp://10.99.0.1:84": "refused ECONNREFUSED",
		"tcp://10.99.1.1:80": "unreachable EHOSTUNREACH",
		"udp://10.99.1.1:80": "unreachable EHOSTUNREACH",
		"tcp://10.98.0.1:80": "unreachable ENETUNREACH",
	}
	o := Options{Timeout: 300 * time.Millisecond, Banner: -1}
	up, err := Run(t.Context(), mustParse(t, "tcp://10.99.0.1:80-84", "udp://10.99.0.1:81,83-84", "tcp://10.99.1.1:80", "udp://10.99.1.1:80", "tcp://10.98.0.1:80"), o, func(r Result) {
		text, _ := json.Marshal(r)
		if got := strings.TrimSpace(string(r.State) + " " + r.Errno); got != want[r.Target.String()] {
			t.Errorf("%v: %s, want %s: %s", r.Target, got, want[r.Target.String()], text)
		}
		delete(want, r.Target.String())
	})
	if up || err != nil || len(want) != 0 {
		t.Errorf("Run = %t, %v, without %v", up, err, want)
	}

	// A filtered range takes as many timeouts as it has rounds of the concurrency.
	begun := time.Now()
	n := 0
	o.Concurrency, o.Rate = 51, -1
	Run(t.Context(), mustParse(t, "tcp://10.99.0.1:1000-1100"), o, func(r Result) {
		if n++; r.State != TimedOut {
			t.Errorf("%v: %s", r.Target, r.State)
		}
	})
	if took := time.Since(begun); n != 101 || took < 2*o.Timeout || took > 2*o.Timeout+patience {
		t.Errorf("%d ports in %v, want 101 in 2 timeouts of %v", n, took, o.Timeout)
	}
}
