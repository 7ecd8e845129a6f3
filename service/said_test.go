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

// TestPlainClients shows that a client that sends no line end is answered when it
// pauses, and one that does at once.
func TestPlainClients(t *testing.T) {
	tests := []struct {
		svc       parley.Service
		say, want string
		after     time.Duration
	}{
		{Echo{}, "hi", "hi", 0},
		{Ack{}, "hi", "tcpServer has received your message", pause},
		{Ack{}, "hi\n", "tcpServer has received your message", 0},
		{Ack{Reply: "got it"}, "hi\r\n", "got it", 0},
		{Stamp{Now: fixedClock}, "hi", "[Thu Nov  5 12:00:00 2026] hi", pause},
		{Stamp{Now: fixedClock}, "hi\n", "[Thu Nov  5 12:00:00 2026] hi\n", 0},
		{Gate{}, "1", "welcome to server!", pause},
		{Greet{}, "", "byebye", 0},
		{Greet{Text: "hello I am server,welcome"}, "", "hello I am server,welcome", 0},
		{Daytime{Now: fixedClock}, "", "Thursday, November 5, 2026 12:00:00-UTC\r\n", 0},
		{Time{Now: fixedClock}, "", "\xee\x96\xee\x40", 0},
	}
	for _, tt := range tests {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := serve(t, tt.svc, memory(t), parley.Limits{}).dial()
				c.send(tt.say)
				if after := c.expect(tt.want); after != tt.after {
					t.Errorf("%v: %q is answered after %v, want %v", tt.svc, tt.say, after, tt.after)
				}
			})
		})
	}
}

// TestGreetNotesAndCloses is printf hihi | parley dial: the peer ends its direction
// without a line end.
func TestGreetNotesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Greet{}, memory(t), parley.Limits{})
		c := s.dial()
		c.send("hihi")
		c.endWriting()
		if after := c.expect("byebye") + c.expectEnd(); after != 0 {
			t.Errorf("closed after %v, want at once", after)
		}
		if err := s.ended(); err != nil {
			t.Errorf("the session ends with %v", err)
		}
		if got, want := s.notes(), []string{"[Client " + c.LocalAddr().String() + " said]: hihi"}; !slices.Equal(got, want) {
			t.Errorf("notes %q, want %q", got, want)
		}
	})
}

// TestGreetTakesOneMessage keeps the peer's direction open, and silent after two
// messages.
func TestGreetTakesOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Greet{}, memory(t), parley.Limits{})
		c := s.dial()
		c.expect("byebye")
		time.Sleep(time.Minute)
		c.send("one\r\ntwo\r\n")
		if after := c.expectEnd(); after != 0 {
			t.Errorf("closed after %v, want at once", after)
		}
		c.Close()
		if err := s.ended(); err != nil {
			t.Errorf("the session ends with %v", err)
		}
		if got, want := s.notes(), []string{"[Client " + c.LocalAddr().String() + " said]: one"}; !slices.Equal(got, want) {
			t.Errorf("notes %q, want %q", got, want)
		}
	})
}

// TestAckNotes shows the note's words, over sockets with a HOST:PORT.
func TestAckNotes(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0"} {
		t.Run(at[:3], func(t *testing.T) {
			s := serve(t, Ack{}, at, parley.Limits{})
			c := s.dial()
			host := c.LocalAddr().String()
			if !strings.HasPrefix(host, "127.0.0.1:") {
				t.Fatalf("the client's address is %s", host)
			}
			var want []string
			for say, said := range map[string]string{"hello server": "hello server", "a line\r\n": "a line", "more\n": "more", "two  words \n": "two  words "} {
				c.send(say)
				c.expect("tcpServer has received your message")
				want = append(want, "[Client "+host+" said]: "+said)
			}
			if got := s.notes(); !slices.Equal(got, want) {
				t.Errorf("notes %q, want %q", got, want)
			}
		})
	}
}

// TestAnswerCap shows that no parameter makes a service amplify datagrams.
func TestAnswerCap(t *testing.T) {
	const most = 256 // of parley.Limits.Answer
	tests := []struct {
		svc       parley.Service
		size      int
		forbidden bool
	}{
		{Ack{Reply: strings.Repeat("x", most+10)}, 10, false},
		{Ack{Reply: strings.Repeat("x", most+11)}, 10, true},
		{Greet{Text: strings.Repeat("x", most)}, 0, false},
		{Greet{Text: strings.Repeat("x", most+1)}, 0, true},
		{Stamp{}, 60000, false},
		{Echo{}, 60000, false},
	}
	for _, tt := range tests {
		t.Run("", func(t *testing.T) {
			s := serve(t, tt.svc, "udp://127.0.0.1:0", parley.Limits{})
			c := s.dial()
			msg := strings.Repeat("m", tt.size)
			if !tt.forbidden {
				if got := c.ask(msg); len(got) > tt.size+most {
					t.Errorf("%v answers %d bytes to %d", tt.svc, len(got), tt.size)
				}
				return
			}
			c.send(msg)
			s.await("reject", func(e *parley.Event) bool {
				return e.Kind == parley.EventReject && errors.Is(e.Err, parley.ErrAnswerCap)
			})
		})
	}
}

func TestDiscardSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Discard{}, memory(t), parley.Limits{})
		c := s.dial()
		for range 100 {
			c.send(strings.Repeat("x", 10_000))
		}
		c.endWriting()
		c.expectEnd()
		end := s.await("end", func(e *parley.Event) bool { return e.Kind == parley.EventEnd })
		if end.Err != nil || end.BytesIn != 1_000_000 || end.BytesOut != 0 {
			t.Errorf("%d bytes in, %d out, %v; want 1000000, 0, nil", end.BytesIn, end.BytesOut, end.Err)
		}
	})
}
