package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var updateGolden = flag.Bool("golden", false, "write the golden files of this package anew")

// checkGolden compares got with a file of testdata/report.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "report", name)
	if *updateGolden {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s is other than its file (go test -golden writes it anew):\n%s", name, got)
	}
}

func TestWriteText(t *testing.T) {
	for _, s := range samples {
		for _, width := range []int{50, 80, 120} {
			got := text(t, s.report, width)
			checkGolden(t, fmt.Sprintf("%s.%d.txt", s.name, width), got)
			checkLines(t, s.name, got, width)
		}
	}
}

func TestWriteTextDefaultWidth(t *testing.T) {
	r := closedLoop()
	if got, want := text(t, r, 0), text(t, r, 80); got != want {
		t.Errorf("WriteText with width 0:\n%s\nwant that of 80:\n%s", got, want)
	}
	if got, want := text(t, r, 1), text(t, r, narrowest); got != want {
		t.Errorf("WriteText with width 1:\n%s\nwant that of %d:\n%s", got, narrowest, want)
	}
}

// checkLines fails for lines that a terminal would break, and for what it would obey.
func checkLines(t *testing.T, name, text string, width int) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("%s: %d columns, want at most %d: %q", name, n, width, line)
		}
		if strings.HasSuffix(line, " ") || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%s: line %q has a space at its end or a control character", name, line)
		}
	}
}

func text(t *testing.T, r *Report, width int) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
