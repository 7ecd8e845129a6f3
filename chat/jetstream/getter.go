package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A getter asks for stored messages by direct gets, which any replica answers
// and which leave nothing on the server. All answers come to one inbox. It is
// safe for concurrent use.
type getter struct {
	nc      *nats.Conn
	inbox   string
	gone    <-chan struct{} // closed with the link
	batches bool            // the server answers with several messages and counts; since 2.11

	mu      sync.Mutex
	turn    uint64
	waiting map[string]chan *nats.Msg // by the end of the reply subject
}

// A getRequest is the body of a direct get.
type getRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"` // instead of Seq
	NextFor   string     `json:"next_by_subj,omitempty"`
	LastFor   string     `json:"last_by_subj,omitempty"`
	MultiLast []string   `json:"multi_last,omitempty"`
	Batch     int        `json:"batch,omitempty"`
	MaxBytes  int        `json:"max_bytes,omitempty"`
}

const getSubject = "$JS.API.DIRECT.GET." + streamName

// errNone is the answer when there is no such message.
var errNone = errors.New("no message")

// errTooMany is the answer when there are more than a server sends.
var errTooMany = errors.New("too many messages")

// maxGet is how many messages one request brings at most.
const maxGet = 1024

func newGetter(k *link) (*getter, error) {
	g := &getter{
		nc:      k.nc,
		inbox:   k.nc.NewInbox() + ".",
		gone:    k.gone,
		batches: serverAtLeast(k, 2, 11),
		waiting: make(map[string]chan *nats.Msg),
	}
	_, err := k.nc.Subscribe(g.inbox+"*", g.receive) // until the connection is closed
	return g, err
}

// receive hands an answer to who waits for it.
func (g *getter) receive(msg *nats.Msg) {
	g.mu.Lock()
	ch := g.waiting[strings.TrimPrefix(msg.Subject, g.inbox)]
	g.mu.Unlock()
	select {
	case ch <- msg:
	default: // nobody waits, or more came than was asked for
	}
}

// get sends a request. ch gets the answers, at most maxGet and the end, until done
// is called.
func (g *getter) get(r *getRequest) (ch <-chan *nats.Msg, done func(), err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, nil, err
	}
	answers := make(chan *nats.Msg, min(max(r.Batch, 1), maxGet)+2)
	if r.MultiLast != nil {
		answers = make(chan *nats.Msg, maxGet+2)
	}
	g.mu.Lock()
	g.turn++
	turn := strconv.FormatUint(g.turn, 10)
	g.waiting[turn] = answers
	g.mu.Unlock()
	done = func() {
		g.mu.Lock()
		delete(g.waiting, turn)
		g.mu.Unlock()
	}
	if err := g.nc.PublishRequest(getSubject, g.inbox+turn, body); err != nil {
		done()
		return nil, nil, unreachable(err)
	}
	return answers, done, nil
}

// one is a single message.
func (g *getter) one(ctx context.Context, r *getRequest) (*nats.Msg, error) {
	ch, done, err := g.get(r)
	if err != nil {
		return nil, err
	}
	defer done()
	msg, err := g.next(ctx, ch)
	if err != nil {
		return nil, err
	}
	return msg, statusError(msg)
}

// many is up to r.Batch messages, and how many there are after them; errNone if
// there are none.
func (g *getter) many(ctx context.Context, r *getRequest) (msgs []*nats.Msg, pending uint64, err error) {
	ch, done, err := g.get(r)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	for {
		msg, err := g.next(ctx, ch)
		if err != nil {
			return nil, 0, err
		}
		if msg.Header.Get("Status") == "204" {
			pending, err = number(msg, "Nats-Num-Pending")
			return msgs, pending, err
		}
		if err := statusError(msg); err != nil {
			return nil, 0, err
		}
		msgs = append(msgs, msg)
	}
}

// getTimeout bounds a request for messages.
const getTimeout = 5 * time.Second

// next is the next answer to a request.
func (g *getter) next(ctx context.Context, ch <-chan *nats.Msg) (*nats.Msg, error) {
	timer := time.NewTimer(getTimeout)
	defer timer.Stop()
	select {
	case msg := <-ch:
		return msg, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.gone:
		return nil, errClosed
	case <-timer.C:
		return nil, errNoAnswer
	}
}

// statusError is the error that msg says instead of a message.
func statusError(msg *nats.Msg) error {
	switch status := msg.Header.Get("Status"); status {
	case "":
		return nil
	case "404":
		return errNone
	case "413":
		return errTooMany
	case "503":
		return errNoStream
	default:
		return fmt.Errorf("the stream answers %s %s", status, msg.Header.Get("Description"))
	}
}

func number(msg *nats.Msg, header string) (uint64, error) {
	v, err := strconv.ParseUint(msg.Header.Get(header), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("bad %s: %w", header, err)
	}
	return v, nil
}
