package query

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	beevik "github.com/beevik/ntp"

	"parley/clock/ntp"
	"parley/endpoint"
	"parley/transport"
)

// askNTP asks an NTP server.
func askNTP(ctx context.Context, t endpoint.Target, o Options) (Reading, error) {
	left := o.timeout()
	if deadline, ok := ctx.Deadline(); ok {
		left = max(time.Until(deadline), time.Millisecond)
	}
	var s *sieve
	answer, err := beevik.QueryWithOptions(t.Endpoint.Address(), beevik.QueryOptions{
		Timeout: left,
		Dialer: func(_, _ string) (net.Conn, error) {
			conn, err := transport.Dial(ctx, t.Endpoint)
			if err != nil {
				return nil, err
			}
			s = &sieve{Conn: conn}
			s.stop = context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
			return s, nil
		},
	})
	if err != nil {
		return Reading{}, s.failure(ctx, t, err)
	}
	if answer.Stratum == 0 && answer.KissCode != "" {
		return Reading{}, bad(t, fmt.Sprintf("the server refuses: kiss-o'-death %s%s", answer.KissCode, kissText(answer.KissCode)))
	}
	under := s.tooShort()
	if under > ntp.Slack+answer.Precision {
		return Reading{}, bad(t, fmt.Sprintf("the server says that it kept the question for %v longer than the whole exchange took", under))
	}
	id := ntp.ReferenceID{byte(answer.ReferenceID >> 24), byte(answer.ReferenceID >> 16), byte(answer.ReferenceID >> 8), byte(answer.ReferenceID)}
	return Reading{
		At:     answer.Timestamps.ClientRecv.Round(0),
		Offset: answer.ClockOffset, Delay: answer.RTT, Timed: true,
		Error: answer.RTT/2 + max(under, 0) + answer.Precision + answer.RootDelay/2 + answer.RootDispersion,
		NTP: &NTP{
			Version: answer.Version, Stratum: answer.Stratum, ReferenceID: id.Text(answer.Stratum), Reference: s.reference(),
			Told: answer.Time, Leap: uint8(answer.Leap), Precision: answer.Precision,
			RootDelay: answer.RootDelay, RootDispersion: answer.RootDispersion,
			Problem: answer.Validate(),
		},
	}, nil
}

// A sieve lets the answer to the question through and nothing else: what somebody else sent to
// the port must not end the asking.
type sieve struct {
	net.Conn
	stop func() bool // the watch over a ctx

	asked, answer ntp.Packet
	from, at      time.Time
	stray         string // what else came
}

// Write sends the question.
func (s *sieve) Write(b []byte) (int, error) {
	s.asked, _ = ntp.Parse(b)
	s.from = time.Now()
	return s.Conn.Write(b)
}

// Read waits for the answer.
func (s *sieve) Read(b []byte) (int, error) {
	for {
		n, err := s.Conn.Read(b)
		if err != nil {
			return n, err
		}
		s.at = time.Now()
		p, err := ntp.Parse(b[:n])
		switch {
		case err != nil:
			s.stray = fmt.Sprintf("what came is no NTP packet: %s", quoted(b[:n]))
		case p.Mode != ntp.Server || p.Origin != s.asked.Transmit:
			s.stray = "what came is no answer to the question"
		case p.Precision < leastPrecision || p.Precision > mostPrecision:
			s.stray = fmt.Sprintf("an answer with a precision of 2^%d s", p.Precision)
		default:
			s.answer = p
			return n, nil
		}
	}
}

// The precisions that clocks have, as powers of two of seconds.
const (
	leastPrecision = -40
	mostPrecision  = 10
)

// Close closes the conn and ends the watch.
func (s *sieve) Close() error {
	s.stop()
	return s.Conn.Close()
}

// tooShort is by how much the exchange took less than no time: negative if it took some.
func (s *sieve) tooShort() time.Duration {
	return s.answer.Transmit.Sub(s.answer.Receive) - s.at.Sub(s.from)
}

// reference is when the server's clock was set, zero if it does not say.
func (s *sieve) reference() time.Time {
	if s.answer.Reference == 0 {
		return time.Time{}
	}
	return s.answer.Reference.Time(s.at)
}

// failure is why there is no answer. s may be nil.
func (s *sieve) failure(ctx context.Context, t endpoint.Target, err error) error {
	var network *net.OpError
	var op *transport.OpError
	if !errors.As(err, &network) && !errors.As(err, &op) && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return bad(t, err.Error())
	}
	err = timedOut(ctx, t.Endpoint, err)
	if s != nil && s.stray != "" && errors.Is(err, errNoAnswer) {
		return bad(t, s.stray)
	}
	return err
}

func kissText(code string) string {
	switch code {
	case "RATE":
		return " (asked too often)"
	case "DENY", "RSTR":
		return " (access denied)"
	case "INIT":
		return " (its clock is not synchronized yet)"
	}
	return ""
}
