package client

import (
	"errors"
	"testing"
	"time"

	"parley/clock/ntp"
)

var t0 = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// answerTo is a server's answer to the request of d, in basic mode.
func answerTo(d *dialogue, received, sent time.Time) ntp.Packet {
	return ntp.Packet{
		Version: 4, Mode: ntp.Server, Stratum: 2, Precision: -20,
		Origin: d.asked.Transmit, Receive: ntp.TimestampOf(received), Transmit: ntp.TimestampOf(sent),
	}
}

func TestBasicExchange(t *testing.T) {
	d := newDialogue(false, time.Time{})
	p := d.request()
	if p.Mode != ntp.Client || p.Version != 4 || p.Origin != 0 || p.Receive != 0 || p.Transmit == 0 {
		t.Errorf("request %+v", p)
	}
	d.left(t0)
	a := answerTo(d, t0.Add(5*time.Second+time.Millisecond), t0.Add(5*time.Second+2*time.Millisecond))
	s, err := d.answer(a.Append(nil), t0.Add(4*time.Millisecond))
	if err != nil || (s.Offset-(5*time.Second-500*time.Microsecond)).Abs() > 1 || (s.Delay-3*time.Millisecond).Abs() > 1 || !s.At.Equal(t0.Add(4*time.Millisecond)) {
		t.Errorf("%+v, %v; want 5s less half a millisecond, 3ms", s, err)
	}
	if _, err := d.answer(a.Append(nil), t0); err != errStray {
		t.Errorf("the same answer again: %v", err)
	}
}

// TestInterleavedExchange has the second answer tell when the first left.
func TestInterleavedExchange(t *testing.T) {
	d := newDialogue(true, time.Time{})
	d.request()
	d.left(t0)
	first := answerTo(d, t0.Add(time.Millisecond), t0.Add(time.Millisecond)) // what it left is not known yet
	if _, err := d.answer(first.Append(nil), t0.Add(4*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	second := d.request()
	if second.Origin != first.Receive || second.Receive == 0 || second.Receive == second.Transmit {
		t.Errorf("request %+v does not ask for the interleaved mode", second)
	}
	d.left(t0.Add(time.Second))
	a := ntp.Packet{
		Version: 4, Mode: ntp.Server, Stratum: 2, Origin: second.Receive,
		Receive: ntp.TimestampOf(t0.Add(time.Second + 9*time.Millisecond)), Transmit: ntp.TimestampOf(t0.Add(3 * time.Millisecond)),
		Reference: ntp.TimestampOf(t0.Add(500 * time.Millisecond)), // the clock was set between the two
	}
	s, err := d.answer(a.Append(nil), t0.Add(2*time.Second))
	// There 1 ms, at the server 2 ms, back 1 ms: of the first exchange.
	if err != nil || s.Leap != 0 || s.Offset.Abs() > 1 || (s.Delay-2*time.Millisecond).Abs() > 1 || !s.At.Equal(t0.Add(4*time.Millisecond)) {
		t.Errorf("%+v, %v; want no offset, 2ms, of the first exchange", s, err)
	}
}

func TestInterleavedIsGivenUp(t *testing.T) {
	d := newDialogue(true, time.Time{})
	d.request()
	d.left(t0)
	first := answerTo(d, t0, t0)
	d.answer(first.Append(nil), t0)
	for i := range maxMissed + 1 {
		if p := d.request(); p.Origin != first.Receive {
			t.Errorf("after %d missed answers it asks for the basic mode", i)
		}
		d.lost()
	}
	if p := d.request(); p.Origin == first.Receive {
		t.Error("it asks about an exchange that is long past")
	}
	d.restart()
	if p := d.request(); p.Origin == first.Receive {
		t.Error("it asks about an exchange before a step")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, change := range map[string]func(*ntp.Packet){
		"another origin":  func(p *ntp.Packet) { p.Origin++ },
		"no origin":       func(p *ntp.Packet) { p.Origin = 0 },
		"a request":       func(p *ntp.Packet) { p.Mode = ntp.Client },
		"another version": func(p *ntp.Packet) { p.Version = 3 },
	} {
		d := newDialogue(true, time.Time{})
		d.request()
		d.left(t0)
		a := answerTo(d, t0, t0)
		change(&a)
		if _, err := d.answer(a.Append(nil), t0); err != errStray {
			t.Errorf("%s: %v", name, err)
		}
		if d.asked.Transmit == 0 {
			t.Errorf("%s ended the wait for the answer", name)
		}
	}
	for name, change := range map[string]func(*ntp.Packet){
		"no receive time":     func(p *ntp.Packet) { p.Receive = 0 },
		"no transmit time":    func(p *ntp.Packet) { p.Transmit = 0 },
		"kept for too long":   func(p *ntp.Packet) { p.Receive -= 1 << 32 },
		"left before it came": func(p *ntp.Packet) { p.Transmit = p.Receive - 1<<20 },
	} {
		d := newDialogue(true, time.Time{})
		d.request()
		d.left(t0)
		a := answerTo(d, t0, t0)
		change(&a)
		if _, err := d.answer(a.Append(nil), t0); err == nil || err == errStray {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := newDialogue(true, time.Time{})
	d.request()
	d.left(t0)
	future := answerTo(d, t0, t0)
	future.Reference = future.Receive + 2<<32
	if s, err := d.answer(future.Append(nil), t0.Add(time.Millisecond)); err != nil || s.Leap != ntp.LeapUnknown {
		t.Errorf("a clock that was set after it was read: %+v, %v, want one that is not followed", s, err)
	}
	d.request()
	a := answerTo(d, t0, t0)
	a.Stratum, a.ReferenceID = 0, ntp.ReferenceID{'R', 'A', 'T', 'E'}
	_, err := d.answer(a.Append(nil), t0)
	var kiss *KissError
	if !errors.Is(err, ErrKiss) || !errors.As(err, &kiss) || kiss.Code != "RATE" {
		t.Errorf("kiss-o'-death: %v", err)
	}
	if _, err := newDialogue(true, time.Time{}).answer(make([]byte, 48), t0); err != errStray {
		t.Errorf("an answer before a question: %v", err)
	}
}

// FuzzDialogue answers with any bytes.
func FuzzDialogue(f *testing.F) {
	f.Add(make([]byte, 48), true)
	f.Fuzz(func(t *testing.T, b []byte, interleave bool) {
		d := newDialogue(interleave, time.Time{})
		d.random = func() uint64 { return 5 }
		d.request()
		d.left(t0)
		if s, err := d.answer(b, t0.Add(time.Millisecond)); err == nil && len(b) < ntp.PacketSize {
			t.Errorf("%x says %+v", b, s)
		}
	})
}
