package transport

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

func TestParsePin(t *testing.T) {
	// A hash whose base64 has both characters in which the alphabets differ, and
	// is padded.
	want := pin(sha256.Sum256([]byte("parley-11")))
	for i := 0; !strings.Contains(base64.StdEncoding.EncodeToString(want[:]), "+") ||
		!strings.Contains(base64.StdEncoding.EncodeToString(want[:]), "/"); i++ {
		want = pin(sha256.Sum256([]byte{byte(i)}))
	}
	for _, s := range []string{
		want.String(),
		"sha256:" + strings.ToUpper(want.String()[len("sha256:"):]),
		"sha256:" + base64.StdEncoding.EncodeToString(want[:]),
		"sha256:" + base64.RawStdEncoding.EncodeToString(want[:]),
		"sha256:" + base64.URLEncoding.EncodeToString(want[:]),
		"sha256:" + base64.RawURLEncoding.EncodeToString(want[:]),
	} {
		if got, err := parsePin(s); got != want || err != nil {
			t.Errorf("parsePin(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
}

func TestParsePinErrors(t *testing.T) {
	good := pin{1, 2, 3}.String()
	for _, s := range []string{
		"", "sha256:", good[len("sha256:"):], "sha1:" + good[len("sha256:"):], good[:len(good)-1], good + "0",
		strings.Replace(good, "0", "g", 1), "sha256:" + base64.StdEncoding.EncodeToString(make([]byte, 31)),
		"sha256:" + base64.StdEncoding.EncodeToString(make([]byte, 33)), good[:20] + "\n" + good[20:],
		"sha256:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n",
	} {
		if got, err := parsePin(s); err == nil {
			t.Errorf("parsePin(%q) = %v, want an error", s, got)
		}
	}
}

// FuzzParsePin checks that whatever parses has a canonical form that parses to
// the same.
func FuzzParsePin(f *testing.F) {
	f.Add(pin{}.String())
	f.Add("sha256:" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePin(s)
		if err != nil {
			return
		}
		if again, err := parsePin(p.String()); again != p || err != nil {
			t.Errorf("parsePin(%q) = %v; parsePin of that: %v, %v", s, p, again, err)
		}
	})
}
