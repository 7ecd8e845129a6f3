package main

import (
	"bytes"
	"os"
	"testing"
)

func TestStatusLine(t *testing.T) {
	var out bytes.Buffer
	width := 20
	l := &statusLine{to: &out, width: func() int { return width }}
	show := func(text string) {
		l.show(func(room int) string {
			if room != width-1 {
				t.Errorf("room %d on a terminal of %d columns", room, width)
			}
			return text
		})
	}
	expect := func(what, want string) {
		t.Helper()
		if got := out.String(); got != want {
			t.Errorf("%s wrote %q, want %q", what, got, want)
		}
		out.Reset()
	}
	l.clear()
	expect("clear of nothing", "")
	show("short")
	expect("show", "\r\x1b[Jshort\r")
	width = 5
	show("longer")
	expect("show on a narrow terminal", "\r\x1b[Jlong\r")
	width = 1
	show("x")
	expect("show on no terminal at all", "\r\x1b[J\r")
	width = 20
	l.clear()
	expect("clear", "\r\x1b[J")
	l.clear()
	expect("clear again", "")
	show("more")
	out.Reset()
	l.end()
	expect("end", "\r\x1b[J")
	show("late")
	expect("show after the end", "")
}

// Nobody looks at a file, and a nil line says nothing.
func TestStatusLineNowhere(t *testing.T) {
	l := newStatusLine(&env{stderr: devNull(t), getenv: os.Getenv}, false)
	if l != nil {
		t.Error("there is a line on no terminal")
	}
	l.show(func(int) string { panic("rendered") })
	l.clear()
	l.end()
}
