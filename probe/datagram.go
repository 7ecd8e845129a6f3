package probe

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"parley/endpoint"
	"parley/internal/cause"
)

// maxDatagram is the longest datagram there is, in bytes.
const maxDatagram = 65535

// errNoAnswer is all that silence says.
var errNoAnswer = errors.New("no answer: open or filtered")

// datagram asks a udp or unixgram socket a question that fits. A socket that is
// connected hears that the port is closed. Of unixgram the connection itself is
// proof that somebody has the socket; it is asked only when a service is named.
func (l *looker) datagram(ctx context.Context, r *Result) {
	ctx, cancel := context.WithTimeout(ctx, l.o.timeout())
	defer cancel()
	q := questionFor(r.Target)
	begun := time.Now()
	conns, e, err := l.dialDatagram(ctx, r, q)
	defer closeAll(conns)
	if err != nil {
		r.fail(err)
		return
	}
	if e.Scheme == "unixgram" && r.Target.Service == "" {
		r.State, r.Up, r.Time = Open, true, time.Since(begun)
		return
	}
	r.Asked = q.asked
	asked := q.ask(rand.Uint64())
	answer, took, err := l.exchange(ctx, conns, asked)
	r.Time = took
	switch {
	case err == nil:
		words, fits := q.inWords(asked, answer)
		r.State, r.Answer = Answered, words
		if r.Up = fits || r.Target.Service == ""; !r.Up {
			r.Err = opError("ask", e, &unlikeError{q.service})
		}
	case errors.Is(err, errNoAnswer):
		r.State, r.Err, r.Time = NoAnswer, opError("ask", e, err), 0
	default:
		r.fail(opError("ask", e, err))
		if cause.Of(err).Word == "reset" { // Windows' word for a port that is closed
			r.State = Refused
		}
	}
}

// dialDatagram opens the socket that r's target is asked by, at the first of its
// addresses to which there is a way, and a second one where an answer may come from
// another port. It says in r which address that was; the endpoint is the one there.
func (l *looker) dialDatagram(ctx context.Context, r *Result, q question) ([]net.Conn, endpoint.Endpoint, error) {
	e := r.Target.Endpoint
	if !isUDP(e.Scheme) {
		c, err := l.dial(ctx, e)
		if err != nil {
			return nil, e, err
		}
		return []net.Conn{c}, e, nil
	}
	addrs, err := l.names.addrs(ctx, e)
	if err != nil {
		return nil, e, err
	}
	var failed []attempt
	for _, addr := range ipv4First(addrs) {
		one := at(e, addr)
		a := attempt{address: one.Address()}
		if a.conn, a.err = l.dial(ctx, one); a.err != nil {
			failed = append(failed, a)
			continue
		}
		r.Address = a.address
		conns := []net.Conn{a.conn}
		if q.elsewhere && addr.Is4() {
			if second, err := l.dial(ctx, one.With("broadcast", "1")); err == nil {
				conns = append(conns, fromHost{second, addr})
			}
		}
		return conns, one, nil
	}
	told := mostTelling(e, failed)
	r.Address = told.address
	return nil, e, told.err
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// heard is what a socket gave: an answer or an error.
type heard struct {
	answer []byte
	err    error
}

// exchange sends a question as often as Options say, spread over the time that
// ctx has, and returns the first answer, with the time since the first question.
// It closes conns: that is what ends the goroutines that listen.
func (l *looker) exchange(ctx context.Context, conns []net.Conn, ask []byte) (answer []byte, took time.Duration, err error) {
	results := make(chan heard, len(conns))
	var listening sync.WaitGroup
	defer listening.Wait()
	defer closeAll(conns)
	for _, c := range conns {
		listening.Add(1)
		go hear(c, results, &listening)
	}
	begun := time.Now()
	again := time.NewTicker(max(l.o.timeout()/time.Duration(l.o.tries()), 1))
	defer again.Stop()
	for tries := 0; ; {
		if tries < l.o.tries() {
			if err := send(conns, ask); err != nil {
				return nil, time.Since(begun), err
			}
			tries++
		}
		select {
		case h := <-results:
			return h.answer, time.Since(begun), inner(h.err)
		case <-again.C:
		case <-ctx.Done():
			return nil, 0, errNoAnswer
		}
	}
}

// send sends a question on each of conns. That a port is closed may be heard here
// already.
func send(conns []net.Conn, ask []byte) error {
	for _, c := range conns {
		if _, err := c.Write(ask); err != nil {
			return inner(err)
		}
	}
	return nil
}

// buffers are for answers, each of maxDatagram bytes.
var buffers = sync.Pool{New: func() any { b := make([]byte, maxDatagram); return &b }}

// hear is a goroutine; it ends with the first answer or error, and when c is
// closed.
func hear(c net.Conn, results chan<- heard, listening *sync.WaitGroup) {
	defer listening.Done()
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	n, err := c.Read(*b)
	results <- heard{slices.Clone((*b)[:max(n, 0)]), err}
}

// fromHost hears every port of one host, and nobody else, on a socket that is not
// connected.
type fromHost struct {
	net.Conn
	host netip.Addr
}

func (c fromHost) Read(b []byte) (int, error) {
	pc, ok := c.Conn.(net.PacketConn)
	if !ok {
		return c.Conn.Read(b)
	}
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil || hostOf(from) == c.host {
			return max(n, 0), err
		}
	}
}

// hostOf is not valid if a is no address of UDP.
func hostOf(a net.Addr) netip.Addr {
	udp, ok := a.(*net.UDPAddr)
	if !ok || udp == nil {
		return netip.Addr{}
	}
	return udp.AddrPort().Addr().Unmap()
}
