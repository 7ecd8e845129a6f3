package servicetest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// hangEnv makes TestHang the child process that hangs.
const hangEnv = "PARLEY_SERVICETEST_HANG"

// TestHang shows that a check that stops the simulated clock is ended, and that
// what it had found is not lost.
func TestHang(t *testing.T) {
	if os.Getenv(hangEnv) != "" {
		inBubble(t, time.Second, hang)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHang$")
	cmd.Env = append(os.Environ(), hangEnv+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("a check that hangs passes: %v", err)
	}
	for _, want := range []string{"TestHang hangs", "found before: one; two", "servicetest.hang("} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
}

// hang waits for a mutex that nobody will unlock.
func hang(_ *testing.T, f *findings) {
	f.add("one")
	f.add("two")
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
}
