package text

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Clean returns s as it may be shown on any terminal or in a log, on one line:
// valid UTF-8 without anything that moves a cursor, ends a line, turns the
// direction of writing or cannot be seen.
//
//   - Bytes that are not UTF-8 become U+FFFD.
//   - Control characters of ASCII become their pictures, ESC "␛", LF and CR
//     too; tab stays.
//   - Other controls and formats become "‹U+202E›": C1, those of bidirectional
//     text, line and paragraph separators, soft hyphen, byte order mark, tags.
//   - Joiners, variation selectors, and the visible signs that Unicode counts
//     among the formats, such as U+06DD, stay: words and emoji need them.
//
// The result may be up to 6 times as long as s. Clean of a result is the same
// again, and what is clean is returned as it is, without allocating.
func Clean(s string) string {
	i := firstUnclean(s)
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)+32), s[:i]...)
	return string(AppendClean(b, []byte(s[i:])))
}

// AppendClean appends s, which must not overlap dst, as [Clean] would have it.
func AppendClean(dst, s []byte) []byte {
	start := 0 // of what is clean and not yet appended
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		if bad := r == utf8.RuneError && n == 1; bad || !mayShow(r) {
			dst = append(dst, s[start:i]...)
			dst = appendShown(dst, r)
			start = i + n
		}
		i += n
	}
	return append(dst, s[start:]...)
}

// firstUnclean returns the index of the first byte of s that Clean would
// change, or -1.
func firstUnclean(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !mayShow(rune(c)) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if n == 1 || !mayShow(r) {
			return i
		}
		i += n
	}
	return -1
}

// mayShow reports whether Clean leaves r as it is.
func mayShow(r rune) bool {
	switch {
	case r < 0x7f:
		return r >= ' ' || r == '\t'
	case r < 0x600:
		return r >= 0xa0 && r != 0xad
	case r >= 0x3000 && r < 0xfe00: // most of what is written in the East
		return true
	}
	return !unicode.Is(hidden, r)
}

// appendShown appends what stands for r, which is not to be sent.
func appendShown(dst []byte, r rune) []byte {
	const pictures = 0x2400 // of U+0000 to U+001F; that of DEL is U+2421
	switch {
	case r < ' ':
		return utf8.AppendRune(dst, pictures+r)
	case r == 0x7f:
		return utf8.AppendRune(dst, 0x2421)
	case r == utf8.RuneError:
		return utf8.AppendRune(dst, r)
	}
	return fmt.Appendf(dst, "‹%U›", r)
}

// hidden are the characters from U+0600 on that Clean replaces: the formats
// (Cf) of Unicode but for joiners and visible signs, the separators of lines and
// paragraphs, and what Unicode keeps for further invisible ones.
var hidden = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x061c, 0x061c, 1}, // Arabic letter mark
		{0x180e, 0x180e, 1}, // Mongolian vowel separator
		{0x200b, 0x200b, 1}, // zero width space
		{0x200e, 0x200f, 1}, // left-to-right and right-to-left marks
		{0x2028, 0x202e, 1}, // separators; embeddings and overrides
		{0x2060, 0x206f, 1}, // word joiner, invisible operators, isolates
		{0xfeff, 0xfeff, 1}, // byte order mark
		{0xfff0, 0xfffb, 1}, // interlinear annotations
	},
	R32: []unicode.Range32{
		{0x13430, 0x1343f, 1}, // Egyptian hieroglyph formats
		{0x1bca0, 0x1bca3, 1}, // shorthand formats
		{0x1d173, 0x1d17a, 1}, // musical formats
		{0xe0000, 0xe00ff, 1}, // tags
		{0xe01f0, 0xe0fff, 1},
	},
}
