package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
)

// alphabet is what made messages consist of: they are right for any framing and
// for services of text.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

const (
	digitBits = 6      // of a number for each character
	mostDigit = 8      // characters of a number
	noDigit   = 1 << 7 // in digits: not of the alphabet
)

// digits are the places of characters in alphabet.
var digits = func() (d [256]uint8) {
	for i := range d {
		d[i] = noDigit
	}
	for i := range len(alphabet) {
		d[alphabet[i]] = uint8(i)
	}
	return d
}()

// appendNumber appends the number n in k characters, the least first.
func appendNumber(dst []byte, n uint64, k int) []byte {
	if k == mostDigit {
		return binary.LittleEndian.AppendUint64(dst, eight(n))
	}
	for range k {
		dst = append(dst, alphabet[n%64])
		n >>= digitBits
	}
	return dst
}

// pairs are the two characters of each number below 64*64, the first in the lower
// byte.
var pairs = func() (p [1 << (2 * digitBits)]uint16) {
	for i := range p {
		p[i] = uint16(alphabet[i%64]) | uint16(alphabet[i/64])<<8
	}
	return p
}()

// eight is the eight characters of n, the first in the lowest byte.
func eight(n uint64) uint64 {
	const pair = 1<<(2*digitBits) - 1
	return uint64(pairs[n&pair]) | uint64(pairs[n>>12&pair])<<16 | uint64(pairs[n>>24&pair])<<32 | uint64(pairs[n>>36&pair])<<48
}

// readNumber reads a number of k characters. Of those that it may mean it is the
// one nearest before newest, or at it, if there is such a one.
func readNumber(b []byte, k int, newest uint64) (n uint64, ok bool) {
	if k == 0 || len(b) < k {
		return 0, false
	}
	for i, c := range b[:k] {
		digit := digits[c]
		if digit == noDigit {
			return 0, false
		}
		n |= uint64(digit) << (digitBits * i)
	}
	back := (newest - n) & (1<<(digitBits*k) - 1)
	if back > newest {
		return n, true // beyond it, so never sent
	}
	return newest - back, true
}

// spread is how many places in a pattern a message may begin at.
const spread = 1 << 16

// A content makes the messages of an exchange: a slice of a pattern each, which
// begins with the message's number, or those that are given, in turn. Constant.
type content struct {
	given [][]byte

	pattern []byte
	size    int // with the line feed
	digits  int
	lines   bool
}

// newContent makes the content that c asks for, of size usual unless it says
// another.
func newContent(c Content, usual int) (*content, error) {
	if len(c.Messages) > 0 {
		return givenContent(c)
	}
	size := c.Size
	if size == 0 {
		size = usual
	}
	if err := checkSize(size, 1); err != nil {
		return nil, err
	}
	m := &content{size: size, lines: c.Lines, pattern: makePattern(spread+size, c.Seed)}
	m.digits = min(mostDigit, m.bare())
	return m, nil
}

func checkSize(size, least int) error {
	if size < least || size > MostSize {
		return fmt.Errorf("size %d: want %d to %d bytes", size, least, MostSize)
	}
	return nil
}

func givenContent(c Content) (*content, error) {
	if c.Size != 0 {
		return nil, errors.New("messages that are given have their own sizes: want no size")
	}
	m := &content{lines: c.Lines}
	for _, msg := range c.Messages {
		if c.Lines && !bytes.HasSuffix(msg, []byte{'\n'}) {
			msg = append(bytes.Clone(msg), '\n')
		}
		m.given = append(m.given, msg)
	}
	return m, nil
}

// makePattern returns size random characters of the alphabet.
func makePattern(size int, seed uint64) []byte {
	random := rand.NewPCG(seed, 0x70617474_65726e00) // "pattern"
	const each = 64 / digitBits
	b := make([]byte, 0, size+each)
	for len(b) < size {
		b = appendNumber(b, random.Uint64(), each)
	}
	return b[:size]
}

// bare is the length of a made message without its line feed.
func (m *content) bare() int {
	if m.lines {
		return m.size - 1
	}
	return m.size
}

