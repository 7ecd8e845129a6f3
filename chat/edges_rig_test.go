package chat_test

import (
	"context"
	"testing"

	"parley"
	"parley/chat"
	"parley/endpoint"
)

// serveWith is serve for a hub that may fail.
func serveWith(t testing.TB, hub *chat.Hub) *rig {
	t.Helper()
	if err := hub.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, hub: hub, srv: &parley.Server{}}
	if err := r.srv.Listen(context.Background(), hub, endpoint.Endpoint{Scheme: "mem", Path: t.Name()}.String()); err != nil {
		t.Fatal(err)
	}
	r.at = r.srv.Endpoints()
	served := make(chan error, 1)
	go func() { served <- r.srv.Serve() }()
	t.Cleanup(func() {
		r.srv.Close()
		<-served
		r.hub.Close()
	})
	return r
}
