package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/endpoint"
)

// The values of flags that have a range. They keep what was written, and show no
// default in the help: the usage has it.

// countFlag is a number of things from low to high. 0 is not given.
type countFlag struct {
	n, low, high int
	text         string
}

func (c *countFlag) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < c.low || n > c.high || strings.HasPrefix(s, "+") {
		return fmt.Errorf("want a number from %d to %d", c.low, c.high)
	}
	c.n, c.text = n, s
	return nil
}

func (c *countFlag) String() string  { return "" }
func (c *countFlag) Type() string    { return "N" }
func (c *countFlag) written() string { return c.text }

// bytesFlag is a size from 0 to high.
type bytesFlag struct {
	n, high int64
	text    string
}

func (b *bytesFlag) Set(s string) error {
	n, err := endpoint.ParseSize(s)
	switch {
	case err != nil:
		return err
	case n > b.high:
		return fmt.Errorf("must be from 0 to %s", sizeText(b.high))
	}
	b.n, b.text = n, s
	return nil
}

func (b *bytesFlag) String() string  { return "" }
func (b *bytesFlag) Type() string    { return "SIZE" }
func (b *bytesFlag) written() string { return b.text }

// sizeText is a size in the largest unit that gives a whole number.
func sizeText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return count(n, "byte")
}

// rateFlag is so many in a second. With off, 0 is no limit, and negative.
type rateFlag struct {
	rate float64
	off  bool
	text string
}

func (r *rateFlag) Set(s string) error {
	if r.off && s == "0" {
		r.rate, r.text = -1, s
		return nil
	}
	rate, err := endpoint.ParseRate(s)
	if err == nil {
		r.rate, r.text = rate, s
	}
	return err
}

func (r *rateFlag) String() string  { return "" }
func (r *rateFlag) Type() string    { return "RATE" }
func (r *rateFlag) written() string { return r.text }

// spanFlag is a duration that is at least low. With off, 0 is allowed too, and is
// negative.
type spanFlag struct {
	d, low time.Duration
	off    bool
	text   string
}

func (f *spanFlag) Set(s string) error {
	d, err := endpoint.ParseDuration(s)
	switch {
	case err != nil:
		return err
	case f.off && d == 0:
		d = -1
	case d < f.low && f.off:
		return fmt.Errorf("must be 0, or at least %v", f.low)
	case d < f.low:
		return fmt.Errorf("must be at least %v", f.low)
	}
	f.d, f.text = d, s
	return nil
}

func (f *spanFlag) String() string  { return "" }
func (f *spanFlag) Type() string    { return "DURATION" }
func (f *spanFlag) written() string { return f.text }
