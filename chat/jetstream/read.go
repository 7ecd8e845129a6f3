package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/chat"
	"parley/chat/wire"
)

// Read implements [chat.Log]. It needs no state on the server or here: messages
// come by direct gets, and the last n are found by counting.
func (l *Log) Read(ctx context.Context, q chat.Query) (page []wire.Message, more bool, err error) {
	err = l.read(ctx, "read "+q.Room, func(k *link) error {
		r := reader{log: l, link: k, subject: subject(q.Room), q: q}
		page, more, err = r.page(ctx)
		return err
	})
	return page, more, err
}

// Last implements [chat.Log].
func (l *Log) Last(ctx context.Context, room string) (seq uint64, err error) {
	err = l.read(ctx, "last of "+room, func(k *link) error {
		var msg *nats.Msg
		msg, err = k.gets.one(ctx, &getRequest{LastFor: subject(room)})
		if errors.Is(err, errNone) {
			seq, err = 0, nil
		} else if err == nil {
			seq, err = number(msg, "Nats-Sequence")
		}
		seq = max(seq, l.last.of(room))
		return err
	})
	return seq, err
}

// Rooms implements [chat.Log].
func (l *Log) Rooms(ctx context.Context) (rooms map[string]uint64, err error) {
	err = l.read(ctx, "rooms", func(k *link) error {
		rooms, err = k.rooms(ctx)
		return err
	})
	for name := range rooms {
		rooms[name] = max(rooms[name], l.last.of(name))
	}
	return rooms, err
}

// read calls f with the link, and again if the link was replaced meanwhile.
func (l *Log) read(ctx context.Context, what string, f func(*link) error) error {
	for {
		k := l.link.Load()
		err := f(k)
		switch { // what a server answers that is being closed is not to be believed
		case err == nil && !k.isGone():
			return nil
		case k.isGone() && l.awaitReplaced(ctx, k):
			continue
		case err == nil:
			err = errClosed
		}
		return fmt.Errorf("chat log %s: %s: %w", l.config.where(), what, err)
	}
}

