package query

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/clock/ntp"
	"parley/endpoint"
)

// told answers an NTP request by what change makes of an answer that is right.
func told(change func(answer *ntp.Packet)) parley.Service {
	return parley.ServiceFunc(func(c *parley.Conn, msg []byte) error {
		p, err := ntp.Parse(msg)
		if err != nil {
			return err
		}
		now := time.Now()
		answer := ntp.Packet{
			Version: 4, Mode: ntp.Server, Stratum: 2, Precision: -20, ReferenceID: ntp.ReferenceID{127, 0, 0, 1},
			Reference: ntp.TimestampOf(now.Add(-time.Minute)), Origin: p.Transmit,
			Receive: ntp.TimestampOf(now), Transmit: ntp.TimestampOf(now),
		}
		change(&answer)
		return c.Send(answer.Append(nil))
	})
}

// TestAskNTPOddAnswers: what cannot be the answer is not taken for it.
func TestAskNTPOddAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*ntp.Packet)
		want   string // of the error, "" none
	}{
		{"right", func(*ntp.Packet) {}, ""},
		{"precision", func(p *ntp.Packet) { p.Precision = -128 }, "precision of 2^-128 s"},
		{"precise to years", func(p *ntp.Packet) { p.Precision = 127 }, "precision of 2^127 s"},
		{"not asked", func(p *ntp.Packet) { p.Origin++ }, "no answer to the question"},
		{"a question", func(p *ntp.Packet) { p.Mode = ntp.Client }, "no answer to the question"},
		{"kept for 5 s", func(p *ntp.Packet) { p.Receive -= 5 << 32 }, "kept the question for 4.9"},
		{"kept for 5 ms", func(p *ntp.Packet) { p.Receive -= 5 << 32 / 1000 }, "kept the question for 4."},
	} {
		e := serve(t, told(c.change), "udp://127.0.0.1:0")
		r, err := Ask(context.Background(), endpoint.Target{Service: "ntp", Endpoint: e}, Options{Timeout: 300 * time.Millisecond})
		if c.want == "" {
			if err != nil || r.NTP.Problem != nil || r.NTP.Told.Sub(r.NTP.Reference).Round(time.Second) != time.Minute {
				t.Errorf("%s: %+v, %v", c.name, r.NTP, err)
			}
			continue
		}
		if !errors.Is(err, ErrAnswer) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v; want %v with %q", c.name, err, ErrAnswer, c.want)
		}
	}
}

// TestAskNTPAmongOthers: who else sends to our port does not end the asking.
func TestAskNTPAmongOthers(t *testing.T) {
	right := told(func(*ntp.Packet) {})
	e := serve(t, parley.ServiceFunc(func(c *parley.Conn, msg []byte) error {
		for _, stray := range []string{"", "what?", strings.Repeat("x", 48), strings.Repeat("\x24", 60)} {
			if err := c.Send([]byte(stray)); err != nil {
				return err
			}
		}
		return right.Serve(c, msg)
	}), "udp://127.0.0.1:0")
	if _, err := Ask(context.Background(), endpoint.Target{Service: "ntp", Endpoint: e}, Options{}); err != nil {
		t.Error(err)
	}
}

// TestServerHoldsTheConn: four bytes are the time, and a line the day and time, also of a server that
// does not end the connection.
func TestServerHoldsTheConn(t *testing.T) {
	for service, answer := range map[string]string{
		"time": "\xee\xab\x00\x00", "daytime": "\r\n61364 26-11-20 20:14:03 00 0 0   0.0 UTC(NIST) *\r\n",
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			c.Write([]byte(answer))
			c.Read(make([]byte, 1)) // until the client has enough
		}()
		target, err := Parse(service + "@" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if r, err := Ask(context.Background(), target, Options{Timeout: 10 * time.Second}); err != nil || !r.Timed {
			t.Errorf("%s: timed %v, %v", service, r.Timed, err)
		}
		ln.Close()
		<-done
	}
}

// TestParseRefuses what would be ignored.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"ntp?offset=3s@127.0.0.1":         "?offset is of who serves",
		"ntp@udp://127.0.0.1:1?bogus=1":   "unknown option",
		"time@tcp://127.0.0.1?frame=line": "frame",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", text, err, want)
		}
	}
}
