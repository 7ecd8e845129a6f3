package command

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Command
	}{
		{"", Command{Name: "say"}},
		{"hello, all", Command{Name: "say", Text: "hello, all"}},
		{"hello\r\n", Command{Name: "say", Text: "hello"}},
		{"  indented /join ", Command{Name: "say", Text: "  indented /join "}},
		{" /join x", Command{Name: "say", Text: " /join x"}},
		{"//join x", Command{Name: "say", Text: "/join x"}},
		{"//", Command{Name: "say", Text: "/"}},
		{"///x", Command{Name: "say", Text: "//x"}},
		{"q", Command{Name: "quit"}},
		{"Q\r\n", Command{Name: "quit"}},
		{"q  ", Command{Name: "quit"}},
		{" q", Command{Name: "say", Text: " q"}},
		{"qq", Command{Name: "say", Text: "qq"}},
		{"/quit", Command{Name: "quit"}},
		{"/quit good night", Command{Name: "quit"}},
		{"/QUIT\n", Command{Name: "quit"}},
		{"/help", Command{Name: "help"}},
		{"/help join", Command{Name: "help"}},
		{"/rooms ", Command{Name: "rooms"}},
		{"/me waves  twice ", Command{Name: "me", Text: "waves  twice"}},
		{"/Me\twaves", Command{Name: "me", Text: "waves"}},
		{"/me /me", Command{Name: "me", Text: "/me"}},
		{"/nick ada", Command{Name: "nick", Arg: "ada"}},
		{"/join  #ops ", Command{Name: "join", Arg: "#ops"}},
		{"/who", Command{Name: "who"}},
		{"/who ops", Command{Name: "who", Arg: "ops"}},
		{"/part", Command{Name: "part"}},
		{"/part ops", Command{Name: "part", Arg: "ops"}},
		{"/msg ada  hi  there", Command{Name: "msg", Arg: "ada", Text: "hi  there"}},
		{"/search two words", Command{Name: "search", Text: "two words"}},
		{"/history", Command{Name: "history", Count: 50}},
		{"/history 1", Command{Name: "history", Count: 1}},
		{"/history 007", Command{Name: "history", Count: 7}},
		{"/history 500", Command{Name: "history", Count: 500}},
		{"/history 2h", Command{Name: "history", Count: 500, Since: 2 * time.Hour}},
		{"/history 1d12h", Command{Name: "history", Count: 500, Since: 36 * time.Hour}},
	} {
		got, err := Parse(c.in)
		if got != c.want || err != nil {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", c.in, got, err, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	const slashes = "; /help lists them; // at the start says a line that begins with /"
	for _, c := range []struct{ in, want string }{
		{"/jion ops", "unknown command /jion; nearest is /join" + slashes},
		{"/hist", "unknown command /hist; nearest is /history" + slashes},
		{"/h", "unknown command /h" + slashes}, // help or history
		{"/wo", "unknown command /wo; nearest is /who" + slashes},
		{"/exit", "unknown command /exit; nearest is /quit" + slashes},
		{"/Whisper ada x", "unknown command /Whisper; nearest is /msg" + slashes},
		{"/xyzzy", "unknown command /xyzzy" + slashes},
		{"/say x", "unknown command /say" + slashes},
		{"/usr/local/bin/parley is it", "unknown command /usr/local/bin/parley" + slashes},
		{"/" + strings.Repeat("ü", 50), "unknown command /üüüüüüüüüüü…" + slashes},
		{"/\x1b[2J", `unknown command "/\x1b[2J"` + slashes},
		{"/\u202ex", `unknown command "/\u202ex"` + slashes},
		{"/\xffx", `unknown command "/\xffx"` + slashes},
		{"/", "a command is missing after /" + slashes},
		{"/ join", "a command is missing after /" + slashes},
		{"/me", "/me needs more: /me TEXT"},
		{"/me \t", "/me needs more: /me TEXT"},
		{"/nick", "/nick needs more: /nick NAME"},
		{"/nick ada lovelace", "/nick takes one word, without spaces: /nick NAME"},
		{"/join", "/join needs more: /join ROOM"},
		{"/join a b", "/join takes one word, without spaces: /join ROOM"},
		{"/who a b", "/who takes one word, without spaces: /who [ROOM]"},
		{"/rooms all", "/rooms takes nothing after it; // at the start says a line that begins with /"},
		{"/msg", "/msg needs more: /msg NAME TEXT"},
		{"/msg ada", "/msg needs more: /msg NAME TEXT"},
		{"/history 0", "/history 0: from 1 to 500 messages"},
		{"/history 501", "/history 501: from 1 to 500 messages"},
		{"/history 99999999999999999999", "/history 99999999999999999999: from 1 to 500 messages"},
		{"/history 0s", "/history 0s: expected a number of messages, or a time back such as 30m, 2h or 1d"},
		{"/history -5", "/history -5: expected a number of messages, or a time back such as 30m, 2h or 1d"},
		{"/history soon", "/history soon: expected a number of messages, or a time back such as 30m, 2h or 1d"},
		{"/history 1.5", "/history 1.5: expected a number of messages, or a time back such as 30m, 2h or 1d"},
		{"/history 5 6", "/history takes one word, without spaces: /history [N|TIME]"},
	} {
		got, err := Parse(c.in)
		if err == nil || err.Error() != c.want || got != (Command{}) {
			t.Errorf("Parse(%q) = %+v, %v\nwant the error %s", c.in, got, err, c.want)
		}
	}
}

func TestListIsWhatParseKnows(t *testing.T) {
	for _, c := range List {
		word, _, _ := strings.Cut(c.Usage, " ")
		if word != "/"+c.Name {
			t.Errorf("the usage of %s begins with %s", c.Name, word)
		}
		words := strings.Fields(c.Usage) // as an example of itself: /msg NAME TEXT
		example := strings.NewReplacer("[N|TIME]", "2h", "[", "", "]", "").Replace(strings.Join(words, " "))
		if got, err := Parse(example); err != nil || got.Name != c.Name {
			t.Errorf("Parse(%q) = %+v, %v, want %s", example, got, err, c.Name)
		}
	}
	for word, name := range elsewhere {
		if nearest(word) != "/"+name {
			t.Errorf("nearest(%q) = %q", word, nearest(word))
		}
		if _, err := Parse("/" + name + " x y"); err != nil && strings.Contains(err.Error(), "unknown") {
			t.Errorf("%s stands for /%s, which there is not", word, name)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		name, help string
		lines      int
	}{
		{"Help", Help(), len(List) - 2 + 1},
		{"ScreenHelp", ScreenHelp(), len(List) + 1},
	} {
		lines := strings.Split(strings.TrimSuffix(c.help, "\n"), "\n")
		if len(lines) != c.lines {
			t.Errorf("%s has %d lines, want %d", c.name, len(lines), c.lines)
		}
		for _, line := range lines {
			if len(line) > 72 || line != strings.TrimRight(line, " ") {
				t.Errorf("%s: line %q has %d columns", c.name, line, len(line))
			}
			if at := usageWidth; line[at:at+2] != "  " || line[at+2] == ' ' {
				t.Errorf("%s: line %q is not aligned", c.name, line)
			}
		}
	}
	if strings.Contains(Help(), "/search") || !strings.Contains(ScreenHelp(), "/search") {
		t.Error("/search is for the screen only")
	}
}

func FuzzCommand(f *testing.F) {
	for _, s := range []string{"", "q", "hello", "//x", "/", "/jion", "/msg a b", "/history 2h", "/history 5", "/me\t\t", "/nick \xff", "/\u202e", "/who a b", "/PART "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Parse(s)
		if err != nil {
			checkError(t, s, c, err)
			return
		}
		if len(c.Arg)+len(c.Text) > len(s) {
			t.Errorf("Parse(%q) = %+v made more of it", s, c)
		}
		if strings.ContainsAny(c.Arg, " \t") {
			t.Errorf("Parse(%q): Arg %q has a space", s, c.Arg)
		}
		if (c.Name == NameHistory) != (c.Count >= 1 && c.Count <= HistoryMost) || c.Since < 0 {
			t.Errorf("Parse(%q) = %+v", s, c)
		}
		if c.Name == NameSay { // whatever is said can be typed
			typed := c.Text
			if strings.HasPrefix(typed, "/") {
				typed = "/" + typed
			}
			if again, err := Parse(typed); err != nil || again != c {
				t.Errorf("Parse(%q) = %+v, and Parse(%q) = %+v, %v", s, c, typed, again, err)
			}
		}
	})
}

// checkError fails t unless err is one line that any terminal can show.
func checkError(t *testing.T, s string, c Command, err error) {
	t.Helper()
	if c != (Command{}) {
		t.Errorf("Parse(%q) = %+v with the error %v", s, c, err)
	}
	if text := err.Error(); !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 250 {
		t.Errorf("Parse(%q): the error %q is not fit to show", s, text)
	}
}
