package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"parley/endpoint"
	"parley/transport"
)

// What a Load may ask for at most, and a Comparison. The machine may have less.
const (
	MostSessions = 1 << 20
	MostDepth    = 1 << 16
	MostWorkers  = 1024
	MostSize     = 64 << 20 // bytes of a message on a stream
	MostRounds   = 1000
)

const (
	mostRate    = 1e9      // a second
	leastRate   = 1e-6     // a second
	mostTalk    = 64 << 10 // of one in connects and holds
	longestTime = 366 * 24 * time.Hour
	longestWait = time.Hour // the histogram goes no further
)

// The largest UDP payloads: what 16 bits of length leave beside the headers.
const (
	largestUDP4 = 65535 - 20 - 8
	largestUDP6 = 65535 - 8
)

// checkedMessages is how many messages of an exchange are looked at before a run,
// and checkedBytes how many bytes of them: those that are sent in turn, in practice all.
const (
	checkedMessages = 4096
	checkedBytes    = 16 << 20
)

// Check reports what of a load can be refused before anything is sent: values out of
// their range, an endpoint that cannot be dialled, messages that do not fit the
// transport or the framing, more sessions than this process has descriptors or
// this machine has ports. The error is one line and says what would be accepted. Run
// calls it.
func Check(l Load) error {
	if err := transport.CheckDial(l.Endpoint); err != nil {
		return err
	}
	if err := transport.CheckFiles(l.Endpoint); err != nil {
		return err
	}
	for _, check := range []func(Load) error{
		checkEndpoint, checkNumbers, checkTimes, checkMode, checkSizes, checkFrames, checkDescriptors, checkPorts,
	} {
		if err := check(l); err != nil {
			return fmt.Errorf("bench %v: %w", l.Endpoint.Bare(), err)
		}
	}
	return nil
}

// checkEndpoint refuses what can be dialled, and is nothing to measure.
func checkEndpoint(l Load) error {
	e := l.Endpoint
	switch {
	case e.Scheme == "fd":
		return errors.New("a descriptor is one session and cannot be opened: want tcp, udp, unix, unixgram, unixpacket, tls, ws, wss or mem")
	case e.Scheme == "ip":
		return errors.New("raw IP has no sessions: want tcp, udp, unix, unixgram, unixpacket, tls, ws, wss or mem")
	case e.Port == "0":
		return errors.New("port 0 cannot be dialled: want 1 to 65535")
	case isOn(e, "broadcast"):
		return errors.New("option broadcast: a session has one peer")
	}
	if addr, err := netip.ParseAddr(e.Host); err == nil && addr.IsMulticast() {
		return fmt.Errorf("%v is a group: a session has one peer", addr)
	}
	return nil
}

func isOn(e endpoint.Endpoint, option string) bool {
	value, ok := e.Option(option)
	on, err := endpoint.ParseBool(value)
	return ok && err == nil && on
}

func checkNumbers(l Load) error {
	switch {
	case l.Sessions < 0 || l.Sessions > MostSessions:
		return fmt.Errorf("%d sessions: want 1 to %d", l.Sessions, MostSessions)
	case l.Depth < 0 || l.Depth > MostDepth:
		return fmt.Errorf("depth %d: want 1 to %d", l.Depth, MostDepth)
	case l.Workers < 0 || l.Workers > MostWorkers:
		return fmt.Errorf("%d workers: want 1 to %d", l.Workers, MostWorkers)
	case l.Rate != 0 && !(l.Rate >= leastRate && l.Rate <= mostRate):
		return fmt.Errorf("rate %g/s: want %g/s to %g/s, or 0 for as fast as answers allow", l.Rate, leastRate, mostRate)
	case l.Arrivals > Poisson:
		return fmt.Errorf("arrivals %d: want %d (even) or %d (Poisson)", l.Arrivals, Even, Poisson)
	case l.Arrivals == Poisson && l.Rate == 0:
		return errors.New("arrivals at random (Poisson) need a rate")
	}
	return nil
}

func checkTimes(l Load) error {
	switch {
	case l.Time < 0 || l.Time > longestTime:
		return fmt.Errorf("time %v: want more than 0, and at most %v", l.Time, longestTime)
	case l.Warmup > longestTime:
		return fmt.Errorf("warm-up %v: want at most %v", l.Warmup, longestTime)
	case l.Timeout < 0 || l.Timeout > longestWait:
		return fmt.Errorf("timeout %v: want more than 0, and at most %v", l.Timeout, longestWait)
	}
	return nil
}

