package text

import (
	"strings"
	"testing"
	"unicode"
)

func TestFoldSame(t *testing.T) {
	for _, names := range [][]string{
		{"alice", "Alice", "ALICE", "aIice", "ａｌｉｃｅ", "AL\u0130CE", "ali\u0307ce", "𝒶𝓁𝒾𝒸ℯ", "ᴀʟɪᴄᴇ", "alıce"},
		{"coco", "сосо", "СОСО", "ⲥⲟⲥⲟ", "ᏟO" + "Ꮯo"},
		{"anton", "ΑΝΤΟΝ", "αντον", "АΝТОΝ"},
		{"José", "JOSE\u0301", "jose\u0301"},
		{"ëa", "ёа", "Ёа"},
		{"áo", "άο", "ΆΟ"},
		{"strasse", "Straße", "STRASSE"},
		{"server", "ᏚᎬᏒᏙᎬᏒ", "ꮪꭼꮢꮩꭼꮢ"},
		{"system", "ꓢꓬꓢꓔꓰꓟ"},
		{"工口", "エロ", "ｴﾛ"},
		{"가", "\u1100\u1161"},
		{"a丨", "al", "aI", "aㅣ"},
		{"علی۱", "علی1"},
		{"oun", "օսո"},
	} {
		for _, n := range names[1:] {
			if Fold(n) != Fold(names[0]) {
				t.Errorf("Fold(%q) = %q, Fold(%q) = %q, want the same", names[0], Fold(names[0]), n, Fold(n))
			}
		}
	}
}

func TestFoldDiffers(t *testing.T) {
	for _, p := range [][2]string{
		{"bob", "b0b"}, {"user1", "userl"}, {"a-b", "ab"}, {"a-b", "a_b"}, {"jose", "josé"}, {"marn", "mam"}, {"", "a"},
		{"ольга", "олга"}, {"이", "ㅇl"}, {"guest-1", "guest-2"}, {"桜", "さくら"},
	} {
		if Fold(p[0]) == Fold(p[1]) {
			t.Errorf("Fold(%q) = Fold(%q) = %q, want two keys", p[0], p[1], Fold(p[0]))
		}
	}
}

// Every character alone, in both cases, normalized or not, and after another.
func TestFoldAllRunes(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N) || unicode.In(r, unicode.Han, unicode.Hangul) && r%64 != 0 {
			continue // of the many that are all alike a few will do
		}
		for _, s := range []string{string(r), "a" + string(r), "i" + string(r) + "\u0307"} {
			key := Fold(s)
			if again := Fold(key); again != key {
				t.Errorf("Fold(%q) = %q, and Fold of that %q", s, key, again)
			}
		}
		for _, c := range []rune{unicode.ToLower(r), unicode.ToUpper(r), unicode.ToTitle(r), unicode.SimpleFold(r)} {
			if Fold(string(c)) != Fold(string(r)) {
				t.Errorf("Fold(%q) = %q, and Fold(%q) = %q: another case of the same", r, Fold(string(r)), c, Fold(string(c)))
			}
		}
	}
}

func TestLookalikesAreKeys(t *testing.T) {
	for r, like := range lookalikes {
		if _, ok := lookalikes[like]; ok {
			t.Errorf("%q looks like %q, which looks like another", r, like)
		}
		if key := Fold(string(r)); key != string(like) {
			t.Errorf("Fold(%q) = %q, want %q: the table has to be of folded letters without marks", r, key, like)
		}
	}
}

func TestDigitsHaveTheirValues(t *testing.T) {
	for _, digits := range []string{"0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９", "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡"} {
		if got := Fold(digits); got != "0123456789" {
			t.Errorf("Fold(%q) = %q", digits, got)
		}
	}
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if isDigit(r) {
			if int(digitValue(r)) != n%10 {
				t.Errorf("digitValue(%U) = %d, want %d", r, digitValue(r), n%10)
			}
			n++
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for _, name := range []string{"ada-lovelace", "Ольга", strings.Repeat("桜", 8)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = Fold(name)
			}
		})
	}
}

func BenchmarkName(b *testing.B) {
	for _, name := range []string{"ada-lovelace", "Ольга"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink, _ = Name(name)
			}
		})
	}
}
