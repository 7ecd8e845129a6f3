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
	var stop func() bool
	defer func() {
		if stop != nil {
			stop()
		}
	}()
	answer, err := beevik.QueryWithOptions(t.Endpoint.Address(), beevik.QueryOptions{
		Timeout: left,
		Dialer: func(_, _ string) (net.Conn, error) {
			conn, err := transport.Dial(ctx, t.Endpoint)
			if err == nil {
				stop = context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
			}
			return conn, err
		},
	})
	if err != nil {
		var network *net.OpError
		if !errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			var op *transport.OpError
			if !errors.As(err, &op) {
				return Reading{}, bad(t, err.Error())
			}
		}
		return Reading{}, timedOut(ctx, t.Endpoint, err)
	}
	if answer.Stratum == 0 && answer.KissCode != "" {
		return Reading{}, bad(t, fmt.Sprintf("the server refuses: kiss-o'-death %s%s", answer.KissCode, kissText(answer.KissCode)))
	}
	id := ntp.ReferenceID{byte(answer.ReferenceID >> 24), byte(answer.ReferenceID >> 16), byte(answer.ReferenceID >> 8), byte(answer.ReferenceID)}
	return Reading{
		At:     answer.Timestamps.ClientRecv.Round(0),
		Offset: answer.ClockOffset, Delay: answer.RTT, Timed: true,
		Error: answer.RTT/2 + answer.Precision + answer.RootDelay/2 + answer.RootDispersion,
		NTP: &NTP{
			Version: answer.Version, Stratum: answer.Stratum, ReferenceID: id.Text(answer.Stratum), Reference: answer.ReferenceTime,
			Leap: uint8(answer.Leap), Poll: answer.Poll, Precision: answer.Precision,
			RootDelay: answer.RootDelay, RootDispersion: answer.RootDispersion,
			Problem: answer.Validate(),
		},
	}, nil
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
