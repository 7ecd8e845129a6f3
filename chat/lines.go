package chat

import (
	"strings"
	"time"

	"parley/chat/text"
	"parley/chat/wire"
)

// words is a line of the protocol without a text, with its end.
func words(verb string, list ...string) []byte {
	return wire.Line{Verb: verb, Words: list}.Append(nil)
}

// withText is a line of the protocol with a text, with its end.
func withText(text, verb string, list ...string) []byte {
	return wire.Line{Verb: verb, Words: list, Text: text, HasText: true}.Append(nil)
}

// problem is the ERR about a line of that verb. about says key=value which one.
func problem(verb string, r *refusal, about ...string) []byte {
	list := []string{verb, r.code}
	for _, word := range about {
		if len(word) <= mostRepeated {
			list = append(list, word)
		}
	}
	return withText(brief(r.text), wire.VerbError, list...)
}

// mostRepeated is how many bytes of what a peer said it is told again.
const mostRepeated = 200

// brief cuts what is told to a peer about what it said.
func brief(s string) string {
	if len(s) <= mostRepeated {
		return s
	}
	return strings.ToValidUTF8(s[:mostRepeated], "") + "…"
}

// badRoom is why that is no name of a room.
func badRoom(err error) *refusal { return &refusal{wire.CodeRoomBad, text.Clean(err.Error())} }

// unreadable is why history is not to be had.
func unreadable(err error) *refusal {
	return &refusal{wire.CodeStore, "the log cannot be read: " + text.Clean(err.Error())}
}

// notice is what the server says to a plain peer.
func notice(text string) []byte { return []byte("* " + text + "\n") }

// appendPlain appends a message as plain peers see it.
func appendPlain(dst []byte, m *wire.Message) []byte {
	if m.Kind == wire.Me {
		dst = append(append(dst, "** "...), m.Name...) // not as a notice: "/me left"
		dst = append(dst, ' ')
	} else {
		dst = append(append(dst, m.Name...), ": "...)
	}
	return append(append(dst, m.Text...), '\n')
}

// appendOld appends a message of the past, with its time: the day too, if it is
// not that of now.
func appendOld(dst []byte, m *wire.Message, now time.Time) []byte {
	at := m.Time.In(now.Location())
	layout := "[15:04] "
	if at.YearDay() != now.YearDay() || at.Year() != now.Year() {
		layout = "[2006-01-02 15:04] "
	}
	return appendPlain(at.AppendFormat(dst, layout), m)
}

// transcribe gives the operator a line about a room.
func (h *Hub) transcribe(room, what string) {
	if h.Transcript != nil {
		h.saying.Lock()
		defer h.saying.Unlock()
		h.Transcript(room + " * " + what)
	}
}

// transcriptOf is a message as the operator sees it.
func transcriptOf(m *wire.Message) string {
	b := append([]byte(m.Room), ' ')
	b = appendPlain(b, m)
	return string(b[:len(b)-1])
}
