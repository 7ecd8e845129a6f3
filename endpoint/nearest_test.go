package endpoint

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	tests := []struct {
		word       string
		candidates []string
		want       string
	}{
		{"tcpp", Schemes(), "tcp"},
		{"upd", Schemes(), "udp"}, // a swap is one edit
		{"TCPP", Schemes(), "tcp"},
		{"unixdgram", Schemes(), "unixgram"},
		{"http", Schemes(), ""}, // two edits are half the word
		{"", Schemes(), ""},
		{"w", Schemes(), ""},
		{"conect", []string{"source", "connect"}, "connect"},
		{"acb", []string{"aab", "abc", "acc"}, "aab"},                   // all one edit away: the first
		{"keepalvie", []string{"keepalived", "keepalive"}, "keepalive"}, // the nearer, not the first
		{"abcdefgh", []string{"abcdexyz"}, ""},                          // three edits
		{"abcdefgh", []string{"abcdefghijk"}, ""},
		{"größe", []string{"grösse", "größer"}, "größer"}, // letters, not bytes
		{"port", nil, ""},
		{strings.Repeat("x", 1<<20), []string{"x"}, ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.word, tt.candidates); got != tt.want {
			t.Errorf("Nearest(%.20q, %q) = %q, want %q", tt.word, tt.candidates, got, tt.want)
		}
	}
}

// edits returns all words one edit away from one of words, over the letters abc.
func edits(words map[string]bool) map[string]bool {
	out := map[string]bool{}
	for w := range words {
		for i := range len(w) + 1 {
			for _, letter := range []string{"a", "b", "c"} {
				out[w[:i]+letter+w[i:]] = true
				if i < len(w) {
					out[w[:i]+letter+w[i+1:]] = true
				}
			}
			if i < len(w) {
				out[w[:i]+w[i+1:]] = true
			}
			if i+1 < len(w) {
				out[w[:i]+w[i+1:i+2]+w[i:i+1]+w[i+2:]] = true
			}
		}
	}
	return out
}

// TestEditDistance compares with the obvious way to find a distance: to do all
// edits, and all edits of their results, until the other word is among them.
func TestEditDistance(t *testing.T) {
	all := []string{""} // the words of up to four letters
	for i := 0; len(all[i]) < 4; i++ {
		all = append(all, all[i]+"a", all[i]+"b", all[i]+"c")
	}
	for _, a := range all {
		distance := map[string]int{}
		for d, near := 0, map[string]bool{a: true}; d <= 3; d, near = d+1, edits(near) {
			for w := range near {
				if _, seen := distance[w]; !seen {
					distance[w] = d
				}
			}
		}
		for _, b := range all {
			got := editDistance([]rune(a), []rune(b))
			want, ok := distance[b]
			if !ok {
				want = 4 // the words have four letters at most
			}
			if got != want {
				t.Errorf("editDistance(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}
