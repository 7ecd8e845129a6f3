package bench

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/figure"
)

// Line is the interval on one line for a terminal, at most width columns wide, 0
// being 80. What matters less is left out where it is too narrow. Numbers
// keep their places from line to line, so that the eye can rest on one.
func (i Interval) Line(width int) string {
	if width <= 0 {
		width = defaultWidth
	}
	parts := i.parts()
	for columns(lineOf(parts)) > width && len(parts) > 1 {
		least := slices.MinFunc(parts, func(a, b part) int { return a.worth - b.worth })
		parts = slices.DeleteFunc(parts, func(p part) bool { return p.worth == least.worth })
	}
	line := []rune(lineOf(parts))
	return string(line[:min(len(line), width)])
}

// A part of a line, and what it is worth: no two the same.
type part struct {
	worth int
	text  string
}

// parts are in the order in which they are read.
func (i Interval) parts() []part {
	unit := " messages/s"
	if i.Mode != Messages {
		unit = " sessions/s"
	}
	parts := []part{
		{8, padLeft(i.clock(), 8)},
		{9, padLeft(figure.Rate(i.PerSecond()), 9) + unit},
		{4, "p50 " + i.latency(i.P50)},
		{7, "p99 " + i.latency(i.P99)},
		{2, "max " + i.latency(i.Max)},
		{3, padLeft(figure.Count(i.Open), 5) + " open"},
	}
	if i.Lost > 0 {
		parts = append(parts, part{5, figure.Count(i.Lost) + " lost"})
	}
	if i.Errors > 0 {
		parts = append(parts, part{6, quantity(i.Errors, "error")})
	}
	return parts
}

// clock is the time since the measuring began.
func (i Interval) clock() string {
	switch {
	case i.warmup():
		return "warm-up"
	case i.At < 10*time.Minute:
		return strconv.FormatFloat(i.At.Seconds(), 'f', 1, 64) + " s"
	}
	return figure.Span(i.At)
}

func (i Interval) latency(d time.Duration) string {
	text := "-"
	if i.Max > 0 {
		text = figure.Latency(float64(d))
	}
	return padLeft(text, len("9.99 us"))
}

func lineOf(parts []part) string {
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.text)
	}
	return strings.Join(texts, "  ")
}
