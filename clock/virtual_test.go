package clock

import (
	"errors"
	"testing"
	"time"
)

func TestVirtual(t *testing.T) {
	base := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	start := base
	v := NewVirtual(func() time.Time { return base })
	shows := func(ahead time.Duration) {
		t.Helper()
		if got := v.Now().Sub(base); got != ahead {
			t.Errorf("%v after the start it is %v ahead, want %v", base.Sub(start), got, ahead)
		}
	}
	shows(0)
	base = base.Add(time.Hour)
	shows(0)
	v.Step(time.Minute)
	shows(time.Minute)
	v.Step(-90 * time.Second)
	shows(-30 * time.Second)
	v.Adjust(100e-6)
	shows(-30 * time.Second)
	base = base.Add(10000 * time.Second)
	shows(-29 * time.Second)
	v.Adjust(-100e-6)
	shows(-29 * time.Second)
	base = base.Add(20000 * time.Second)
	shows(-31 * time.Second)
	if got := v.At(base.Add(10000 * time.Second)).Sub(base.Add(10000 * time.Second)); got != -32*time.Second {
		t.Errorf("later it will be %v ahead, want -32s", got)
	}
	if err := v.Adjust(501e-6); err == nil {
		t.Error("a frequency of 501 ppm was taken")
	}
	shows(-31 * time.Second)
}

// TestSystemIsNotSet runs where the clock may not be set, and wants every call refused in
// the same way. It sets nothing where it may be.
func TestSystemIsNotSet(t *testing.T) {
	var s System
	if err := s.CanSet(); err == nil {
		t.Skip("this process may set the clock")
	} else if !errors.Is(err, ErrReadOnly) {
		t.Errorf("CanSet: %v, want ErrReadOnly", err)
	}
	for name, err := range map[string]error{
		"Step":     s.Step(0),
		"Adjust":   s.Adjust(0),
		"Announce": s.Announce(Status{}),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
}
