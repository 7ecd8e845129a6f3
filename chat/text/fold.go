package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the key by which names are compared, so that names that look the
// same are the same: the name after NFKC and case folding, with letters of other scripts that look
// like Latin ones replaced by those, and digits of any script by 0 to 9. An i is an l, since a
// capital I looks like one; digits are not letters. It takes any text, and Fold
// of a result is the same again. Nobody is to see it.
func Fold(name string) string {
	if isASCII(name) {
		return strings.ReplaceAll(strings.ToLower(name), "i", "l")
	}
	s := norm.NFKC.String(name)
	s = strings.ReplaceAll(s, "\u1175", "l") // Hangul ㅣ alone; in a syllable it does not look so
	s = cases.Fold().String(s)
	s = norm.NFKD.String(s) // so that ё is found as е, and é is the same in Latin and Cyrillic
	var b strings.Builder
	var base rune // the last letter
	for _, r := range s {
		r = lookalike(capitalCherokee(r))
		if r == dotAbove && (base == 'l' || base == 'j') {
			continue // the dot of an i is there already
		}
		if !isMark(r) {
			base = r
		}
		b.WriteRune(r)
	}
	return b.String()
}

const dotAbove = 0x307

// capitalCherokee returns the capital of a small Cherokee letter, which is what
// these fold to. Package cases, as of v0.43.0, swaps the two.
func capitalCherokee(r rune) rune {
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}

// lookalike returns the letter that r looks like, or the digit that it is, or r.
func lookalike(r rune) rune {
	if like, ok := lookalikes[r]; ok {
		return like
	}
	if r >= utf8.RuneSelf && isDigit(r) {
		return '0' + digitValue(r)
	}
	return r
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
