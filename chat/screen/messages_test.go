package screen

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley/chat/client"
	"parley/chat/wire"
)

func TestMessages(t *testing.T) {
	s := newScreen(t, 60, 16)
	s.say("lobby", "bob", "hello there, this is a line that is too long for the screen")
	s.seq++
	s.events(client.Message{Message: wire.Message{Room: "lobby", Seq: s.seq, Time: s.now, Name: "bob", Kind: wire.Me, Text: "waves"}})
	s.events(client.Told{Time: s.now, Name: "bob", Text: "psst"}, client.Notice{Text: "the server says"})
	s.want(
		"── Friday 20 November 2026 ──",
		"14:03   bob: hello there, this is a line that is too long",
		"        for the screen",
		"14:03   * bob waves",
		"14:03   bob tells you: psst",
		"14:03   -- the server says",
	)
}

// TestDelivery follows one post from the key to its place among the messages.
func TestDelivery(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'hello", "enter")
	s.wantLast("post 1 lobby say hello")
	s.want("14:03 · ada: hello")
	s.wantStatus("1 not acknowledged")

	s.say("lobby", "bob", "before it")
	s.want("bob: before it", "14:03 · ada: hello") // it stays at the end
	s.chat.unacked.Store(0)
	s.events(client.Delivered{ID: 1, Seq: s.seq + 1, Room: "lobby"})
	s.want("bob: before it", "14:03 ✓ ada: hello")
	s.stored("lobby", 1, "hello")
	s.say("lobby", "bob", "after it")
	s.want("bob: before it", "14:03 ✓ ada: hello", "bob: after it")
	if n := strings.Count(s.text(), "hello"); n != 1 {
		t.Errorf("the message stands %d times on the screen, want once:\n%s", n, s.text())
	}
	if len(s.m.posts) != 0 || len(s.m.current.pending) != 0 {
		t.Errorf("%d posts and %d pending are left, want none", len(s.m.posts), len(s.m.current.pending))
	}
	s.wantNot("not acknowledged")
}

// TestDeliveryMessageFirst has the message come before its acknowledgement.
func TestDeliveryMessageFirst(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'one", "enter", "'two", "enter")
	s.stored("lobby", 1, "one")
	s.want("✓ ada: one", "· ada: two")
	s.events(client.Delivered{ID: 1, Seq: s.seq})
	s.want("✓ ada: one", "· ada: two")
}

// TestDeliveryWithoutMessage: what is stored but never comes gets its place when
// what follows it does.
func TestDeliveryWithoutMessage(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'mine", "enter")
	s.seq++
	s.events(client.Delivered{ID: 1, Seq: s.seq, Room: "lobby"})
	s.say("lobby", "bob", "later")
	s.want("✓ ada: mine", "bob: later")
}

// TestDeliveryElsewhere: what was said before any room was joined may belong to
// another than the first.
func TestDeliveryElsewhere(t *testing.T) {
	s := bareScreen(t, 80, 24)
	s.keys("'early", "enter")
	s.events(client.Connected{Name: "ada"}, client.Joined{Room: "lobby"}, client.Joined{Room: "ops"})
	s.stored("ops", 1, "early")
	s.wantNot("early")
	s.keys("alt+2")
	s.want("✓ ada: early")
}

func TestRefused(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'no", "enter", "'yes", "enter")
	s.events(client.Refused{ID: 1, Room: "lobby", Code: "too-long", Text: "over 4096 bytes", Posted: "no"})
	s.want("14:03 ✗ ada: no  ✗ over 4096 bytes", "14:03 · ada: yes")
	s.stored("lobby", 2, "yes")
	s.say("lobby", "bob", "later")
	s.want("✗ ada: no", "✓ ada: yes", "bob: later")

	s.chat.refuse = client.ErrEnded
	s.keys("'too late", "enter")
	s.want("✗ ada: too late  ✗ " + client.ErrEnded.Error())
}

func TestTell(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'/msg bob psst", "enter")
	s.wantLast("tell 1 bob psst")
	s.want("14:03 · you tell bob: psst")
	s.say("lobby", "bob", "hm")
	s.events(client.Delivered{ID: 1})
	s.want("14:03 ✓ you tell bob: psst", "bob: hm")
}

func TestMe(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.keys("'/me waves", "enter")
	s.wantLast("post 1 lobby me waves")
	s.want("14:03 · * ada waves")
}

func TestDayChange(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.saidAt("lobby", "bob", "late", time.Date(2026, 11, 20, 23, 59, 0, 0, time.UTC))
	s.saidAt("lobby", "bob", "early", time.Date(2026, 11, 21, 0, 1, 0, 0, time.UTC))
	s.want("Friday 20 November 2026", "23:59   bob: late", "── Saturday 21 November 2026", "00:01   bob: early")
	if n := strings.Count(s.text(), "November"); n != 2 {
		t.Errorf("%d day separators, want 2:\n%s", n, s.text())
	}
}

