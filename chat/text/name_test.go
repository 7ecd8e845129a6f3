package text

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ada", "ada"},
		{"Ada.L-2_x", "Ada.L-2_x"},
		{"42", "42"},
		{"a--b", "a--b"},
		{"José", "José"},
		{"Jose\u0301", "José"},
		{"Ａｄａ", "Ada"},
		{"ﬁna", "fina"},
		{"Ольга", "Ольга"},
		{"Νίκος7", "Νίκος7"},
		{"さくらサクラ桜ー", "さくらサクラ桜ー"},
		{"佐々木ken", "佐々木ken"},
		{"민수kim", "민수kim"},
		{"ㄅㄆ王", "ㄅㄆ王"},
		{"क्षितिज", "क्षितिज"},
		{"علی", "علی"},
		{"علی۱", "علی۱"},
		{"ที่รัก", "ที่รัก"},
		{"Việt", "Việt"},
		{strings.Repeat("x", 24), strings.Repeat("x", 24)},
		{strings.Repeat("e\u0301", 24), strings.Repeat("é", 24)},
		{"guest", "guest"}, {"guestbook", "guestbook"}, {"guest-house", "guest-house"},
		{"administrator2", "administrator2"}, {"serverin", "serverin"},
	} {
		got, err := Name(c.in)
		if got != c.want || err != nil {
			t.Errorf("Name(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
}

func TestNameRefuses(t *testing.T) {
	for _, c := range []struct{ in, reason string }{
		{"", "is empty"},
		{"\u00ad", "U+00AD"},
		{strings.Repeat("x", 25), "longer than 24"},
		{strings.Repeat("x", 5000), "longer than 24"},
		{"\ufdfa", "a space"}, // expands to 18 characters, spaces among them
		{"a\xffb", "UTF-8"},
		{"ada lovelace", "a space"}, {" ada", "a space"}, {"a\u00a0b", "a space"}, {"a\u3000b", "a space"}, {"a\tb", "a space"},
		{"-ada", "begins or ends"}, {"ada.", "begins or ends"}, {"_", "begins or ends"}, {"...", "begins or ends"},
		{"*ada", "'*'"}, {"a:b", "':'"}, {"/quit", "'/'"}, {"a=b", "'='"}, {"a@b", "'@'"}, {"#x", "'#'"}, {"ad👍", "'👍'"},
		{"a\x1b[2J", "U+001B"}, {"a\nb", "a space"}, {"a\u202eb", "U+202E"}, {"a\u200db", "U+200D"}, {"a\u200cb", "U+200C"},
		{"a\u200bb", "U+200B"}, {"a\ufe0fb", "U+FE0F"}, {"a\u034fb", "U+034F"}, {"a\u115fb", "U+115F"}, {"\u3164", "U+1160"},
		{"a\u20ddb", "U+20DD"}, {"a\ue000", "U+E000"}, {"a\u2044b", "'⁄'"}, {"½", "'⁄'"},
		{"\u0301a", "on no letter"}, {"7\u0338", "on no letter"}, {"a.\u0301b", "on no letter"},
		{"q\u0321\u0322\u0323b", "more than 2 marks"}, {"Z" + strings.Repeat("\u0334", 9), "more than 2 marks"},
		{"аdа", "Cyrillic"}, {"pаypal", "Cyrillic"}, {"αda", "Greek"}, {"Ольγа", "Greek"}, {"桜Ольга", "Cyrillic"}, {"aक", "Devanagari"},
		{"ada\u0902", "Devanagari"}, // a sign of Devanagari on a Latin letter
		{"ada۱", "Arabic"}, {"ada1٣", "digits of two"}, {"علی1۱", "digits of two"},
		{"ʻokina", "no script"}, {"aـb", "no script"},
		{"server", "kept"}, {"Server", "kept"}, {"SERVER", "kept"}, {"s.e_r-ver", "kept"}, {"sérver", "kept"}, {"s\u0323erver", "kept"},
		{"notice", "kept"}, {"n0tice", "kept"}, {"NOTlCE", "kept"}, {"parIey", "kept"}, {"par1ey", "kept"}, {"system", "kept"}, {"systern", "kept"},
		{"admin", "kept"}, {"adrnin", "kept"}, {"ＡＤＭＩＮ", "kept"}, {"аԁміn", "Cyrillic"}, {"ᴀᴅᴍɪɴ", "kept"}, {"𝐚𝐝𝐦𝐢𝐧", "kept"}, {"admın", "kept"}, {"ADMİN", "kept"},
		{"ᏚᎬᏒᏙᎬᏒ", "kept"}, {"ꓢꓬꓢꓔꓰꓟ", "kept"},
		{"guest-3", "kept"}, {"Guest-3", "kept"}, {"guest3", "kept"}, {"guest_3", "kept"}, {"guest-007", "kept"}, {"guest-l", "kept"}, {"guest-1O", "kept"},
		{"ɡuest-3", "kept"}, {"guest-99999999999999", "kept"}, {"g-u-e-s-t-3", "kept"},
	} {
		got, err := Name(c.in)
		var bad *NameError
		if got != "" || !errors.As(err, &bad) || !strings.Contains(bad.Reason, c.reason) {
			t.Errorf("Name(%q) = %q, %v, want an error with %q", c.in, got, err, c.reason)
			continue
		}
		if bad.Input != c.in || len(err.Error()) > 400 || Clean(err.Error()) != err.Error() {
			t.Errorf("Name(%q): the error %q is not fit to show", c.in, err)
		}
	}
}

func TestNameErrorShowsWhatIsWrong(t *testing.T) {
	_, err := Name("ada lovelace")
	if got, want := err.Error(), `name "ada lovelace": a space; letters, digits and - _ . inside`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = Name("аda\x1b")
	if got, want := err.Error(), `name "аda\x1b": the character U+001B; letters, digits and - _ . inside`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = Name("pаypal")
	if got, want := err.Error(), `name "pаypal": letters of more than one script: Latin, Cyrillic`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRoom(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ops", "ops"}, {"#ops", "ops"}, {"#Ops", "ops"}, {"＃ＯＰＳ", "ops"}, {"Ärzte-2", "ärzte-2"}, {"雑談", "雑談"}, {"ОПС", "опс"},
		{"server", "server"}, {"guest-3", "guest-3"}, {"İstanbul", "istanbul"},
		{strings.Repeat("X", 32), strings.Repeat("x", 32)},
	} {
		if got, err := Room(c.in); got != c.want || err != nil {
			t.Errorf("Room(%q) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, s := range []string{"", "#", "##ops", "a b", "ops#", "оps", "-x", "a/b", "a*", "a>b", "\xff", strings.Repeat("x", 33), strings.Repeat("x", 3000)} {
		got, err := Room(s)
		if got != "" || err == nil || !strings.HasPrefix(err.Error(), "room ") || s == "\xff" && !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("Room(%q) = %q, %v, want an error", s, got, err)
		}
	}
}

func TestGuest(t *testing.T) {
	for _, n := range []int{0, 1, 3, 10, 123456} {
		if s := Guest(n); !IsGuest(s) {
			t.Errorf("IsGuest(%q) = false", s)
		} else if _, err := Name(s); err == nil {
			t.Errorf("Name(%q) is given to anybody", s)
		}
	}
	for _, s := range []string{"", "3", "guest", "guest-", "guest-03", "guest--3", "guest-+3", "guest-x", "Guest-3", "guest-3 "} {
		if IsGuest(s) {
			t.Errorf("IsGuest(%q) = true", s)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"ada", "Jose\u0301", "pаypal", "さくら桜", "علی۱", "guest-3", "İ\u0345", "#Ops", "ﷺ", "ǰ\u0323", "ᏚᎬ", "ß", "\u1fb7", "이ㅣ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := Fold(s)
		if again := Fold(key); again != key && utf8.ValidString(s) {
			t.Errorf("Fold(%q) = %q, and Fold of that %q", s, key, again)
		}
		if name, err := Name(s); err == nil {
			checkName(t, name, MaxName)
			if again, err := Name(name); again != name || err != nil {
				t.Errorf("Name(%q) = %q, and Name of that %q, %v", s, name, again, err)
			}
			if Fold(name) != key {
				t.Errorf("Fold(%q) = %q, and of its name %q", s, key, Fold(name))
			}
		} else if strings.ContainsFunc(err.Error(), unicode.IsControl) || Clean(err.Error()) != err.Error() {
			t.Errorf("Name(%q): the error %q is not clean", s, err)
		}
		if room, err := Room(s); err == nil {
			checkName(t, room, MaxRoom)
			if again, err := Room(room); again != room || err != nil {
				t.Errorf("Room(%q) = %q, and Room of that %q, %v", s, room, again, err)
			}
		}
	})
}

// checkName fails t if name could not be a word of the protocol or could hide
// something.
func checkName(t *testing.T, name string, most int) {
	t.Helper()
	if n := utf8.RuneCountInString(name); n < 1 || n > most || !utf8.ValidString(name) {
		t.Errorf("%q has %d characters", name, n)
	}
	if strings.ContainsAny(name, " \t:=/#*") || Clean(name) != name {
		t.Errorf("%q has what no name may have", name)
	}
	for _, r := range name {
		if !unicode.In(r, unicode.L, unicode.Nd, unicode.M) && !isSeparator(r) {
			t.Errorf("%q has %U", name, r)
		}
	}
}
