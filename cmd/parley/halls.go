package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"parley/chat"
	"parley/chat/jetstream"
)

// storeNone is the store that keeps messages in memory.
const storeNone = "none"

// A hallConfig says how the chat of a hall is kept. In its numbers 0 is the
// default and a negative one switches off.
type hallConfig struct {
	store string // a directory or storeNone; "" is the user's own, see defaultStore
	nats  string // the URL of a NATS server, in place of a store

	credentials string // file for nats, "" is none
	ca          string // file for nats, "" is the system's

	age        time.Duration // how long messages are kept
	count      int64         // how many of a room
	size       int64         // in bytes
	replicas   int           // how many servers of a cluster keep a message
	acceptLoss bool          // open a damaged store with what can be read of it

	lobby  string // where people meet
	replay int    // messages shown to a plain peer that joins
	flood  chat.Flood

	log        bool              // parley serve writes the chat to its log
	transcript func(text string) // is told each message, join and leave; nil is off
	logger     *slog.Logger      // what the store says; nil is not said
}

// A hall is one chat: its hub, and the log where that keeps its messages. Several
// listeners may serve the same hub.
type hall struct {
	hub *chat.Hub

	name  string         // of the store, for people: a directory, a URL without secrets, none
	store *jetstream.Log // nil in memory

	// warning is what a person should know about the store, or "".
	warning string
}

// openHall opens the store and starts the hub. ctx bounds that only. The caller
// closes the hall, after what serves its hub has ended. An error is a *hallError.
func (e *env) openHall(ctx context.Context, c hallConfig) (*hall, error) {
	c, err := c.resolved(e.getenv)
	if err != nil {
		return nil, err
	}
	h := &hall{name: c.name()}
	var log chat.Log
	if c.store == storeNone {
		log = &chat.Memory{Messages: int(c.count), Bytes: c.size, Age: c.age}
	} else {
		if h.store, err = jetstream.Open(ctx, c.jetstream()); err != nil {
			return nil, &hallError{name: h.name, err: err}
		}
		log = h.store
	}
	h.hub = &chat.Hub{Log: log, Lobby: c.lobby, Replay: c.replay, Flood: c.flood, Transcript: c.transcript}
	if c.nats != "" {
		h.hub.Directory = h.store.Directory()
		h.warning = oneCopy(h.store.Replicas(), h.name)
	}
	if err := h.hub.Start(ctx); err != nil {
		return nil, &hallError{name: h.name, err: errors.Join(err, h.close())}
	}
	return h, nil
}

// oneCopy is the warning about a NATS server that keeps one copy, or "".
func oneCopy(replicas int, name string) string {
	if replicas > 1 {
		return ""
	}
	return fmt.Sprintf("%s keeps one copy of each message: what that server loses is lost; a cluster of three keeps three", name)
}

// close ends the hub and then its log.
func (h *hall) close() error {
	err := h.hub.Close()
	if h.store != nil {
		err = errors.Join(err, h.store.Close())
	}
	return err
}

// resolved is c with the store that it means: one text for each store. The error is
// a *hallError.
func (c hallConfig) resolved(getenv func(string) string) (hallConfig, error) {
	if c.nats != "" || c.store == storeNone {
		return c, nil
	}
	dir, err := c.store, error(nil)
	if dir == "" {
		dir, err = defaultStore(getenv)
	}
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return c, &hallError{name: c.name(), err: fmt.Errorf("%s: %w", c.name(), err)}
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil { // it is there already
		dir = real
	}
	c.store = dir
	return c, nil
}

// key is the same for the configs of one store. c is resolved.
func (c hallConfig) key() string {
	if c.nats != "" {
		return "nats " + c.nats
	}
	return c.store
}

// name is the store for people, without secrets.
func (c hallConfig) name() string {
	switch {
	case c.nats != "":
		return withoutPassword(c.nats)
	case c.store == "":
		return "the default store"
	}
	return c.store
}

// withoutPassword is a list of URLs with commas between, without what a password
// may stand in.
func withoutPassword(urls string) string {
	list := strings.Split(urls, ",")
	for i, one := range list {
		bare := !strings.Contains(one, "://")
		if bare {
			one = "nats://" + one
		}
		u, err := url.Parse(one)
		if err != nil || u.Host == "" || bare && u.User != nil { // a comma may have stood in a password
			return "the NATS server"
		}
		list[i] = u.Scheme + "://" + u.Host
		if bare {
			list[i] = u.Host
		}
	}
	return strings.Join(list, ",")
}

func (c hallConfig) jetstream() jetstream.Config {
	j := jetstream.Config{
		URL: c.nats, Credentials: c.credentials, CA: c.ca, Replicas: c.replicas,
		Age: c.age, RoomMessages: c.count, Bytes: c.size,
		AcceptLoss: c.acceptLoss, Log: c.logger,
	}
	if c.nats == "" {
		j.Store = c.store
	}
	return j
}

// A hallError is why a chat is not open. Its text is that of err, which says what was
// opened.
type hallError struct {
	name string // of the store
	err  error
}

func (e *hallError) Error() string { return e.err.Error() }
func (e *hallError) Unwrap() error { return e.err }
