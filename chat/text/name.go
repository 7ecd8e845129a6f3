package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The longest names and rooms, in characters (runes), and how many marks may
// stand on one letter.
const (
	MaxName  = 24
	MaxRoom  = 32
	maxMarks = 2

	maxRaw = 1024 // bytes of what is looked at at all
)

// A NameError says what is wrong with the name of a person or room.
type NameError struct {
	Kind   string // "name" or "room"
	Input  string // as it was given
	Reason string
}

// Error returns one line that quotes the input, safe to show:
//
//	name "ad a": a space; letters, digits and - _ . inside
func (e *NameError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Kind, quote(e.Input), e.Reason)
}

// Name returns the name that a person who typed s gets: s normalized to NFKC.
// It has 1 to [MaxName] characters: letters, with at most 2 marks on each, and
// digits, and between them '-', '_' and '.'. Its letters are of one script, or
// of Latin and the scripts of Chinese, Japanese and Korean. It does not look
// like the server's own words or a name that [Guest] makes. The error is a
// *[NameError].
func Name(s string) (string, error) {
	name, reason := normalize(s, MaxName)
	if reason == "" {
		reason = check(name, MaxName)
	}
	if reason == "" && isReserved(name) {
		reason = "is kept for the server"
	}
	if reason != "" {
		return "", &NameError{Kind: "name", Input: s, Reason: reason}
	}
	return name, nil
}

// Room returns the name of the room that a person who typed s means: in lower
// case, without a '#' before it, of 1 to [MaxRoom] characters, and otherwise as
// [Name], but nothing is reserved. Rooms are compared as they are returned. The
// error is a *[NameError].
func Room(s string) (string, error) {
	room, reason := normalize(s, MaxRoom)
	if reason == "" {
		room = norm.NFKC.String(strings.ToLower(strings.TrimPrefix(room, "#")))
		reason = check(room, MaxRoom)
	}
	if reason != "" {
		return "", &NameError{Kind: "room", Input: s, Reason: reason}
	}
	return room, nil
}

// normalize returns s in NFKC, or why it is not worth to look at.
func normalize(s string, most int) (name, reason string) {
	switch {
	case !utf8.ValidString(s):
		return "", "is not UTF-8"
	case len(s) > maxRaw:
		return "", tooLong(most)
	}
	return norm.NFKC.String(s), ""
}

// check returns what is wrong with a name, which is in NFKC, or "".
func check(name string, most int) string {
	if name == "" {
		return "is empty"
	}
	if reason := checkRunes(name); reason != "" {
		return reason
	}
	if utf8.RuneCountInString(name) > most {
		return tooLong(most)
	}
	if reason := checkDigits(name); reason != "" {
		return reason
	}
	return checkScripts(name)
}

func tooLong(most int) string { return fmt.Sprintf("is longer than %d characters", most) }

// checkRunes returns what is wrong with the characters of a name, or "".
func checkRunes(name string) string {
	marks := 0
	first, _ := utf8.DecodeRuneInString(name)
	last := '.'
	for _, r := range name {
		switch {
		case isSeparator(r), isDigit(r), isLetter(r):
			marks = 0
		case isMark(r):
			if marks++; marks > maxMarks {
				return fmt.Sprintf("more than %d marks on a letter", maxMarks)
			}
			if isSeparator(last) || isDigit(last) {
				return fmt.Sprintf("a mark (%U) that is on no letter", r)
			}
		default:
			return describe(r) + "; letters, digits and - _ . inside"
		}
		last = r
	}
	if isSeparator(first) || isSeparator(last) {
		return "begins or ends with one of - _ .; they stand between letters or digits"
	}
	return ""
}

// describe names a character that a name may not have.
func describe(r rune) string {
	switch {
	case unicode.IsSpace(r):
		return "a space"
	case unicode.IsPrint(r) && !unicode.IsMark(r) && !isInvisible(r):
		return fmt.Sprintf("the character %q", r)
	}
	return fmt.Sprintf("the character %U", r)
}

func isSeparator(r rune) bool { return r == '-' || r == '_' || r == '.' }

func isDigit(r rune) bool { return unicode.Is(unicode.Nd, r) }

func isLetter(r rune) bool { return unicode.IsLetter(r) && !isInvisible(r) }

// isMark reports whether r stands on the letter before it, or beside it as the
// vowels of Indic scripts do. Marks that enclose are none.
func isMark(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Mc) && !isInvisible(r)
}

// isInvisible reports whether r is a letter or mark that cannot be seen.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// quote returns s in quotes, cut if it is long, with escapes for what cannot be
// shown.
func quote(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			s = s[:i] + "…"
			break
		}
	}
	return fmt.Sprintf("%q", s)
}
