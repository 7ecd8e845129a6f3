package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"parley/chat"
)

// tellQueue is how many private messages wait for the hub; more are dropped,
// and their senders told after a time that nobody answers.
const tellQueue = 1024

func tellSubject(hub string) string { return "parley.chat.tell." + hub }

// A tellRequest is a private message between hubs.
type tellRequest struct {
	To     string `json:"to"`
	Name   string `json:"name"`
	Author string `json:"author"`
	ID     uint64 `json:"id"`
	Text   string `json:"text"`
}

// A tellAnswer is empty if the message was handed over.
type tellAnswer struct {
	Nobody bool   `json:"nobody,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Tell implements [chat.Directory]. It waits at most 3 s for an answer; without one
// the error matches [chat.ErrNobody] though the message may have been handed
// over. A name of this hub is nobody's elsewhere.
func (d *Directory) Tell(ctx context.Context, to string, p chat.Private) error {
	ctx, cancel := context.WithTimeout(ctx, d.tellFor)
	defer cancel()
	hub := d.hubOf(to)
	err := error(chat.ErrNobody)
	if hub != "" {
		err = d.ask(ctx, hub, tellRequest{to, p.Name, p.Author, p.ID, p.Text})
	}
	if errors.Is(err, chat.ErrNobody) && ctx.Err() == nil { // he may have gone elsewhere just now
		now, lookErr := d.lookUp(ctx, to)
		if lookErr == nil && now != "" && now != hub {
			err = d.ask(ctx, now, tellRequest{to, p.Name, p.Author, p.ID, p.Text})
		}
	}
	if err != nil {
		return d.failed("tell", to, err)
	}
	return nil
}

// hubOf is the living hub that has a name, as far as is known here.
func (d *Directory) hubOf(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.others.seats[nameKey(name)]; d.others.live(s.Hub) {
		return s.Hub
	}
	return ""
}

// lookUp is the other hub that has a name, as the bucket says.
func (d *Directory) lookUp(ctx context.Context, name string) (string, error) {
	d.mu.Lock()
	b := d.bucket
	d.mu.Unlock()
	if b == nil {
		return "", errDirectory
	}
	c, err := b.look(ctx, nameKey(name))
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || c.erased || c.Hub == d.id || d.others.dead(c.Hub) {
		return "", err
	}
	return c.Hub, nil
}

// ask hands r over to a hub.
func (d *Directory) ask(ctx context.Context, hub string, r tellRequest) error {
	if !d.nc.IsConnected() { // it would be sent later, when the sender has given up
		return nats.ErrDisconnected
	}
	request, err := json.Marshal(r)
	if err != nil {
		return err
	}
	m, err := d.nc.RequestWithContext(ctx, tellSubject(hub), request)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return chat.ErrNobody
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer: %w", chat.ErrNobody)
	case err != nil:
		return err
	}
	var a tellAnswer
	switch err := json.Unmarshal(m.Data, &a); {
	case err != nil:
		return fmt.Errorf("answer: %w", err)
	case a.Nobody:
		return chat.ErrNobody
	case a.Error != "":
		return errors.New(a.Error)
	}
	return nil
}

// hear answers what other hubs tell until ctx ends.
func (d *Directory) hear(ctx context.Context, sub *nats.Subscription, told <-chan *nats.Msg) {
	defer sub.Unsubscribe()
	for {
		select {
		case m := <-told:
			if m == nil { // the connection is closed
				return
			}
			answer, _ := json.Marshal(d.deliver(m.Data))
			m.Respond(answer)
		case <-ctx.Done():
			return
		}
	}
}

// deliver passes a private message to the hub.
func (d *Directory) deliver(request []byte) tellAnswer {
	var r tellRequest
	if err := json.Unmarshal(request, &r); err != nil {
		return tellAnswer{Error: "request: " + err.Error()}
	}
	var err error
	d.alone(func() {
		err = d.on.Told(r.To, chat.Private{Name: r.Name, Author: r.Author, ID: r.ID, Text: r.Text})
	})
	switch {
	case err == nil:
		return tellAnswer{}
	case errors.Is(err, chat.ErrNobody):
		return tellAnswer{Nobody: true}
	}
	return tellAnswer{Error: err.Error()}
}
