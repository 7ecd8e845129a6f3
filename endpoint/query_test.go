package endpoint

import "testing"

// TestEscape has every byte go through both kinds of encoding.
func TestEscape(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	for _, safe := range []string{pathSafe, querySafe} {
		text := escape(string(all), safe)
		if i := badEscape(text); i >= 0 {
			t.Errorf("escape with %q: badEscape = %d, want -1, in %q", safe, i, text)
		}
		if got := unescape(text); got != string(all) {
			t.Errorf("unescape(%q) = %q, want %q", text, got, all)
		}
	}
	if got, want := unescape("%7e%7E%c3%A4%41x%25"), "~~äAx%"; got != want {
		t.Errorf("unescape = %q, want %q", got, want)
	}
}

func TestBadEscape(t *testing.T) {
	for in, want := range map[string]int{
		"": -1, "a": -1, "%41": -1, "%41%aF": -1, "%": 0, "%4": 0, "a%4g": 1, "%g4": 0, "%41%": 3, "%%41": 0,
	} {
		if got := badEscape(in); got != want {
			t.Errorf("badEscape(%q) = %d, want %d", in, got, want)
		}
	}
}

// TestQueryOrder has names sorted as they are decoded: encoded, "a.b" would come
// after "a%20b", and "a!" after "a-".
func TestQueryOrder(t *testing.T) {
	query := queryString([]pair{{"a-", "1"}, {"a!", "2"}, {"a", "3"}, {"a b", "4"}})
	if want := "a=3&a%20b=4&a%21=2&a-=1"; query != want {
		t.Errorf("queryString = %q, want %q", query, want)
	}
	if got, want := queryString(nil), ""; got != want {
		t.Errorf("queryString(nil) = %q, want %q", got, want)
	}
}
