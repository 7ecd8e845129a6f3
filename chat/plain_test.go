package chat_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
)

func TestPlainConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a := r.dial("a")
		began := time.Now()
		a.want("* you are guest-1 in lobby, 1 here; /help lists the commands, q leaves")
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("a silent peer was welcomed after %v, want 300ms", took)
		}
		b := r.dial("b")
		b.say("hello")
		a.want("* guest-2 joined", "guest-2: hello")
		b.want("* you are guest-2 in lobby, 2 here; /help lists the commands, q leaves")
		a.say("/nick ada")
		a.want("* guest-1 is now ada")
		b.want("* guest-1 is now ada")
		a.say("/me waves", "//slash", "tab\there \x1b[31m red", "")
		b.want("** ada waves", "ada: /slash", "ada: tab\there ␛[31m red")
		b.say("/msg Ada psst", "/msg nobody psst", "/who", "/rooms", "/nick ADA", "/nick guest-7", "/frob", "/part")
		a.want("guest-2 -> you: psst")
		b.want("* not sent: nobody is called nobody", "* 2 in lobby:", "* ada, guest-2", "* lobby, 2 here", "* ada is taken")
		b.want("~\\* .*guest.*", "~\\* unknown command /frob.*", "* /part is for parley's own client")
		b.say("/join Ops", "deploy")
		b.want("* you are in ops, 1 here")
		a.want("* guest-2 left")
		a.say("/join ops")
		a.want("* you are in ops, 2 here")
		b.want("* ada joined")
		a.say("/history", "/history 1")
		a.want("~\\[[0-9][0-9]:[0-9][0-9]\\] guest-2: deploy", "~\\[.*\\] guest-2: deploy")
		a.say("q")
		a.wantEnd()
		b.want("* ada left")
		b.say("/QUIT")
		b.wantEnd()
		c := r.plain("c")
		c.say("/history 2")
		c.want("~\\[.*\\] ada: /slash", "~\\[.*\\] ada: tab.*")
		synctest.Wait()
		if n := r.hub.Stats(); n.Members != 1 || n.Rooms != 1 || n.Posts != 5 {
			t.Errorf("Stats() = %+v, want 1 member, 1 room, 5 posts", n)
		}
	})
}

// TestPlainLongLines refuses what is too long with a word, and takes what follows.
func TestPlainLongLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a, b := r.plain("a"), r.plain("b")
		a.want("* guest-2 joined")
		most := strings.Repeat("x", 4096)
		for _, n := range []int{4097, 4098, 4099, 2 * 4098, 100_000, 1 << 20} {
			go io.WriteString(a.conn, strings.Repeat("x", n)+"\n")
			a.want("* not sent: longer than 4096 bytes")
			a.say(most)
			b.want("guest-1: " + most)
		}
		// Cleaning makes it too long.
		a.say(strings.Repeat("\x01", 2000))
		a.want("* not sent: longer than 4096 bytes")
		// A pause in the middle of it is not its end.
		io.WriteString(a.conn, strings.Repeat("y", 5000))
		a.want("* not sent: longer than 4096 bytes")
		time.Sleep(time.Second)
		io.WriteString(a.conn, "the rest of it\nnext\n")
		b.want("guest-1: next")
		// But who is silent for long has given it up.
		io.WriteString(a.conn, strings.Repeat("y", 5000))
		a.want("* not sent: longer than 4096 bytes")
		time.Sleep(3 * time.Second)
		io.WriteString(a.conn, "no line feed")
		b.want("guest-1: no line feed")
	})
}

// TestPlainWithoutNewline takes what a program sends that does not end lines.
func TestPlainWithoutNewline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a, b := r.plain("a"), r.dial("b")
		io.WriteString(b.conn, "hi")
		a.want("* guest-2 joined", "guest-2: hi")
		io.WriteString(b.conn, "\xff\xfb\x01bad \xff utf8\r\n")
		a.want("~guest-2: bad .* ?utf8")
	})
}

// TestLastLineIsStored takes the line of a peer that sends it and ends.
func TestLastLineIsStored(t *testing.T) {
	for _, text := range []string{"last words\n", "last words"} {
		synctest.Test(t, func(t *testing.T) {
			log := newFakeLog(t)
			log.delay = time.Second
			r := serve(t, &chat.Hub{Log: log})
			a := r.plain("a")
			b := r.dial("b")
			io.WriteString(b.conn, text)
			b.conn.(interface{ CloseWrite() error }).CloseWrite()
			b.want("~\\* you are guest-2.*")
			b.wantEnd()
			a.want("* guest-2 joined", "guest-2: last words", "* guest-2 left")
		})
	}
}

func TestPlainFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Flood: chat.Flood{Burst: 3, PerSecond: 1}})
		a, b := r.plain("a"), r.plain("b")
		a.want("* guest-2 joined")
		a.say("1", "2", "3", "4", "5", "6")
		b.want("guest-1: 1", "guest-1: 2", "guest-1: 3")
		a.want("* not sent: too much at a time, say it again later")
		a.wantNothing()
		a.say("7")
		b.want("guest-1: 7")
		if n := r.hub.Stats().Refused; n != 3 {
			t.Errorf("%d refused, want 3", n)
		}
	})
}

// TestPaste lets 200 lines through as they were typed.
func TestPaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, new(chat.Hub))
		a, b := r.plain("a"), r.plain("b")
		a.want("* guest-2 joined")
		var paste strings.Builder
		for i := range 200 {
			paste.WriteString(strings.Repeat(" ", i%20) + "line\n")
		}
		go io.WriteString(a.conn, paste.String())
		for i := range 200 {
			b.want("guest-1: " + strings.Repeat(" ", i%20) + "line")
		}
	})
}

func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, &chat.Hub{Replay: 2})
		a := r.plain("a")
		a.say("1", "2", "3")
		time.Sleep(time.Second)
		b := r.plain("b")
		b.want("~\\[.*\\] guest-1: 2", "~\\[.*\\] guest-1: 3")
		a.say("4")
		b.want("guest-1: 4")
	})
}

func TestTranscript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make(chan string, 10)
		r := serve(t, &chat.Hub{Transcript: func(s string) { lines <- s }})
		a := r.plain("a")
		a.say("hi \x1b]0;x\x07", "/me waves", "/nick ada", "q")
		a.want("* guest-1 is now ada")
		a.wantEnd()
		for _, want := range []string{"lobby * guest-1 joined", "lobby guest-1: hi ␛]0;x␇", "lobby ** guest-1 waves", "lobby * guest-1 is now ada", "lobby * ada left"} {
			if got := <-lines; got != want {
				t.Errorf("transcript has %q, want %q", got, want)
			}
		}
	})
}
