package timesync

import (
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/timefmt-go"
)

// DefaultFormat is what an empty message asks for.
const DefaultFormat = "%Y-%m-%d %X"

// MaxWidth is the largest width of a directive that is heeded; a larger one is it.
const MaxWidth = 1024

// Expand appends the time t in format to dst, and returns it: at most most bytes more,
// what would follow is cut off, and then cut is true.
//
// A directive is %, flags (- _ 0 ^ #), a width, a modifier (E or O) and a letter. What
// is no directive of strftime(3) is left as it stands, as Python's time.strftime does
// on glibc. The locale is C's.
func Expand(dst []byte, t time.Time, format string, most int) (b []byte, cut bool) {
	end := len(dst) + max(most, 0)
	for format != "" && len(dst) <= end {
		n := strings.IndexByte(format, '%')
		switch {
		case n < 0:
			n = len(format)
			dst = append(dst, format[:min(n, end+1-len(dst))]...)
		case n > 0:
			dst = append(dst, format[:min(n, end+1-len(dst))]...)
		default:
			var d directive
			if d, n = parseDirective(format); d.letter == 0 {
				dst = append(dst, format[:n]...)
			} else {
				dst = d.append(dst, t)
			}
		}
		format = format[n:]
	}
	if len(dst) > end {
		return dst[:end], true
	}
	return dst, false
}

// The letters of directives: those of C, POSIX and glibc. Some are short for several
// others; some may have the modifier E or O, which asks for another calendar or other
// digits, and means nothing in the C locale.
const (
	letters   = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%"
	composite = "cDFrRTxX"
	withE     = "cCnpPrRstTuxXyYzZ%"
	withO     = "bBCdeghGHIjklmMnpPrRsStTuUVwWyzZ%"
)

// A directive is one of a format.
type directive struct {
	pad          byte // '-', '_', '0', or 0: the letter's own
	upper, other bool // flags ^ and #
	width        int
	letter       byte // 0: none that is known
}

// parseDirective reads the directive that s begins with, and says how long it is.
func parseDirective(s string) (d directive, n int) {
	for n = 1; n < len(s) && strings.IndexByte("-_0^#", s[n]) >= 0; n++ {
		switch s[n] {
		case '^':
			d.upper = true
		case '#':
			d.other = true
		default:
			d.pad = s[n]
		}
	}
	for ; n < len(s) && '0' <= s[n] && s[n] <= '9'; n++ {
		d.width = min(d.width*10+int(s[n]-'0'), MaxWidth)
	}
	may := letters
	if n < len(s) && (s[n] == 'E' || s[n] == 'O') {
		if may = withE; s[n] == 'O' {
			may = withO
		}
		n++
	}
	if n == len(s) {
		return d, n
	}
	if strings.IndexByte(may, s[n]) >= 0 {
		d.letter = s[n]
		return d, n + 1
	}
	if s[n] == '%' || s[n] >= 0x80 { // begins what follows
		return d, n
	}
	return d, n + 1
}

// append appends what d makes of t.
func (d directive) append(dst []byte, t time.Time) []byte {
	var buf [8]byte
	short := append(buf[:0], '%')
	if strings.IndexByte(composite, d.letter) < 0 {
		return timefmt.AppendFormat(dst, t, d.text(short))
	}
	if d.upper {
		short = append(short, '^')
	}
	start := len(dst)
	dst = timefmt.AppendFormat(dst, t, string(append(short, d.letter)))
	missing := d.width - (len(dst) - start)
	if missing <= 0 {
		return dst
	}
	fill := byte(' ')
	if d.pad == '0' {
		fill = '0'
	}
	for range missing {
		dst = append(dst, fill)
	}
	copy(dst[start+missing:], dst[start:])
	for i := range missing {
		dst[start+i] = fill
	}
	return dst
}

// text writes a directive of a single value for timefmt.
func (d directive) text(b []byte) string {
	if d.letter == 'P' { // lower case whatever the flags are
		d.upper, d.other = false, false
	}
	if d.pad != 0 {
		b = append(b, d.pad)
	}
	if d.upper {
		b = append(b, '^')
	}
	if d.other {
		b = append(b, '#')
	}
	if d.width > 0 {
		b = strconv.AppendInt(b, int64(d.width), 10)
	}
	return string(append(b, d.letter))
}
