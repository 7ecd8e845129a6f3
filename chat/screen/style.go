package screen

import "parley/chat/text"

// The styles of what is shown, as parameters of SGR. All but names are
// without colour, and each goes with a word or sign that says the same.
const (
	stylePlain  = ""
	styleStrong = "1"
	styleFaint  = "2"
	styleBar    = "7" // the status line
	styleHit    = "4;7"
	styleRefuse = "1;4"
)

// nameColours are of middling lightness, to be read on dark and on light.
var nameColours = [...]string{
	"38;5;31", "38;5;33", "38;5;35", "38;5;64", "38;5;66", "38;5;97",
	"38;5;98", "38;5;130", "38;5;132", "38;5;136", "38;5;167", "38;5;168",
}

// styleOfName is the same for a name wherever and however it is written.
func styleOfName(name string, noColor bool) string {
	if noColor {
		return styleStrong
	}
	sum := uint32(2166136261) // FNV-1a
	for _, c := range []byte(text.Fold(name)) {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return nameColours[sum%uint32(len(nameColours))]
}

// paint returns s in a style.
func paint(s, style string) string {
	if style == stylePlain || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[m"
}
