// Package leak fails tests that leave goroutines behind. Each package that
// starts goroutines, or calls one that does, has
//
//	func TestMain(m *testing.M) { leak.Main(m) }
package leak

import (
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package and exits the process: with the tests' own
// status, or with 1 when they passed and goroutines are left, whose stacks it
// prints. Goroutines that are about to end are given about a second.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// Check fails t when goroutines that were started after the call are left at
// the end of t. It runs as a cleanup: after the cleanups registered later,
// before those registered earlier; so call it first. It is not for parallel
// tests, which see each other's goroutines.
func Check(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		t.Helper()
		goleak.VerifyNone(t, before)
	})
}