func checkMode(l Load) error {
	switch {
	case l.Mode > Holds:
		return fmt.Errorf("mode %d: want %d (messages), %d (connects) or %d (holds)", l.Mode, Messages, Connects, Holds)
	case l.Mode == Messages && l.Exchange == nil:
		return fmt.Errorf("messages need an exchange: one of %s", strings.Join(Exchanges(), ", "))
	case l.Reset && l.Mode != Connects:
		return errors.New("a reset at the end is for the mode that opens and closes sessions")
	case l.Reset && !strings.HasPrefix(l.Endpoint.Scheme, "tcp"):
		return fmt.Errorf("a session of %s cannot be closed by a reset: want tcp, tcp4 or tcp6", l.Endpoint.Scheme)
	}
	return nil
}

// checkSizes refuses messages that the transport cannot carry.
func checkSizes(l Load) error {
	if l.Exchange == nil {
		return nil
	}
	largest, why, err := largestMessage(l)
	if err != nil {
		return err
	}
	for seq := range uint64(checkedMessages) {
		size, answer := l.Exchange.Size(seq), l.Exchange.AnswerSize(seq)
		switch {
		case size > largest:
			return fmt.Errorf("a message of %d bytes: want at most %d, %s", size, largest, why)
		case l.Endpoint.KeepsMessages():
		case l.Mode != Messages && max(size, answer) > mostTalk:
			return fmt.Errorf("a message of %d bytes: want at most %d, it is written in full before the answer is read where sessions are opened or held", max(size, answer), mostTalk)
		case size < 1 && l.Framing == nil:
			return fmt.Errorf("a message of %d bytes is nothing on a stream: want 1 to %d, or a framing", size, largest)
		case answer < 1 && l.Framing == nil:
			return fmt.Errorf("where an answer of %v ends on a stream is not known: want a framing", l.Exchange)
		}
	}
	return nil
}

// largestMessage is how many bytes a message may have, and why.
func largestMessage(l Load) (n int, why string, err error) {
	switch l.Endpoint.Scheme {
	case "udp", "udp4", "udp6":
		addr, err := netip.ParseAddr(l.Endpoint.Host)
		if l.Endpoint.Scheme == "udp6" || err == nil && addr.Is6() && !addr.Is4In6() {
			return largestUDP6, "the largest datagram of UDP over IPv6", nil
		}
		return largestUDP4, "the largest datagram of UDP over IPv4", nil
	case "unixgram", "unixpacket":
		n, err := largestUnix(l.Endpoint.Scheme)
		return n, "what the send buffer of a Unix socket takes at once", err
	}
	return MostSize, "the largest message of a load", nil
}

// checkFrames refuses messages that the framing cannot carry.
func checkFrames(l Load) error {
	if l.Exchange == nil || l.Framing == nil || l.Endpoint.KeepsMessages() {
		return nil
	}
	var msg, framed []byte
	bytes := 0
	for seq := uint64(0); seq < checkedMessages && bytes < checkedBytes; seq++ {
		msg = l.Exchange.Append(msg[:0], 0, seq)
		bytes += len(msg) + 1
		var err error
		if framed, err = l.Framing.Append(framed[:0], msg); err != nil {
			return fmt.Errorf("framing %v: message %d: %w", l.Framing, seq, err)
		}
	}
	return nil
}

// spare is how many descriptors a run needs besides those of its sessions.
const spare = 32

// perWorker is how many a worker of the event loop has: epoll, what wakes it, and a session's second
// one while it is taken over.
const perWorker = 3

// checkDescriptors refuses more sessions than descriptors are left.
func checkDescriptors(l Load) error {
	limit, used, ok := descriptors()
	if l.Endpoint.Scheme == "mem" || !ok {
		return nil
	}
	spare := spare
	if loopable(l.Endpoint.Scheme) {
		spare += perWorker * l.filled().Workers
	}
	if left := limit - used - spare; l.filled().Sessions > left {
		return fmt.Errorf("%d sessions: want at most %d: this process may have %d descriptors (ulimit -n), of which %d are in use and %d are kept free",
			l.filled().Sessions, max(left, 0), limit, used, spare)
	}
	return nil
}

// checkPorts refuses more sessions than there are local ports for one peer.
func checkPorts(l Load) error {
	if !l.ported() {
		return nil
	}
	sessions := l.filled().Sessions
	if source, ok := l.Endpoint.Option("source"); ok && sessions > 1 && hasPort(source) {
		return fmt.Errorf("%d sessions from the one port of %s: want 1, or a source without a port", sessions, source)
	}
	if low, high := localPorts(); sessions > high-low+1 {
		return fmt.Errorf("%d sessions: want at most %d: sessions with one peer have each a local port, and this machine gives %d to %d",
			sessions, high-low+1, low, high)
	}
	return nil
}

// hasPort reports whether the value of the option source names one.
func hasPort(source string) bool {
	if port, ok := strings.CutPrefix(source, ":"); ok && !strings.Contains(port, ":") {
		return port != "0"
	}
	a, err := netip.ParseAddrPort(source)
	return err == nil && a.Port() != 0
}
