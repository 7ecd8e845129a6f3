package wire

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// ErrVersion is matched by the error of [ParseHello] for a client, and of
// [ParseWelcome] for a server, of another version of the protocol.
var ErrVersion = errors.New("another version of the protocol")

// A Hello is the first line of a client.
type Hello struct {
	Token string // its secret, see [IsToken]
	Name  string // the name it asks for; "" takes the server's
	Next  uint64 // the lowest ID not yet acknowledged; 0 is 1
}

// Append appends the line, with its end.
func (h Hello) Append(dst []byte) []byte {
	dst = append(dst, VerbHello...)
	dst = appendNumber(dst, Version)
	dst = append(append(dst, " token="...), h.Token...)
	if h.Name != "" {
		dst = append(append(dst, " name="...), h.Name...)
	}
	if h.Next > 1 {
		dst = appendPair(dst, "next", h.Next)
	}
	return append(dst, '\n')
}

// ParseHello reads the first line of a client. Next is never 0. Name is a word
// and no more. The error matches [ErrVersion] or is a *[SyntaxError], which does
// not show the token.
func ParseHello(l Line) (Hello, error) {
	if err := needVersion(l); err != nil {
		return Hello{}, err
	}
	h := Hello{Next: 1}
	h.Token, _ = l.Value("token")
	h.Name, _ = l.Value("name")
	if !IsToken(h.Token) {
		return Hello{}, l.fail("", "token= is not %d to %d of A-Z a-z 0-9 - _", minToken, maxToken)
	}
	next, found, err := l.Uint("next")
	if err != nil {
		return Hello{}, err
	}
	if found {
		h.Next = next
	}
	if h.Next == 0 {
		return Hello{}, l.fail("next=", "next=0: IDs begin with 1")
	}
	return h, nil
}

// needVersion checks what the first lines of both sides have in common.
func needVersion(l Line) error {
	if l.Verb != VerbHello {
		return l.fail("", "expected %s", VerbHello)
	}
	version, err := l.Number(0)
	if err != nil {
		return err
	}
	if version != Version {
		return fmt.Errorf("%w: %d, expected %d", ErrVersion, version, Version)
	}
	return l.Need(1, false)
}

// IsHello reports whether b, the first line of a session, is that of a client:
// PARLEY, a number, and a word that begins with token=, whatever the version
// and however bad the rest. Nobody says such a line by chance.
func IsHello(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte(VerbHello+" "))
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	return ok && digits > 0 && digits < len(rest) && rest[digits] == ' ' && bytes.Contains(rest[digits:], []byte(" token="))
}

// A Welcome is the server's answer to a [Hello].
type Welcome struct {
	Name  string        // the client's name, perhaps not the one it asked for
	Self  string        // the public half of its token
	Next  uint64        // the ID that the server takes next
	Room  string        // where people meet
	Max   int           // bytes of the longest text
	Idle  time.Duration // how long a datagram client may be silent, in whole milliseconds; 0 is for ever
	Prove string        // a word to send back as PROOF; "" is not asked for
}

// Append appends the line, with its end.
func (w Welcome) Append(dst []byte) []byte {
	dst = append(dst, VerbHello...)
	dst = appendNumber(dst, Version)
	dst = append(append(dst, " name="...), w.Name...)
	dst = append(append(dst, " self="...), w.Self...)
	dst = appendPair(dst, "next", w.Next)
	dst = append(append(dst, " room="...), w.Room...)
	dst = appendPair(dst, "max", uint64(max(0, w.Max)))
	if w.Idle > 0 {
		dst = appendPair(dst, "idle", millis(w.Idle))
	}
	if w.Prove != "" {
		dst = append(append(dst, " prove="...), w.Prove...)
	}
	return append(dst, '\n')
}

// ParseWelcome reads the server's first line. Name and Room are words and no
// more. The error matches [ErrVersion] or is a *[SyntaxError].
func ParseWelcome(l Line) (Welcome, error) {
	if err := needVersion(l); err != nil {
		return Welcome{}, err
	}
	f := fields{line: l}
	w := Welcome{
		Name: f.value("name"),
		Self: f.value("self"),
		Next: f.uint("next"),
		Room: f.value("room"),
		Max:  int(min(f.uint("max"), MaxLine)),
	}
	w.Idle = f.duration("idle")
	w.Prove, _ = l.Value("prove")
	switch {
	case f.err != nil:
	case !IsSelf(w.Self):
		f.keep(l.fail("self=", "self= is not %d hexadecimal digits", selfSize))
	case w.Next == 0:
		f.keep(l.fail("next=", "next=0: IDs begin with 1"))
	case w.Max == 0:
		f.keep(l.fail("max=", "max=0 allows no text"))
	}
	if f.err != nil {
		return Welcome{}, f.err
	}
	return w, nil
}
