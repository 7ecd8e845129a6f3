package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
)

// TestSlowReader lets two members read nothing while others talk: nobody else
// notices, and they are told what they missed.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Flood: chat.Flood{Burst: -1}})
		a, slow := r.plain("a"), r.plain("slow")
		c := r.client("carl")
		c.say("JOIN lobby")
		c.want("LIVE lobby 0 3")
		a.want("* guest-2 joined", "* carl joined")
		slow.want("* carl joined")
		fast := r.plain("fast")
		a.want("* guest-3 joined")
		slow.want("* guest-3 joined")
		const lines = 500
		line := strings.Repeat("x", 2000)
		for range lines {
			a.say(line)
			fast.want("guest-1: " + line)
		}
		missed := int(r.hub.Stats().Missed)
		if missed == 0 {
			t.Fatal("nobody missed anything")
		}
		c.say("POST 1 lobby say :here", "PING x") // whose answers wait
		fast.want("carl: here")
		got, notices := 0, 0
		for got+notices < lines+1 {
			var n int
			switch text := slow.line(); {
			case strings.HasPrefix(text, "guest-1: "), text == "carl: here":
				got++
			default:
				if _, err := fmt.Sscanf(text, "* you missed %d messages, /history shows them", &n); err != nil {
					t.Fatalf("got %q", text)
				}
				notices += n
			}
		}
		if notices == 0 {
			t.Error("the slow reader was not told what it missed")
		}
		time.Sleep(time.Second) // until it is not behind any more
		a.say("next")
		slow.want("guest-1: next")
		c.want("HERE lobby guest-3")
		counted, seen, last, acked, ponged := 0, 0, 0, false, false
		for seen+counted < lines+2 || !acked || !ponged {
			text := c.line()
			var n, seq, prev int
			switch {
			case strings.HasPrefix(text, "MSG "):
				fmt.Sscanf(text, "MSG lobby %d %d", &seq, &prev)
				if prev < last {
					t.Errorf("got %.30q after %d", text, last)
				}
				last = seq
				seen++
			case text == fmt.Sprintf("ACK 1 %d", lines+1):
				acked = true
			case text == "PONG x":
				ponged = true
			default:
				if _, err := fmt.Sscanf(text, "MISSED lobby %d", &n); err != nil {
					t.Fatalf("got %q", text)
				}
				counted += n
			}
		}
		if counted == 0 {
			t.Error("the client was not told what it missed")
		}
		c.say("JOIN lobby after=501")
		c.want("~MSG lobby 502 501 .*", "LIVE lobby 502 4")
	})
}

// TestDeafClient ends a client that does not even read its answers.
func TestDeafClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Flood: chat.Flood{Burst: -1}})
		a, deaf := r.client("ada"), r.client("deaf")
		go func() {
			for i := range 3000 {
				fmt.Fprintf(a.conn, "TELL %d deaf :%s\n", i+1, strings.Repeat("x", 1000))
			}
		}()
		for i := range 3000 {
			if line := a.line(); line != fmt.Sprintf("ACK %d 0", i+1) && !strings.Contains(line, " nobody ") {
				t.Fatalf("got %q", line)
			}
		}
		deaf.conn.Close()
		time.Sleep(time.Minute)
		if n := r.hub.Stats().Members; n != 1 {
			t.Errorf("%d members, want 1", n)
		}
	})
}
