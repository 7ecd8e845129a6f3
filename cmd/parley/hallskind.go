package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"parley"
	"parley/chat"
	"parley/chat/text"
	"parley/endpoint"
	"parley/service"
)

// kinds are the services of parley serve.
func kinds() []service.Kind {
	return append(append(service.All(), clockKinds()...), hallKind())
}

// hallKind is chat as a service. What it makes is a [closedHall], since nothing is
// opened while words are read.
func hallKind() service.Kind {
	k := service.Kind{
		Name:    "chat",
		Summary: "rooms of people, with their history, for any program",
		Default: []string{"chat@tcp://127.0.0.1:9527", "chat@udp://127.0.0.1:9528", "chat@ws://127.0.0.1:8081/chat"},
		New: func(t endpoint.Target) (parley.Service, error) {
			c, err := hallConfigOf(t)
			return closedHall{c}, err
		},
	}
	for _, p := range hallParams {
		k.Params = append(k.Params, p.Param)
	}
	return k
}

// A closedHall stands for the hub of a hall until that is open.
type closedHall struct{ config hallConfig }

func (closedHall) String() string { return "chat" }

// Serve is not called: nothing is served before its hall is open.
func (closedHall) Serve(*parley.Conn, []byte) error { return errHallClosed }

var errHallClosed = errors.New("the chat is not open")

// A hallParam is a parameter of the service chat, which sets and shows a part of
// a hallConfig.
type hallParam struct {
	service.Param
	set  func(c *hallConfig, value string) error
	show func(c hallConfig) string // the same for the same meaning
}

// hallParams are the parameters, in the order of documentation.
var hallParams = []hallParam{
	{service.Param{Name: "store", Summary: "directory of the history, or none: it is kept in memory; default the user's own"},
		func(c *hallConfig, v string) error { c.store = v; return nil },
		func(c hallConfig) string { return c.store }},
	{service.Param{Name: "nats", Summary: "URL of a NATS server or cluster that keeps it instead"},
		func(c *hallConfig, v string) error { c.nats = v; return nil },
		func(c hallConfig) string { return withoutPassword(c.nats) }},
	{service.Param{Name: "creds", Summary: "file of credentials for nats"},
		func(c *hallConfig, v string) error { c.credentials = v; return nil },
		func(c hallConfig) string { return c.credentials }},
	{service.Param{Name: "ca", Summary: "file of the authorities that vouch for nats"},
		func(c *hallConfig, v string) error { c.ca = v; return nil },
		func(c hallConfig) string { return c.ca }},
	{service.Param{Name: "replicas", Default: "3", Summary: "servers of a NATS cluster that keep each message"},
		func(c *hallConfig, v string) error { return setNumber(&c.replicas, v, 1, 5) },
		func(c hallConfig) string { return strconv.Itoa(c.replicas) }},
	{service.Param{Name: "age", Default: "365d; store=none for ever", Summary: "how long messages are kept, 0 is for ever"},
		func(c *hallConfig, v string) (err error) { return setLimit(&c.age, v, endpoint.ParseDuration) },
		func(c hallConfig) string { return c.age.String() }},
	{service.Param{Name: "count", Default: "100000; store=none 10000", Summary: "messages kept of each room, 0 is all"},
		func(c *hallConfig, v string) error { return setLimit(&c.count, v, parseCount) },
		func(c hallConfig) string { return strconv.FormatInt(c.count, 10) }},
	{service.Param{Name: "size", Default: "1GiB; store=none 4MiB", Summary: "bytes kept of all rooms, store=none of each, 0 is no limit"},
		func(c *hallConfig, v string) error { return setLimit(&c.size, v, endpoint.ParseSize) },
		func(c hallConfig) string { return strconv.FormatInt(c.size, 10) }},
	{service.Param{Name: "acceptloss", Default: "0", Summary: "1: open a damaged store with what can be read of it"},
		func(c *hallConfig, v string) error { return setSwitch(&c.acceptLoss, v) },
		func(c hallConfig) string { return strconv.FormatBool(c.acceptLoss) }},
	{service.Param{Name: "log", Default: "0", Summary: "1: the chat stands in the server's log"},
		func(c *hallConfig, v string) error { return setSwitch(&c.log, v) },
		func(c hallConfig) string { return strconv.FormatBool(c.log) }},
	{service.Param{Name: "lobby", Default: "lobby", Summary: "the room where people meet"},
		func(c *hallConfig, v string) (err error) { c.lobby, err = text.Room(v); return err },
		func(c hallConfig) string { return c.lobby }},
	{service.Param{Name: "replay", Default: "0", Summary: "messages shown to a plain peer that joins a room"},
		func(c *hallConfig, v string) error { return setNumber(&c.replay, v, 0, 500) },
		func(c hallConfig) string { return strconv.Itoa(c.replay) }},
	{service.Param{Name: "flood", Default: "400/20", Summary: "BURST/RATE: lines that one may send at once, and a second; 0 is any"},
		func(c *hallConfig, v string) (err error) { c.flood, err = parseFlood(v); return err },
		func(c hallConfig) string { return fmt.Sprint(c.flood) }},
}