// sizeOf is the length of message seq.
func (m *content) sizeOf(seq uint64) int {
	if m.given != nil {
		return len(m.givenAt(seq))
	}
	return m.size
}

func (m *content) givenAt(seq uint64) []byte { return m.given[seq%uint64(len(m.given))] }

// place is where in the pattern a message begins. The second factor is odd, so of as
// many sessions as there are places no two have the same one for the same number.
// Every digit of the number counts, so that a message with a changed one is none.
func place(session int, seq uint64) int {
	seq ^= seq>>16 ^ seq>>32
	return int((seq*40503 + uint64(session)*30011) % spread)
}

// appendTo appends message seq.
func (m *content) appendTo(dst []byte, session int, seq uint64) []byte {
	if m.given != nil {
		return append(dst, m.givenAt(seq)...)
	}
	at := place(session, seq)
	dst = appendNumber(dst, seq, m.digits)
	dst = append(dst, m.pattern[at+m.digits:at+m.bare()]...)
	if m.lines {
		dst = append(dst, '\n')
	}
	return dst
}

// appendPart appends n bytes of message seq from the one at from.
func (m *content) appendPart(dst []byte, session int, seq uint64, from, n int) []byte {
	if m.given != nil {
		return append(dst, m.givenAt(seq)[from:from+n]...)
	}
	to := from + n
	if from < m.digits {
		var number [mostDigit]byte
		appendNumber(number[:0], seq, m.digits)
		dst = append(dst, number[from:min(to, m.digits)]...)
	}
	at, bare := place(session, seq), m.bare()
	if low, high := max(from, m.digits), min(to, bare); low < high {
		dst = append(dst, m.pattern[at+low:at+high]...)
	}
	if to > bare && n > 0 {
		dst = append(dst, '\n')
	}
	return dst
}

// is reports whether b is message seq. A line may come without its end: a framing of
// lines takes it off.
func (m *content) is(b []byte, session int, seq uint64) bool {
	if m.given != nil {
		want := m.givenAt(seq)
		return bytes.Equal(b, want) || m.lines && bytes.Equal(b, want[:len(want)-1])
	}
	return m.hasNumber(b, seq) && m.hasRest(b[m.digits:], session, seq)
}

// hasNumber reports whether b begins with the number of the made message seq.
func (m *content) hasNumber(b []byte, seq uint64) bool {
	if len(b) < m.digits {
		return false
	}
	if m.digits == mostDigit {
		return binary.LittleEndian.Uint64(b) == eight(seq)
	}
	var number [mostDigit]byte
	return bytes.Equal(b[:m.digits], appendNumber(number[:0], seq, m.digits))
}

// hasRest reports whether b is what follows the number in the made message seq.
func (m *content) hasRest(b []byte, session int, seq uint64) bool {
	rest := m.bare() - m.digits
	if m.lines && len(b) == rest+1 && b[rest] == '\n' {
		b = b[:rest]
	}
	at := place(session, seq) + m.digits
	return bytes.Equal(b, m.pattern[at:at+rest])
}

// check reports how b differs from message seq.
func (m *content) check(b []byte, session int, seq uint64) error {
	if m.is(b, session, seq) {
		return nil
	}
	return differ(b, m.appendTo(nil, session, seq))
}

// number finds the number of a message in it. Messages that are given have none.
func (m *content) number(b []byte, newest uint64) (uint64, bool) {
	return readNumber(b, m.digits, newest)
}

// shown is how many bytes of a text an error quotes.
const shown = 24

// differ says where got first differs from want.
func differ(got, want []byte) error {
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	switch {
	case at == len(got):
		return fmt.Errorf("it ends after %d bytes, want %d", len(got), len(want))
	case at == len(want):
		return fmt.Errorf("%d bytes, want %d; it goes on with %s", len(got), len(want), quoted(got[at:]))
	}
	return fmt.Errorf("from byte %d on it is %s, want %s", at, quoted(got[at:]), quoted(want[at:]))
}

// quoted is the beginning of b, quoted.
func quoted(b []byte) string {
	if len(b) > shown {
		return fmt.Sprintf("%q...", b[:shown])
	}
	return fmt.Sprintf("%q", b)
}
