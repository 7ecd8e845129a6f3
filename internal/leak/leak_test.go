package leak

import (
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

// fakeTB records what a test under Check would have seen.
type fakeTB struct {
	testing.TB
	cleanups []func()
	failed   bool
}

func (f *fakeTB) Helper()               {}
func (f *fakeTB) Cleanup(fn func())     { f.cleanups = append(f.cleanups, fn) }
func (f *fakeTB) Error(...any)          { f.failed = true }
func (f *fakeTB) Errorf(string, ...any) { f.failed = true }

// end runs the cleanups as the testing package does, last first.
func (f *fakeTB) end() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
}

func waitFor(stop <-chan struct{}, done chan<- struct{}) {
	<-stop
	close(done)
}

func TestCheckFailsOnLeak(t *testing.T) {
	f := &fakeTB{TB: t}
	Check(f)
	stop, done := make(chan struct{}), make(chan struct{})
	go waitFor(stop, done) // ends when stop is closed, below
	f.end()
	close(stop)
	<-done
	if !f.failed {
		t.Error("Check with a goroutine left: did not fail the test, want a failure")
	}
}

func TestCheckPassesWhenAllEnded(t *testing.T) {
	f := &fakeTB{TB: t}
	older, olderDone := make(chan struct{}), make(chan struct{})
	go waitFor(older, olderDone) // ends when older is closed, below; not the checked test's
	Check(f)
	stop, done := make(chan struct{}), make(chan struct{})
	go waitFor(stop, done)
	close(stop)
	<-done
	f.end()
	close(older)
	<-olderDone
	if f.failed {
		t.Error("Check with no goroutine of its own left: failed the test, want none")
	}
}