// hallConfigOf reads the parameters of a target. Those that it does not know are
// left to [service.Kind.Make], which has refused them.
func hallConfigOf(t endpoint.Target) (hallConfig, error) {
	var c hallConfig
	for _, p := range hallParams {
		v, ok := t.Param(p.Name)
		switch {
		case !ok:
			continue
		case v == "" && p.Name != "log" && p.Name != "acceptloss": // switches: named is on
			return c, &paramError{p.Name, errors.New("is empty")}
		}
		if err := p.set(&c, v); err != nil {
			return c, &paramError{p.Name, err}
		}
	}
	if c.nats == "" {
		return c, needsNATS(t)
	}
	if c.store != "" {
		return c, &paramError{"store", errors.New("does not go together with nats: the history is kept there")}
	}
	return c, nil
}

// needsNATS refuses parameters that mean nothing without nats.
func needsNATS(t endpoint.Target) error {
	for _, name := range []string{"creds", "ca", "replicas"} {
		if _, ok := t.Param(name); ok {
			return &paramError{name, errors.New("is for a history that is kept by a NATS server: nats=URL is missing")}
		}
	}
	return nil
}

// A paramError is what is wrong with a parameter.
type paramError struct {
	name string
	err  error
}

func (e *paramError) Error() string { return fmt.Sprintf("parameter %s: %v", e.name, e.err) }
func (e *paramError) Unwrap() error { return e.err }

// setLimit reads a limit whose 0 is off, which is negative in a config.
func setLimit[T ~int64](to *T, v string, parse func(string) (T, error)) error {
	n, err := parse(v)
	if err != nil {
		return err
	}
	if n == 0 {
		n = -1
	}
	*to = n
	return nil
}

func setNumber(to *int, v string, low, high int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return fmt.Errorf("want a number from %d to %d, not %q", low, high, v)
	}
	*to = n
	return nil
}

func setSwitch(to *bool, v string) (err error) {
	*to, err = endpoint.ParseBool(v)
	return err
}

func parseCount(v string) (int64, error) {
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("want a number from 0 to %d, not %q", math.MaxInt32, v)
	}
	return int64(n), nil
}

// parseFlood reads BURST/RATE; 0 is no limit.
func parseFlood(v string) (chat.Flood, error) {
	if v == "0" {
		return chat.Flood{Burst: -1, PerSecond: -1}, nil
	}
	burst, rate, _ := strings.Cut(v, "/")
	n, err := strconv.ParseUint(burst, 10, 31)
	perSecond, err2 := strconv.ParseFloat(rate, 64)
	if err != nil || err2 != nil || n == 0 || !(perSecond > 0 && perSecond <= math.MaxInt32) {
		return chat.Flood{}, fmt.Errorf("want BURST/RATE such as 400/20, or 0, not %q", v)
	}
	return chat.Flood{Burst: int(n), PerSecond: perSecond}, nil
}
