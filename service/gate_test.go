package service

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley"
)

// pause is how long a peer has to be silent before what it sent without a line
// end is a message.
const pause = 100 * time.Millisecond

func TestGateDecision(t *testing.T) {
	const welcome, refusal = "welcome to server!", "please go out!"
	long := strings.Repeat("x", 1000)
	tests := []struct {
		secret, say, want string
		after             time.Duration // when the answer comes
	}{
		{"", "1", welcome, pause},
		{"", "1\n", welcome, 0},
		{"", "1\r\n", welcome, 0},
		{"", "1\r", welcome, pause},
		{"", "1\r\nand more\r\n", welcome, 0},
		{"", "1\n1\n", welcome, 0},
		{"", "2", refusal, pause},
		{"", "11\n", refusal, 0},
		{"", " 1\n", refusal, 0},
		{"", "1 \n", refusal, 0},
		{"", "\n", refusal, 0},
		{"", "\r\n", refusal, 0},
		{"", "\r\n1\r\n", refusal, 0},
		{"", "1\x00", refusal, pause},
		{"", long, refusal, pause},
		{"open sesame", "open sesame\r\n", welcome, 0},
		{"open sesame", "open sesame", welcome, pause},
		{"open sesame", "Open sesame\r\n", refusal, 0},
		{"open sesame", "1\r\n", refusal, 0},
		{long, long + "\n", welcome, 0},
	}
	for _, tt := range tests {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, Gate{Secret: tt.secret}, memory(t), parley.Limits{})
				c := s.dial()
				c.send(tt.say)
				if after := c.expect(tt.want); after != tt.after {
					t.Errorf("%.20q is answered after %v, want %v", tt.say, after, tt.after)
				}
				c.expectEnd()
				c.Close()
				verdict := "refused"
				if tt.want == welcome {
					verdict = "welcomed"
				}
				if err := s.ended(); err != nil {
					t.Errorf("%.20q: the session ends with %v", tt.say, err)
				}
				if got, want := s.notes(), []string{"[Client " + c.LocalAddr().String() + " " + verdict + "]"}; !slices.Equal(got, want) {
					t.Errorf("%.20q: notes %q, want %q", tt.say, got, want)
				}
			})
		})
	}
}

// TestGateHearsTelnet sends as a telnet in character mode does, every key at the
// speed of a fast typist.
func TestGateHearsTelnet(t *testing.T) {
	for _, say := range []string{"open\r\n", "open\n", "open"} {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serve(t, Gate{Secret: "open"}, memory(t), parley.Limits{}).dial()
				for i, key := range strings.Split(say, "") {
					if i > 0 {
						time.Sleep(pause - time.Millisecond)
					}
					c.send(key)
				}
				want := time.Duration(0)
				if !strings.HasSuffix(say, "\n") {
					want = pause
				}
				if after := c.expect("welcome to server!"); after != want {
					t.Errorf("%q is answered after %v, want %v", say, after, want)
				}
				c.expectEnd()
			})
		})
	}
}

// TestGateHalfClose ends the message by the peer's end.
func TestGateHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, Gate{}, memory(t), parley.Limits{}).dial()
		c.send("1")
		c.endWriting()
		if after := c.expect("welcome to server!") + c.expectEnd(); after != 0 {
			t.Errorf("answered after %v, want at once", after)
		}
	})
}

func TestGateWait(t *testing.T) {
	const idle = 20 * time.Second // the server's
	tests := []struct{ wait, want time.Duration }{
		{0, 5 * time.Second},
		{3 * time.Second, 3 * time.Second},
		{time.Minute, time.Minute},
		{-1, idle},
	}
	for _, tt := range tests {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, Gate{Wait: tt.wait}, memory(t), parley.Limits{Idle: idle})
				c := s.dial()
				if after := c.expectEnd(); after != tt.want {
					t.Errorf("Wait %v: closed after %v, want %v", tt.wait, after, tt.want)
				}
				if err := s.ended(); !errors.Is(err, parley.ErrIdle) {
					t.Errorf("Wait %v: the session ends with %v, want ErrIdle", tt.wait, err)
				}
				if got, want := s.notes(), []string{"[Client " + c.LocalAddr().String() + " timeout]"}; !slices.Equal(got, want) {
					t.Errorf("Wait %v: notes %q, want %q", tt.wait, got, want)
				}
			})
		})
	}
}

// TestGateWaitOnDatagrams shows that a datagram is judged at once, and that
// nothing waits after it.
func TestGateWaitOnDatagrams(t *testing.T) {
	s := serve(t, Gate{Wait: time.Hour}, "udp://127.0.0.1:0", parley.Limits{})
	c := s.dial()
	for say, want := range map[string]string{"1": "welcome to server!", "1\r\n": "welcome to server!", "": "please go out!", "no": "please go out!"} {
		if got := c.ask(say); got != want {
			t.Errorf("%q is answered %q, want %q", say, got, want)
		}
	}
	if err := s.ended(); err != nil {
		t.Errorf("the session ends with %v", err)
	}
}

// TestGatePeerLeaves shows that who leaves without a word is no timeout.
func TestGatePeerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Gate{}, memory(t), parley.Limits{})
		s.dial().Close()
		if err := s.ended(); err != nil {
			t.Errorf("the session ends with %v", err)
		}
		if notes := s.notes(); len(notes) > 0 {
			t.Errorf("notes %q, want none", notes)
		}
	})
}
