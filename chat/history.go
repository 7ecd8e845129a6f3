package chat

import (
	"fmt"
	"strconv"
	"time"

	"parley/chat/command"
	"parley/chat/text"
	"parley/chat/wire"
)

// past is a client's PAST: a page of history.
func (p *person) past(m *member, l wire.Line) {
	tag := l.Word(0)
	q, r := pastQuery(l)
	if r != nil {
		m.send(problem(wire.VerbPast, r, "tag="+tag))
		return
	}
	page, more, err := p.hub.log.Read(p.hub.ctx, q)
	if err != nil {
		m.send(problem(wire.VerbPast, unreadable(err), "tag="+tag))
		return
	}
	var line []byte
	at := q.After
	for i := range page {
		line = wire.AppendPast(line[:0], tag, page[i], at)
		if !m.try(line) {
			more = true
			break
		}
		at = page[i].Seq
	}
	end := wire.PastDone
	if more {
		end = wire.PastMore
	}
	m.send(words(wire.VerbEnd, wire.VerbPast, tag, strconv.FormatUint(at, 10), end))
}

// pastQuery reads what a PAST asks for.
func pastQuery(l wire.Line) (Query, *refusal) {
	room, err := text.Room(l.Word(1))
	if err != nil {
		return Query{}, badRoom(err)
	}
	if !wire.IsTag(l.Word(0)) {
		return Query{}, &refusal{wire.CodeBadLine, "the TAG is 1 to 32 of A-Z a-z 0-9 - _"}
	}
	var values [4]uint64
	for i, key := range []string{"after", "before", "since", "last"} {
		if values[i], _, err = l.Uint(key); err != nil {
			return Query{}, badLine(err)
		}
	}
	q := Query{Room: room, After: values[0], Before: values[1], Last: int(min(values[3], 1<<30))}
	if since := values[2]; since > 0 {
		q.Since = time.UnixMilli(int64(min(since, 1<<50)))
	}
	return q, nil
}

// plainHistory shows a plain peer what was said in its room.
func (p *person) plainHistory(m *member, cmd command.Command) {
	if len(p.seats) == 0 {
		m.notify("you are in no room, /join one")
		return
	}
	q := Query{Room: p.seats[0].room.name, Last: cmd.Count}
	now := time.Now()
	if cmd.Since > 0 {
		q.Since = now.Add(-cmd.Since)
	}
	shown := 0
	for more := true; more; {
		page, again, err := p.hub.log.Read(p.hub.ctx, q)
		if err != nil {
			m.notify(unreadable(err).text)
			return
		}
		for i := range page {
			if !m.try(appendOld(nil, &page[i], now)) {
				m.notify(fmt.Sprintf("that was %d of them; you do not read as fast as they come", shown))
				return
			}
			shown++
			q.After = page[i].Seq
		}
		q.Last = max(0, cmd.Count-shown)
		more = again && len(page) > 0 && q.Last > 0
	}
	if shown == 0 {
		m.notify("nothing was said here")
	}
}
