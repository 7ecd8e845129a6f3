package text

import (
	"slices"
	"strings"
	"unicode"
)

// eastAsian are the scripts that are written together, and with Latin.
var eastAsian = []string{"Han", "Hiragana", "Katakana", "Bopomofo", "Hangul"}

// japaneseCommon are letters that Unicode gives to no script but that Japanese
// is written with: the long vowel mark, the closing mark and masu mark.
const japaneseCommon = "ー〆〼"

// checkDigits returns what is wrong with the digits of a name, or "".
func checkDigits(name string) string {
	zero := rune(-1)
	for _, r := range name {
		if !isDigit(r) {
			continue
		}
		if zero >= 0 && zeroOf(r) != zero {
			return "digits of two scripts"
		}
		zero = zeroOf(r)
	}
	return ""
}

// checkScripts returns what is wrong with the mix of scripts in a name, or "".
// The digits 0 to 9 go with all.
func checkScripts(name string) string {
	var scripts []string // each once, the East Asian ones as one
	for _, r := range name {
		if isSeparator(r) || r >= '0' && r <= '9' {
			continue
		}
		script := scriptOf(r)
		if script == "Common" {
			return describe(r) + ", which is of no script; letters, digits and - _ . inside"
		}
		if script != "Inherited" && !slices.Contains(scripts, script) {
			scripts = append(scripts, script)
		}
	}
	return checkMix(scripts)
}

// checkMix returns what is wrong with a mix of scripts, or "".
func checkMix(scripts []string) string {
	foreign := 0
	for _, s := range scripts {
		if s != "Latin" && s != eastAsian[0] {
			foreign++
		}
	}
	if foreign > 1 || foreign == 1 && len(scripts) > 1 {
		return "letters of more than one script: " + strings.Join(scripts, ", ")
	}
	return ""
}

// scriptOf returns the script of a letter or mark, "Han" for all East Asian
// ones.
func scriptOf(r rune) string {
	if r < 0x80 || unicode.Is(unicode.Latin, r) {
		return "Latin"
	}
	if strings.ContainsRune(japaneseCommon, r) {
		return eastAsian[0]
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if slices.Contains(eastAsian, name) {
				return eastAsian[0]
			}
			return name
		}
	}
	return "Common"
}

// zeroOf returns the zero of the digits that r is one of. Unicode keeps the ten
// of a kind together, and begins ranges of them with a zero.
func zeroOf(r rune) rune { return r - digitValue(r) }

func digitValue(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}
