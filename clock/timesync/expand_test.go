package timesync

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var monday = time.Date(2026, 1, 5, 7, 8, 9, 123456789, time.UTC)

func TestExpand(t *testing.T) {
	for format, want := range map[string]string{
		"%Y/%m/%d %H:%M:%S": "2026/01/05 07:08:09",
		DefaultFormat:       "2026-01-05 07:08:09",
		"plain":             "plain",
		"%%":                "%",
		"100%":              "100%",
		"%Q %f %i %:z":      "%Q %f %i %:z", // not strftime's
		"%-d|%_d|%05d":      "5| 5|00005",
		"%^a %#Z %P":        "MON utc am",
		"%Ey %Od %EQ":       "26 05 %EQ",
		"%12D|%012R":        "    01/05/26|000000007:08",
		"é%Yé":              "é2026é",
		"%é":                "%é",
		"%5%Y":              "    %Y", // the width is that of a percent sign
		"%\n":               "%\n",
		"%c":                "Mon Jan  5 07:08:09 2026",
		"%s":                "1767596889",
		"%z %Z":             "+0000 UTC",
	} {
		if got, cut := Expand(nil, monday, format, 1000); string(got) != want || cut {
			t.Errorf("Expand(%q) = %q, %v; want %q", format, got, cut, want)
		}
	}
}

func TestExpandCuts(t *testing.T) {
	for _, c := range []struct {
		format string
		most   int
		want   string
		cut    bool
	}{
		{"%Y-%m", 7, "2026-01", false},
		{"%Y-%m", 6, "2026-0", true},
		{"abc", 2, "ab", true},
		{"abc", 3, "abc", false},
		{"abc", 0, "", true},
		{"", 0, "", false},
		{"%999Y", 10, "0000000000", true},
		{"%Q", 1, "%", true},
	} {
		got, cut := Expand([]byte("+"), monday, c.format, c.most)
		if string(got) != "+"+c.want || cut != c.cut {
			t.Errorf("Expand(%q, %d) = %q, %v; want %q, %v", c.format, c.most, got, cut, "+"+c.want, c.cut)
		}
	}
}

// TestExpandLikePython compares with the strftime of Python, which is that of glibc:
// every letter, with every modifier, flag and width.
func TestExpandLikePython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not here")
	}
	var formats []string
	all := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%!é"
	for _, letter := range all {
		for _, before := range []string{"", "E", "O", "-", "_", "0", "^", "#", "12", "_9", "011", "-5", "^12", "#12", "_^4", "E12", "-O"} {
			formats = append(formats, "<%"+before+string(letter)+">")
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString([]string{"%", "%", "%Y", "%d", "%-H", "a", " ", "é", "%E", "%5", "S", "x"}[random.IntN(12)])
		}
		formats = append(formats, b.String())
	}
	in, _ := json.Marshal(formats)
	const script = `import json,sys,time
t=time.localtime(1767596889)
print(json.dumps([time.strftime(f,t) for f in json.load(sys.stdin)]))`
	cmd := exec.Command(python, "-c", script)
	cmd.Env = []string{"TZ=UTC", "LC_ALL=C.UTF-8", "PYTHONIOENCODING=utf-8"}
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, format := range formats {
		if unlike(format) {
			continue
		}
		if got, _ := Expand(nil, monday, format, 10000); string(got) != want[i] {
			t.Errorf("Expand(%q) = %q; Python says %q", format, got, want[i])
		}
	}
}

// unlike reports whether format has what is left out of the comparison: the padding of
// a zone, where glibc pads its parts each, and of what is no directive, which glibc
// pads and raises too and we leave as it stands.
func unlike(format string) bool {
	for s := format; s != ""; {
		if s[0] != '%' {
			s = s[1:]
			continue
		}
		d, n := parseDirective(s)
		if (d.letter == 0 || d.letter == 'z') && (d.width > 0 || d.pad != 0 || d.upper) {
			return true
		}
		s = s[n:]
	}
	return false
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "%", "%Y-%m-%d %X", "%999999999999Y", "%E", "%-_0^#5Oy", "a%é\xff"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, format string, most int) {
		most = min(max(most, 0), 1<<16)
		got, cut := Expand(nil, monday, format, most)
		if len(got) > most {
			t.Fatalf("Expand(%q, %d) is %d bytes long", format, most, len(got))
		}
		whole, _ := Expand(nil, monday, format, 1<<24)
		if !bytes.HasPrefix(whole, got) || cut != (len(whole) > most) {
			t.Fatalf("Expand(%q, %d) = %q, %v; all of it is %q", format, most, got, cut, whole)
		}
		if !strings.Contains(format, "%") && string(whole) != format {
			t.Fatalf("Expand(%q) = %q", format, whole)
		}
	})
}
