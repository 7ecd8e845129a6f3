package chat_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sync/atomic"
	"testing"

	"parley"
	"parley/chat"
	"parley/service/servicetest"
)

// newServedHub is a hub whose clients hear of nobody, as the suite expects of its
// peers: each is in a room of its own.
func newServedHub() parley.Service {
	h := &chat.Hub{Hello: -1, Flood: chat.Flood{Burst: -1}}
	if err := h.Start(context.Background()); err != nil {
		panic(err)
	}
	return h
}

// answer finds an answer of whole lines.
func answer(expr string) func([]byte) (int, error) {
	re := regexp.MustCompile("^(" + expr + ")")
	return func(got []byte) (int, error) {
		if m := re.Find(got); m != nil {
			return len(m), nil
		}
		if bytes.Count(got, []byte("\n")) > 3 {
			return 0, fmt.Errorf("got %q, want it to match %q", got, expr)
		}
		return 0, nil
	}
}

// TestService runs clients of the protocol through the suite that any service
// has to pass, over every transport.
func TestService(t *testing.T) {
	var calls atomic.Int64
	dialogue := func(int) servicetest.Dialogue {
		peer := calls.Add(1)
		name := fmt.Sprintf("peer%d", peer)
		room := fmt.Sprintf("room%d", peer)
		return servicetest.Dialogue{Steps: []servicetest.Step{
			{Send: fmt.Sprintf("PARLEY 1 token=%s name=%s\n", token(name), name), Check: answer("PARLEY 1 name=[a-z0-9-]+ .*\n")},
			{Send: "JOIN " + room + "\n", Check: answer("LIVE " + room + " [0-9]+ 1\n")},
			{Send: "PING one\n", Want: "PONG one\n"},
			{Send: "FROB\n", Want: "ERR FROB unknown-verb :no such verb\n"},
		}}
	}
	servicetest.Test(t, newServedHub, servicetest.Options{Dialogue: dialogue})
}
