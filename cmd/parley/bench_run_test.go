package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/bench"
	"parley/endpoint"
)

func TestComplaint(t *testing.T) {
	well := bench.Report{Sessions: 2, Opened: 2, Open: 2, Sent: 10, Answered: 10}
	lossy := well
	lossy.Answered, lossy.Datagrams = 5, &bench.Datagrams{Lost: 5}
	held := bench.Report{Mode: bench.Holds, Sessions: 5, Opened: 5, Open: 3}
	for _, tt := range []struct {
		r    bench.Report
		want string
	}{
		{well, ""},
		{lossy, ""},
		{bench.Report{Mode: bench.Connects, Sessions: 1, Opened: 7}, ""},
		{bench.Report{Mode: bench.Holds, Sessions: 5, Opened: 5, Open: 5}, ""},
		{bench.Report{Failure: "the target vanished", Failed: 3}, "the target vanished"},
		{bench.Report{Opened: 4, Answered: 9, Failed: 3, Errors: map[string]int64{"reset": 1, "wrong answer": 2}}, "3 sessions failed: 2 wrong answer, 1 reset"},
		{bench.Report{Opened: 4, Answered: 9, Failed: 1}, "1 session failed"},
		{bench.Report{Opened: 4, Answered: 9, Errors: map[string]int64{"b": 1, "a": 1}}, "not all went well: 1 a, 1 b"},
		{bench.Report{Opened: 1, Answered: 9, Unanswered: 2}, "2 messages stayed without an answer"},
		{bench.Report{Opened: 1, Answered: 9, Unanswered: 2, Datagrams: new(bench.Datagrams)}, ""},
		{bench.Report{Opened: 1, Sent: 3}, "nothing was answered"},
		{bench.Report{Mode: bench.Connects}, "no session was opened"},
		{held, "2 sessions failed"},
	} {
		if got := complaint(&tt.r); got != tt.want {
			t.Errorf("complaint(%+v) = %q, want %q", tt.r, got, tt.want)
		}
	}
}

// Where nothing could be opened, what can be tried is said as for dial.
func TestBenchHints(t *testing.T) {
	e := &benchError{endpoint.MustParse("tcp://127.0.0.1:7007?nodelay=1"), &bench.Report{Errors: map[string]int64{"refused": 3}}, "3 connections failed"}
	if got, want := e.Error(), "bench tcp://127.0.0.1:7007: 3 connections failed"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	checkHints(t, testHinter(t).hints(e), []string{"`parley serve echo`"})
	e.report.Opened = 1
	checkHints(t, testHinter(t).hints(e), nil)
}

func TestMiddlePair(t *testing.T) {
	r, cut := new(bench.Report), &bench.Report{Failure: "no session is left"}
	pair := func(rate float64) bench.Pair { return bench.Pair{A: r, B: r, Rate: rate} }
	for _, tt := range []struct {
		rounds []bench.Pair
		want   float64 // -1: none
	}{
		{nil, -1},
		{[]bench.Pair{{A: r, B: cut, Rate: 9}}, 9},
		{[]bench.Pair{pair(3), {A: r, B: cut, Rate: 9}, pair(1), pair(2)}, 2},
	} {
		got, ok := middlePair(tt.rounds)
		if ok != (tt.want >= 0) || ok && got.Rate != tt.want {
			t.Errorf("middlePair(%v) = %v, %v, want %v", tt.rounds, got, ok, tt.want)
		}
	}
}

// A file keeps what it had until there is something to write, and a new one is
// removed when there is nothing.
func TestReportFile(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "old"), filepath.Join(dir, "fresh")
	if err := os.WriteFile(old, []byte("what was there"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := func() string {
		var all []string
		for _, name := range []string{old, fresh} {
			data, err := os.ReadFile(name)
			if err != nil {
				data = []byte("-")
			}
			all = append(all, string(data))
		}
		return strings.Join(all, "|")
	}
	render := func(w io.Writer) error { _, err := fmt.Fprint(w, "new"); return err }
	for _, tt := range []struct {
		render    func(io.Writer) error
		something bool
		fails     bool
		want      string
	}{
		{render, false, false, "what was there|-"},
		{func(io.Writer) error { return errors.New("x") }, true, true, "what was there|-"},
		{render, true, false, "new|new"},
		{render, false, false, "new|new"},
	} {
		f, err := openReportFiles(old, fresh)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range []*reportFile{f.plot, f.hgrm} {
			if err := one.write(tt.render, tt.something); (err != nil) != tt.fails {
				t.Errorf("write: %v", err)
			}
		}
		f.close()
		if got := files(); got != tt.want {
			t.Errorf("files are %q, want %q", got, tt.want)
		}
	}
	f, err := openReportFiles(filepath.Join(dir, "new.svg"), filepath.Join(dir, "no", "x"))
	if err == nil || !strings.HasPrefix(err.Error(), "--hgrm: open ") {
		t.Errorf("no directory: %v, want an error of --hgrm", err)
	}
	f.close()
	if _, err := os.Stat(filepath.Join(dir, "new.svg")); err == nil {
		t.Error("an empty file was left")
	}
}
