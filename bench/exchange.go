package bench

import (
	"fmt"
	"iter"
	"strings"

	"parley/endpoint"
)

// An Exchange is what a session says and what has to come back. It is constant
// and safe for concurrent use: the content of a message is a function of its session
// and its number, so nothing about what was sent needs to be kept.
type Exchange interface {
	// Append appends message number seq of a session to dst.
	Append(dst []byte, session int, seq uint64) []byte

	// Size is the length of that message, and AnswerSize that of its answer, in
	// bytes. Both are known before: an answer whose length is not the same for
	// every right answer cannot be measured on a stream without a Framing.
	Size(seq uint64) int
	AnswerSize(seq uint64) int

	// Check reports what is wrong with answer, or nil. The error is one line and
	// says what was expected.
	Check(answer []byte, session int, seq uint64) error

	// Number finds in an answer the number of the message that it answers,
	// newest being the last one sent; ok is false where the answer does not tell,
	// which is then taken for the answer to the oldest message. Only datagrams
	// need it.
	Number(answer []byte, session int, newest uint64) (seq uint64, ok bool)

	// String is the name of the service.
	String() string
}

// Content says what messages of an Exchange hold.
type Content struct {
	// Size of each message, in bytes. 0 is what the service makes sense with: 64
	// for echo, ack and stamp, the smallest for timesync, the only one for ntp.
	Size int

	// Messages are sent in turn, in place of made ones of Size. One may be
	// empty where the transport or the framing carries that. They are not
	// modified after they were handed over.
	Messages [][]byte

	// Seed of made messages.
	Seed uint64

	// Lines makes each message end in a line feed: services whose messages
	// are lines of text answer at once then, and not after a pause.
	Lines bool
}

// makers are the exchanges by the names of their services.
var makers = []struct {
	service string
	make    func(c Content) (Exchange, error)
}{
	{"echo", Echo},
	{"ack", Ack},
	{"stamp", Stamp},
	{"timesync", Timesync},
	{"ntp", NTP},
}

// Exchanges are the names of the services that NewExchange knows.
func Exchanges() []string {
	names := make([]string, len(makers))
	for i, m := range makers {
		names[i] = m.service
	}
	return names
}

// NewExchange makes the exchange of a service that is served with the parameters
// params, which may be nil: those that change what is answered. Only ack has one, reply.
func NewExchange(service string, params iter.Seq2[string, string], c Content) (Exchange, error) {
	for _, m := range makers {
		if m.service != service {
			continue
		}
		reply, err := replyOf(service, params)
		if err == nil && reply != "" {
			return newAck(c, reply)
		}
		if err != nil {
			return nil, err
		}
		return m.make(c)
	}
	known := "; known are " + strings.Join(Exchanges(), " ")
	if near := endpoint.Nearest(service, Exchanges()); near != "" {
		known += fmt.Sprintf("; nearest is %q", near)
	}
	return nil, fmt.Errorf("what service %q answers is not known%s", service, known)
}

// replyOf finds what ack was told to reply, and refuses what no exchange heeds.
func replyOf(service string, params iter.Seq2[string, string]) (reply string, err error) {
	if params == nil {
		return "", nil
	}
	for name, value := range params {
		switch {
		case service != "ack":
			return "", fmt.Errorf("unknown parameter %q of %s; it takes none", name, service)
		case name != "reply":
			return "", fmt.Errorf("unknown parameter %q of ack; known is reply", name)
		}
		reply = value
	}
	return reply, nil
}