func TestLocalTime(t *testing.T) {
	s := bareScreen(t, 80, 24)
	s.m.o.Location = time.FixedZone("x", -(3*3600 + 1800))
	s.events(client.Joined{Room: "lobby"})
	s.saidAt("lobby", "bob", "hello", time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC))
	s.want("Friday 20 November 2026", "21:30   bob: hello")
	s.wantStatus("UTC-3:30")
	for _, c := range []struct {
		seconds int
		want    string
	}{{0, "UTC"}, {7200, "UTC+2"}, {-36000, "UTC-10"}, {20700, "UTC+5:45"}} {
		if got := offset(testStart.In(time.FixedZone("x", c.seconds))); got != c.want {
			t.Errorf("offset of %d s = %q, want %q", c.seconds, got, c.want)
		}
	}
}

func TestPresence(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.events(client.Members{Room: "lobby", Names: []string{"ada", "bob"}})
	s.events(client.Came{Room: "lobby", Name: "eve"}, client.Came{Room: "lobby", Name: "eve"}, client.Left{Room: "lobby", Name: "bob", Why: "left"})
	s.want("-- eve came; bob left")
	s.want("2 persons", "ada (you)", "eve")
	s.events(client.Renamed{Old: "eve", New: "zoe"}, client.Renamed{Old: "ada", New: "lovelace", Own: true})
	s.want("-- eve is called zoe now", "-- you are called lovelace now")
	s.want("2 persons", "lovelace (you)", "zoe")
	s.keys("'/who", "enter")
	s.events(client.Members{Room: "lobby", Names: []string{"lovelace", "zoe"}})
	s.want("-- lobby: 2 persons: lovelace, zoe")
}

// TestNothingHarms has names and texts of others that a terminal would obey.
func TestNothingHarms(t *testing.T) {
	s := newScreen(t, 80, 24)
	bad := "\x1b]0;title\x07\x1b[2J\u202e\u0085\r\n"
	s.say("lobby", "b"+bad, bad)
	s.events(client.Told{Name: bad, Text: bad}, client.Notice{Text: bad}, client.Problem{Text: bad},
		client.Came{Room: "lobby", Name: bad}, client.Disconnected{Err: errTest}, client.Members{Room: "lobby", Names: []string{bad}},
		client.RoomList{Rooms: []client.RoomInfo{{Name: bad}}}, client.Joined{Room: "r" + bad})
	s.send(press("alt+1"))
	for _, l := range s.view() {
		if strings.ContainsAny(l, "\x07\r\u202e\u0085\x1b") {
			t.Errorf("a line has a control character: %q", l)
		}
	}
	if got := ansi.Strip(s.m.View().Content); !strings.Contains(got, "␛[2J‹U+202E›") {
		t.Errorf("what was said is not shown:\n%s", got)
	}
}

// TestWideAligned checks that the members' column is straight beside wide text.
func TestWideAligned(t *testing.T) {
	for _, method := range []ansi.Method{ansi.WcWidth, ansi.GraphemeWidth} {
		s := newScreen(t, 80, 24)
		s.m.method = method
		for _, text := range []string{"ascii", "日本語のテキスト", "👍 emoji 👨‍👩‍👧‍👦 family", "e\u0301\u0301 marks", "🇩🇪 flag", "tab\tstop"} {
			s.say("lobby", "名前", text)
		}
		for _, l := range strings.Split(s.m.View().Content, "\n")[1:22] {
			before, _, found := strings.Cut(ansi.Strip(l), " │ ")
			if got := method.StringWidth(before); !found || got != s.m.columns() {
				t.Errorf("method %d: the column is at %d, want %d: %q", method, got, s.m.columns(), ansi.Strip(l))
			}
		}
	}
}

// TestWidthMethod: where the terminal says that it counts by clusters, so does
// the screen, and draws joined emoji.
func TestWidthMethod(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.say("lobby", "bob", "👨‍👩‍👧‍👦")
	s.want("bob: 👨👩👧👦")
	s.send(tea.ModeReportMsg{Mode: ansi.ModeSynchronizedOutput, Value: ansi.ModeReset})
	s.send(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeNotRecognized})
	s.want("bob: 👨👩👧👦")
	s.send(tea.ModeReportMsg{Mode: ansi.ModeUnicodeCore, Value: ansi.ModeReset})
	s.want("bob: 👨‍👩‍👧‍👦")
}

func TestColours(t *testing.T) {
	if a, b := styleOfName("ada", false), styleOfName("ADA", false); a != b {
		t.Errorf("styles of ada and ADA are %q and %q, want the same", a, b)
	}
	s := newScreen(t, 80, 24)
	s.m.o.NoColor = true
	s.say("lobby", "bob", "hello ada")
	s.events(client.Members{Room: "lobby", Names: []string{"ada", "bob"}})
	s.keys("'x", "enter")
	if got := s.m.View().Content; strings.Contains(got, "38;5") {
		t.Errorf("with NoColor the screen has colours: %q", got)
	}
}

func TestMention(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"ada", true}, {"hello ADA!", true}, {"ada: hi", true}, {"@ada", true}, {"canada", false}, {"ada-lovelace", false}, {"", false}, {"canada and ada", true},
	} {
		if got := mentions(c.text, "ada"); got != c.want {
			t.Errorf("mentions(%q, ada) = %v, want %v", c.text, got, c.want)
		}
	}
	s := newScreen(t, 80, 24)
	s.say("lobby", "bob", "hello ada")
	s.want("14:03 ! bob: hello ada")
}
