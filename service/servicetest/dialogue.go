package servicetest

import (
	"fmt"
	"strings"
)

// A Dialogue is what one peer and the service say to each other, step by step,
// and who ends it.
type Dialogue struct {
	Steps []Step

	// Ends says who ends. On datagrams nobody does.
	Ends End
}

// A Step is something the peer sends and what it is answered, either of which
// may be missing.
type Step struct {
	// Send is one message of the peer; empty is none. On byte streams it is
	// framed as the service's framing says.
	Send string

	// Want is the answer exactly: the messages of the service, without
	// their frames, one after the other.
	Want string

	// Check is for an answer that is not known in advance, instead of Want.
	// It finds the answer at the start of got and returns how many bytes it
	// has. 0 means that got is only the beginning of one.
	Check func(got []byte) (n int, err error)
}

// End says who ends a dialogue.
type End uint8

const (
	// PeerEnds: the peer ends its direction after the last step, and the
	// service, having nothing more to say, ends too.
	PeerEnds End = iota

	// ServiceEnds: the service ends by itself after the last step.
	ServiceEnds

	// PeerLeaves: the service goes on, whatever the peer does, until the peer
	// is gone. What it says after the last step is not looked at.
	PeerLeaves
)

// answer finds the answer of s at the start of got: n is its size, or done is
// false if more is needed.
func (s Step) answer(got []byte) (n int, done bool, err error) {
	if s.Check != nil {
		n, err = s.Check(got)
		return n, n > 0, err
	}
	common := min(len(got), len(s.Want))
	if string(got[:common]) != s.Want[:common] {
		return 0, false, fmt.Errorf("got %s, want %s", quote(string(got)), quote(s.Want))
	}
	return common, common == len(s.Want), nil
}

// unanswered reports whether the service gets something that it does not answer.
func (s Step) unanswered() bool { return s.Send != "" && s.Want == "" && s.Check == nil }

// String is the step in words, for the failures of a test.
func (s Step) String() string {
	if s.Send == "" {
		return "what the service says first"
	}
	return "the answer to " + quote(s.Send)
}

// asks reports whether the peer says anything.
func (d Dialogue) asks() bool { return d.lastAsked() < len(d.Steps) }

// lastAsked is the last step in which the peer sends; len(d.Steps) if there is none.
func (d Dialogue) lastAsked() int {
	for i := len(d.Steps) - 1; i >= 0; i-- {
		if d.Steps[i].Send != "" {
			return i
		}
	}
	return len(d.Steps)
}

// wanted is how many bytes the answers to what the peer sends have at least.
func (d Dialogue) wanted() (n int) {
	for _, s := range d.Steps {
		if s.Send == "" {
			continue
		}
		n += len(s.Want)
		if s.Check != nil {
			n++
		}
	}
	return n
}

// quote shows a long text by its ends.
func quote(s string) string {
	const most = 160
	if len(s) > most {
		return fmt.Sprintf("%q ... %q (%d bytes)", s[:most/2], s[len(s)-most/2:], len(s))
	}
	return fmt.Sprintf("%q", strings.Clone(s))
}
