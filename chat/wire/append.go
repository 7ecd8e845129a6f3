package wire

import (
	"strconv"
	"time"
)

// AppendMessage appends the MSG line of m, with its end; prev is the Seq of
// the message before it in its room. It does not allocate if dst has room. Room, Name,
// Author and Kind have to be words, see [Line]. A Time before 1970 is sent as 0.
func AppendMessage(dst []byte, m Message, prev uint64) []byte {
	dst = append(dst, VerbMessage...)
	dst = appendWord(dst, m.Room)
	return appendStored(dst, m, prev)
}

// AppendPast appends the PAST line of m in the page that was asked for under
// tag. m.Room is not sent: who asked knows it. As [AppendMessage] otherwise.
func AppendPast(dst []byte, tag string, m Message, prev uint64) []byte {
	dst = append(dst, VerbPast...)
	dst = appendWord(dst, tag)
	return appendStored(dst, m, prev)
}

// appendStored appends what MSG and PAST have in common.
func appendStored(dst []byte, m Message, prev uint64) []byte {
	dst = appendNumber(dst, m.Seq)
	dst = appendNumber(dst, prev)
	dst = appendTime(dst, m.Time)
	dst = appendWord(dst, m.Name)
	dst = appendWord(dst, m.Author)
	dst = appendNumber(dst, m.ID)
	dst = appendWord(dst, string(m.Kind))
	return appendText(dst, m.Text)
}

func appendTime(dst []byte, t time.Time) []byte {
	return strconv.AppendInt(append(dst, ' '), max(0, t.UnixMilli()), 10)
}
