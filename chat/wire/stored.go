package wire

const (
	messageWords = 8  // ROOM, or TAG, SEQ PREV TIME NAME SELF ID KIND
	maxKind      = 16 // letters
)

// ParseMessage reads a MSG line. prev is the Seq of the message before it in
// its room, and less than m.Seq. m.Time is UTC. A kind that is not known is
// left as it is. Room and Name are words and no more: that they are good names
// is the server's promise. The error is a *[SyntaxError].
func ParseMessage(l Line) (m Message, prev uint64, err error) {
	m, prev, err = parseStored(l, VerbMessage)
	m.Room = l.Word(0)
	if err != nil {
		return Message{}, 0, err
	}
	return m, prev, nil
}

// ParsePast reads a PAST line from the server: tag is the one that was asked
// with, and m.Room is empty. As [ParseMessage] otherwise.
func ParsePast(l Line) (tag string, m Message, prev uint64, err error) {
	m, prev, err = parseStored(l, VerbPast)
	if err != nil {
		return "", Message{}, 0, err
	}
	return l.Word(0), m, prev, nil
}

// parseStored reads what MSG and PAST have in common.
func parseStored(l Line, verb string) (m Message, prev uint64, err error) {
	if l.Verb != verb {
		return m, 0, l.fail("", "expected %s", verb)
	}
	if err := l.Need(messageWords, true); err != nil {
		return m, 0, err
	}
	f := fields{line: l}
	m = Message{
		Seq:    f.number(1),
		Time:   f.time(3),
		Name:   l.Words[4],
		Author: f.self(5),
		ID:     f.number(6),
		Kind:   f.kind(7),
		Text:   l.Text,
	}
	prev = f.number(2)
	if f.err == nil && prev >= m.Seq {
		f.err = l.fail(l.Words[2], "PREV is not less than SEQ")
	}
	return m, prev, f.err
}

// Valid reports whether k may stand in a line: 1 to 16 of the letters a to z.
// It need not be one of those that this package knows.
func (k Kind) Valid() bool {
	for i := range len(k) {
		if k[i] < 'a' || k[i] > 'z' {
			return false
		}
	}
	return k != "" && len(k) <= maxKind
}
