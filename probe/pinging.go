package probe

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// pinging are the requests to one host, and what came back. It is pure: moments are
// given.
type pinging struct {
	addr    netip.Addr
	timeout time.Duration // an answer that takes longer is late, and counts as none
	data    []byte        // of every request, and so of every answer
	id      uint16        // of raw sockets; the system gives others their own
	sent    int
	open    int // requests of which nothing has come back
	pings   []pingState
	round   []time.Duration

	duplicates, late, damaged, reports int
	ttl                                int        // of the first answer
	from                               netip.Addr // of it; a group's is a member's
	report                             error      // the first that a router, the host or the system said instead
}

// pingState is what became of a request.
type pingState struct {
	at time.Time // when it was sent
	is pingFate
}

type pingFate uint8

const (
	waiting  pingFate = iota
	answered          // in time or late
	told              // that there will be no answer
)

// pingData is how many bytes a request has after its header: as ping(8) does, a
// packet of 84 bytes for IPv4.
const pingData = 56

// newPinging makes what is sent: a token by which answers are known to be ours, and a
// pattern.
func newPinging(addr netip.Addr, timeout time.Duration) *pinging {
	p := &pinging{addr: addr, timeout: timeout, data: make([]byte, pingData)}
	for i := range p.data {
		p.data[i] = byte(i)
	}
	rand.Read(p.data[:tokenLen])
	p.id = binary.BigEndian.Uint16(p.data)
	return p
}

const tokenLen = 16

// An echoRequest is one request.
type echoRequest struct {
	id, seq uint16
	data    []byte
}

// next is the next request.
func (p *pinging) next(now time.Time) echoRequest {
	e := echoRequest{p.id, uint16(p.sent), p.data}
	p.sent++
	p.open++
	p.pings = append(p.pings, pingState{at: now})
	return e
}

// unsent notes why the request that was made last could not be sent. It counts as
// lost.
func (p *pinging) unsent(err error) { p.tell(p.sent-1, inner(err)) }

func (p *pinging) tell(n int, err error) {
	p.reports++
	if p.report == nil {
		p.report = err
	}
	if p.pings[n].is == waiting {
		p.pings[n].is = told
		p.open--
	}
}

// settled reports whether it is known of every request what became of it.
func (p *pinging) settled() bool { return p.open == 0 }

// lastDue is when it is too late for an answer to the last request.
func (p *pinging) lastDue() time.Time { return p.pings[p.sent-1].at.Add(p.timeout) }

// number is which request a sequence number means: the newest that has it, as it has
// 16 bits.
func (p *pinging) number(seq uint16) (n int, ok bool) {
	n = p.sent - 1 - int(uint16(p.sent-1)-seq)
	return n, n >= 0
}

// take takes in what came back. What is not about our requests is ignored: a raw
// socket hears everybody's.
func (p *pinging) take(a arrival) {
	n, ok := p.number(a.seq)
	switch {
	case !ok || !a.ours && a.id != p.id:
	case a.kind == echoReport:
		p.tell(n, fmt.Errorf("%s says: %w", a.from, a.report))
	case a.kind != echoReply || !p.mayAnswer(a.from) || !p.similar(a.data):
	case !bytes.Equal(a.data, p.data):
		p.damaged++
	default:
		p.answer(n, a)
	}
}

// answer notes an answer to request n.
func (p *pinging) answer(n int, a arrival) {
	one := &p.pings[n]
	if one.is == answered {
		p.duplicates++
		return
	}
	if one.is == waiting {
		p.open--
	}
	one.is = answered
	took := a.at.Sub(one.at)
	if took > p.timeout {
		p.late++
		return
	}
	if p.round = append(p.round, took); len(p.round) == 1 {
		p.ttl, p.from = a.ttl, a.from
	}
}

// mayAnswer reports whether an answer may come from there: to a group anybody may.
func (p *pinging) mayAnswer(from netip.Addr) bool {
	return p.addr.IsMulticast() || from.WithZone("") == p.addr.WithZone("")
}

// similar reports whether data has most of our token, which another program's has
// not.
func (p *pinging) similar(data []byte) bool {
	same := 0
	for i := range min(tokenLen, len(data)) {
		if data[i] == p.data[i] {
			same++
		}
	}
	return same > tokenLen/2
}

// found is what is known of the host.
func (p *pinging) found(method string) Ping {
	f := Ping{Sent: p.sent, Received: len(p.round), Duplicates: p.duplicates, TTL: p.ttl, Method: method, From: p.from}
	if p.sent > 0 {
		f.Loss = float64(p.sent-len(p.round)) / float64(p.sent)
	}
	f.summarize(p.round)
	return f
}

// oddities are in words what came back beside good answers, or "".
func (p *pinging) oddities() string {
	var all []string
	if p.late > 0 {
		all = append(all, fmt.Sprintf("%d later than %v", p.late, p.timeout))
	}
	if p.damaged > 0 {
		all = append(all, fmt.Sprintf("%d damaged on the way", p.damaged))
	}
	if p.reports > 0 && len(p.round) > 0 { // else it is the error
		all = append(all, fmt.Sprintf("%d not answered: %v", p.reports, p.report))
	}
	return strings.Join(all, "; ")
}
