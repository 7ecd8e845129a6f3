package main

import (
	"context"
	"errors"
	"net"

	"github.com/spf13/cobra"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// hostInside is the endpoint by which a host takes part in what it serves.
const hostInside = "mem:parley-chat-host"

// chatHost is a hall and the server of it, in the process of somebody who takes
// part in it.
type chatHost struct {
	env    *env
	hall   *hall
	server *parley.Server
	served chan struct{} // closed when Serve has returned
	err    error         // of Serve; read after served is closed
}

// chatHallConfig is the hall of a host: the parameters of its targets, and flags.
func (f *chatFlags) hallConfig(cmd *cobra.Command, places []endpoint.Target) (hallConfig, error) {
	params := ""
	var c hallConfig
	for i, place := range places {
		svc, err := hallKind().Make(place)
		if err != nil {
			return c, usageError{err: err}
		}
		own := place.WithEndpoint(endpoint.Endpoint{}).String()
		if i > 0 && own != params {
			return c, usageErrorf(cmd, "%s and %s have other parameters, and share a chat: say the same at both", places[0], place)
		}
		params = own
		if closed, ok := svc.(closedHall); ok {
			c = closed.config
		}
	}
	if f.store != "" && c.nats != "" || f.nats != "" && c.store != "" || f.store != "" && c.store != "" || f.nats != "" && c.nats != "" {
		return c, usageErrorf(cmd, "--store and --nats do not go together with a parameter that says the same")
	}
	if f.store != "" {
		c.store = f.store
	}
	if f.nats != "" {
		c.nats = f.nats
	}
	return c, nil
}

// openChatHost opens the hall, and every endpoint or none. The caller closes it.
func (e *env) openChatHost(ctx context.Context, c hallConfig, places []endpoint.Target) (*chatHost, error) {
	hall, err := e.openHall(ctx, c)
	if err != nil {
		return nil, err
	}
	h := &chatHost{env: e, hall: hall, server: new(parley.Server), served: make(chan struct{})}
	if hall.warning != "" {
		e.warn("%s", hall.warning)
	}
	var errs []error
	for _, place := range places {
		errs = append(errs, h.server.Listen(ctx, hall.hub, place.Endpoint.String()))
	}
	errs = append(errs, h.server.Listen(ctx, hall.hub, hostInside))
	if err := errors.Join(errs...); err != nil {
		e.report(err) // while what is open tells a hint who holds it
		h.server.Close()
		hall.close()
		return nil, exitError{status: statusFailed}
	}
	h.announce()
	go h.serve() // ends when the server does
	return h, nil
}

func (h *chatHost) serve() {
	defer close(h.served)
	if err := h.server.Serve(); !errors.Is(err, parley.ErrServerClosed) {
		h.err = err
	}
}

func (h *chatHost) announce() {
	for _, s := range h.server.Stats() {
		if s.Endpoint.Scheme != "mem" {
			h.env.announceChat(s.Endpoint, madePin(s), "")
		}
	}
}

// where is the first endpoint that others come to.
func (h *chatHost) where() endpoint.Endpoint { return printed(h.server.Stats()[0].Endpoint) }

// dial connects to the hall from within.
func (h *chatHost) dial(ctx context.Context) (net.Conn, error) {
	return transport.Dial(ctx, endpoint.MustParse(hostInside))
}

// close ends the conversation for all: they are told, what they have said is
// stored, and their sessions end. It takes DrainTime at most; less once now is closed.
func (h *chatHost) close(now <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), parley.DrainTime)
	defer cancel()
	go hurry(ctx, cancel, now) // ends with ctx
	h.hall.hub.Goodbye()
	h.server.Shutdown(ctx)
	<-h.served
	return errors.Join(h.err, h.hall.close())
}

// hurry cancels ctx once now is closed.
func hurry(ctx context.Context, cancel context.CancelFunc, now <-chan struct{}) {
	select {
	case <-now:
		cancel()
	case <-ctx.Done():
	}
}
