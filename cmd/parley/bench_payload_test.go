package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley"
	"parley/bench"
)

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		framing bench.Framing
		data    string
		want    string // the messages, with | between; or the error after !
	}{
		{nil, "a\nb\n", "a\nb\n"},
		{nil, "", ""},
		{parley.Line, "a\nb\r\nc", "a|b|c"},
		{parley.Line, "\n", ""},
		{parley.Line, "", "!there is no message in it"},
		{parley.Nul, "a\x00b\x00", "a|b"},
		{parley.Fixed(2), "aabb", "aa|bb"},
		{parley.Fixed(2), "aabbc", "!what begins at byte 4 is no message of --frame fixed:2"},
		{parley.Len32, "\x00\x00\x00\x01a\x00\x00\x00\x00", "a|"},
		{parley.Len32, "\x00\x00\x00\x01a\x00\x00", "!what begins at byte 5 is no message of --frame len32"},
		{parley.Len32, "GET / HTTP/1.0", "!what begins at byte 0 is no message of --frame len32"},
	} {
		messages, err := cut([]byte(tt.data), tt.framing)
		var texts []string
		for _, m := range messages {
			texts = append(texts, string(m))
		}
		got := strings.Join(texts, "|")
		if err != nil {
			got = "!" + err.Error()
		}
		if got != tt.want {
			t.Errorf("cut(%q, %v) = %q, want %q", tt.data, tt.framing, got, tt.want)
		}
	}
}

func TestReadAtMost(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		max  int64
		want string // or the end of the error after !
	}{
		{name, 5, "12345"}, {"-", 5, "stdin"}, {name, 4, "!f: more than 4 bytes"}, {"-", 1 << 10, "stdin"}, {"-", 2, "!-: more than 2 bytes"},
	} {
		data, err := readAtMost(tt.name, strings.NewReader("stdin"), tt.max)
		want, bad := strings.CutPrefix(tt.want, "!")
		if bad && (err == nil || !strings.HasSuffix(err.Error(), want)) || !bad && (err != nil || string(data) != want) {
			t.Errorf("readAtMost(%q, %d) = %q, %v, want %q", tt.name, tt.max, data, err, tt.want)
		}
	}
}