// awaitReplaced waits for what takes the place of a closed link, and reports
// whether it has come.
func (l *Log) awaitReplaced(ctx context.Context, k *link) bool {
	timer := time.NewTimer(getTimeout)
	defer timer.Stop()
	select {
	case <-k.replaced:
		return true
	case <-l.base.Done():
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// rooms are the rooms that have messages, with the Seq of the last of each where
// the server tells them all at once.
func (k *link) rooms(ctx context.Context) (map[string]uint64, error) {
	stream, err := k.js.Stream(ctx, streamName)
	if err != nil {
		return nil, err
	}
	info, err := stream.Info(ctx, natsjs.WithSubjectFilter(allRooms))
	if err != nil {
		return nil, err
	}
	rooms := make(map[string]uint64, len(info.State.Subjects))
	for s := range info.State.Subjects {
		if name, err := room(s); err == nil {
			rooms[name] = 0
		}
	}
	if len(rooms) == 0 || len(rooms) > maxGet || !k.gets.batches {
		return rooms, nil
	}
	lasts, _, err := k.gets.many(ctx, &getRequest{MultiLast: []string{allRooms}})
	if errors.Is(err, errNone) || errors.Is(err, errTooMany) {
		return rooms, nil
	}
	for _, msg := range lasts {
		name, nameErr := room(msg.Header.Get("Nats-Subject"))
		seq, seqErr := number(msg, "Nats-Sequence")
		if nameErr == nil && seqErr == nil {
			rooms[name] = seq
		}
	}
	return rooms, err
}

// A reader answers one Query.
type reader struct {
	log     *Log
	link    *link
	subject string
	q       chat.Query
}

// page is what was asked for.
func (r *reader) page(ctx context.Context) ([]wire.Message, bool, error) {
	from, err := r.start(ctx)
	if errors.Is(err, errNone) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	p := page{before: r.q.Before, limit: min(r.q.Limit, chat.PageMessages)}
	if p.limit <= 0 {
		p.limit = chat.PageMessages
	}
	for promised := false; ; { // promised: there were more when it was asked last
		msgs, left, err := r.next(ctx, from, p.limit+1-len(p.messages))
		if err != nil && !errors.Is(err, errNone) {
			return nil, false, err
		}
		for _, msg := range msgs {
			m, err := parseDirect(msg)
			if err != nil {
				r.log.config.log().Warn("chat log: a message cannot be read", "error", err)
			} else if !p.add(m) {
				return p.messages, p.more, nil
			}
			from = max(from, m.Seq) + 1
		}
		if len(msgs) == 0 && promised {
			return nil, false, fmt.Errorf("messages from %d on cannot be read", from)
		}
		if left == 0 || len(msgs) == 0 {
			return p.messages, false, nil
		}
		promised = r.link.gets.batches
	}
}

// start is the first Seq to read from.
func (r *reader) start(ctx context.Context) (uint64, error) {
	from := r.q.After + 1
	if !r.q.Since.IsZero() {
		since := r.q.Since.UTC()
		msg, err := r.link.gets.one(ctx, &getRequest{StartTime: &since, NextFor: r.subject})
		if err != nil {
			return 0, err
		}
		seq, err := number(msg, "Nats-Sequence")
		if err != nil {
			return 0, err
		}
		from = max(from, seq)
	}
	if r.q.Last > 0 {
		return r.lastN(ctx, from, uint64(r.q.Last))
	}
	return from, nil
}

// next is up to n messages of the room from a Seq on, and how many are left after
// them. A replica may not have yet what is known to be stored: then the leader is asked.
func (r *reader) next(ctx context.Context, from uint64, n int) ([]*nats.Msg, uint64, error) {
	if !r.link.gets.batches {
		return r.nextOne(ctx, from)
	}
	msgs, left, err := r.link.gets.many(ctx, &getRequest{
		Seq: from, NextFor: r.subject, Batch: min(n, maxGet), MaxBytes: 2 * chat.PageBytes,
	})
	if err != nil && !errors.Is(err, errNone) || left > 0 {
		return msgs, left, err
	}
	end := from - 1
	if len(msgs) > 0 {
		if end, err = number(msgs[len(msgs)-1], "Nats-Sequence"); err != nil {
			return nil, 0, err
		}
	}
	if !r.behind(end) {
		return msgs, 0, err
	}
	more, err := r.link.fromLeader(ctx, r.subject, end+1)
	if more == nil {
		return msgs, 0, err
	}
	return append(msgs, more), 1, err
}

// behind reports whether there is more in the room after end, and asked for.
func (r *reader) behind(end uint64) bool {
	known := r.log.last.of(r.q.Room)
	return r.link.inner == nil && end < known && (r.q.Before == 0 || end+1 < r.q.Before)
}

// nextOne is next for a server that sends one message at a time. Whether more are
// left shows when they are asked for.
func (r *reader) nextOne(ctx context.Context, from uint64) ([]*nats.Msg, uint64, error) {
	msg, err := r.link.gets.one(ctx, &getRequest{Seq: from, NextFor: r.subject})
	if errors.Is(err, errNone) && r.behind(from-1) {
		msg, err = r.link.fromLeader(ctx, r.subject, from)
	}
	if err != nil || msg == nil {
		return nil, 0, err
	}
	return []*nats.Msg{msg}, 1, nil
}

// fromLeader is the first message of a subject from a Seq on as the leader of the
// stream has it, or nil.
func (k *link) fromLeader(ctx context.Context, subject string, from uint64) (*nats.Msg, error) {
	body, err := json.Marshal(&getRequest{Seq: from, NextFor: subject})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	answered, err := k.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+streamName, body)
	if err != nil {
		return nil, unreachable(err)
	}
	var a struct {
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	const noMessage = 10037
	switch err := json.Unmarshal(answered.Data, &a); {
	case err != nil:
		return nil, err
	case a.Error != nil && a.Error.Code == noMessage:
		return nil, nil
	case a.Error != nil:
		return nil, errors.New(a.Error.Description)
	case a.Message == nil:
		return nil, errors.New("the stream answers without a message")
	}
	return &nats.Msg{Data: a.Message.Data, Header: nats.Header{
		"Nats-Subject":    {a.Message.Subject},
		"Nats-Sequence":   {fmt.Sprint(a.Message.Seq)},
		"Nats-Time-Stamp": {a.Message.Time.Format(time.RFC3339Nano)},
	}}, nil
}

// parseDirect is the message that a direct get brought. With an error it has its
// Seq, if that can be read.
func parseDirect(msg *nats.Msg) (wire.Message, error) {
	seq, err := number(msg, "Nats-Sequence")
	if err != nil {
		return wire.Message{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
	if err != nil {
		return wire.Message{Seq: seq}, err
	}
	m, err := decode(msg.Header.Get("Nats-Subject"), seq, at, msg.Data)
	m.Seq = seq
	return m, err
}

// A page gathers what a Query asks for.
type page struct {
	before   uint64
	limit    int
	messages []wire.Message
	size     int // of the texts
	more     bool
}

// add takes m, or reports that the page ends before it.
func (p *page) add(m wire.Message) bool {
	if p.before != 0 && m.Seq >= p.before {
		return false
	}
	if len(p.messages) > 0 && (len(p.messages) >= p.limit || p.size+len(m.Text) > chat.PageBytes) {
		p.more = true
		return false
	}
	p.messages = append(p.messages, m)
	p.size += len(m.Text)
	return true
}
