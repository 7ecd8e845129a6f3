package chat_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley"
	"parley/chat"
	"parley/chat/wire"
)

func TestStart(t *testing.T) {
	if err := (&chat.Hub{Lobby: "a room"}).Start(context.Background()); err == nil || !strings.Contains(err.Error(), "lobby") {
		t.Errorf("Start with a bad lobby: %v", err)
	}
	var h chat.Hub
	if err := h.Close(); err != nil {
		t.Errorf("Close of a hub that was not started: %v", err)
	}
	if err := h.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(context.Background()); err == nil {
		t.Error("the second Start succeeded")
	}
	h.Close()
	if err := (&chat.Hub{Log: unfollowable{}}).Start(context.Background()); !errors.Is(err, errFull) {
		t.Errorf("Start on a log that cannot be followed: %v", err)
	}
}

type unfollowable struct{ chat.Log }

func (unfollowable) Follow(context.Context, func(wire.Message)) error { return errFull }

func TestNotStarted(t *testing.T) {
	ended := make(chan error, 1)
	srv := &parley.Server{Events: func(e *parley.Event) {
		if e.Kind == parley.EventEnd {
			ended <- e.Err
		}
	}}
	if err := srv.Listen(context.Background(), new(chat.Hub), "tcp://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, hub: new(chat.Hub), srv: srv, at: srv.Endpoints()}
	r.start()
	r.dial("p").wantEnd()
	if err := <-ended; err == nil || err.Error() != "chat: the hub is not started" {
		t.Errorf("the session ended with %v", err)
	}
}

// TestCloseWaits closes a hub while its log is at what was said.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newFakeLog(t)
		log.delay = time.Second
		r := serve(t, &chat.Hub{Log: log})
		p := r.dial("p")
		p.say("one", "two")
		synctest.Wait()
		r.end()
		page, _, _ := log.memory.Read(context.Background(), chat.Query{Room: "lobby"})
		if len(page) != 2 {
			t.Errorf("%d messages are stored, want 2", len(page))
		}
	})
}
