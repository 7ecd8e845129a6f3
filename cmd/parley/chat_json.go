package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"parley/chat/client"
	"parley/chat/text"
	"parley/chat/wire"
)

// jsonFace is --json: an object a line, both ways.
type jsonFace struct {
	*chatSession
	lines map[uint64]int  // the line of a post, by its id
	rooms map[string]bool // that lines have named
}

func newJSONFace(s *chatSession) *jsonFace {
	return &jsonFace{chatSession: s, lines: make(map[uint64]int), rooms: make(map[string]bool)}
}

// jsonLine is a line of input.
type jsonLine struct {
	Text *string `json:"text"`
	Room string  `json:"room"`
	Kind string  `json:"kind"`
	To   string  `json:"to"`
}

// line posts what a line of input says.
func (f *jsonFace) line(line typed) error {
	if line.err == nil && len(bytes.TrimSpace([]byte(line.text))) == 0 {
		return nil
	}
	id, err := uint64(0), errLongJSON
	if line.err == nil {
		id, err = f.post(line.text)
	}
	if err != nil {
		f.refuseLine(line.number, err.Error())
		return f.write(map[string]any{"type": "error", "line": line.number, "text": err.Error()})
	}
	f.lines[id] = line.number
	return nil
}

var errLongJSON = fmt.Errorf("longer than %d bytes", longestJSON)

func (f *jsonFace) post(line string) (id uint64, err error) {
	in, err := parseJSONLine(line)
	if err != nil {
		return 0, err
	}
	switch {
	case in.To != "":
		return f.client.Tell(in.To, *in.Text)
	case in.Room != "":
		if in.Room, err = text.Room(in.Room); err != nil {
			return 0, err
		}
		if !f.rooms[in.Room] {
			f.rooms[in.Room] = true
			f.client.Join(in.Room) // it does nothing where we are already
		}
	}
	return f.client.Post(in.Room, wire.Kind(in.Kind), *in.Text)
}

// parseJSONLine reads one object, and nothing after it.
func parseJSONLine(line string) (in jsonLine, err error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(line)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		if err == io.ErrUnexpectedEOF {
			err = errors.New("it ends too early")
		}
		return in, fmt.Errorf("no JSON object of a message: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return in, errors.New("more than one JSON object")
	}
	switch in.Kind {
	case "":
		in.Kind = string(wire.Say)
	case string(wire.Say), string(wire.Me):
	default:
		return in, fmt.Errorf("kind %q: want say or me", in.Kind)
	}
	switch {
	case in.Text == nil:
		return in, errors.New(`there is no "text"`)
	case in.To != "" && in.Room != "":
		return in, errors.New(`"to" and "room" do not go together`)
	}
	return in, nil
}

// jsonMessage is a message as --json and chat export print it.
type jsonMessage struct {
	Type   string `json:"type,omitempty"`
	Room   string `json:"room"`
	Seq    uint64 `json:"seq"`
	Time   string `json:"time"` // RFC 3339, to the millisecond
	Name   string `json:"name"`
	Author string `json:"author"`
	ID     uint64 `json:"id"`
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Own    *bool  `json:"own,omitempty"`
	Past   *bool  `json:"past,omitempty"`
}

// timeForm is RFC 3339 to the millisecond.
const timeForm = "2006-01-02T15:04:05.000Z07:00"

func jsonTime(t time.Time) string { return t.UTC().Format(timeForm) }

func newJSONMessage(m wire.Message) jsonMessage {
	return jsonMessage{
		Room: m.Room, Seq: m.Seq, Time: jsonTime(m.Time), Name: m.Name, Author: m.Author, ID: m.ID, Kind: string(m.Kind), Text: m.Text,
	}
}

// event prints an event.
func (f *jsonFace) event(event client.Event) error {
	switch e := event.(type) {
	case client.Message:
		m := newJSONMessage(e.Message)
		m.Type, m.Own, m.Past = "message", &e.Own, &e.Past
		return f.write(m)
	case client.Delivered:
		return f.write(map[string]any{"type": "ack", "id": e.ID, "seq": e.Seq, "room": e.Room, "line": f.lineOf(e.ID)})
	case client.Refused:
		return f.write(map[string]any{"type": "refused", "id": e.ID, "room": e.Room, "code": e.Code, "text": e.Text, "line": f.lineOf(e.ID)})
	case client.Told:
		return f.write(map[string]any{"type": "told", "time": jsonTime(e.Time), "name": e.Name, "text": e.Text})
	case client.Problem:
		if err := f.problem(e); err != nil {
			return err
		}
		return f.write(map[string]any{"type": "error", "verb": e.Verb, "code": e.Code, "text": e.Text})
	}
	if o := jsonPresence(event); o != nil {
		return f.write(o)
	}
	return nil
}

// jsonPresence is an event about who is where, and about the connection; nil for
// others.
func jsonPresence(event client.Event) map[string]any {
	switch e := event.(type) {
	case client.Connected:
		return map[string]any{"type": "connected", "name": e.Name, "author": e.Self, "room": e.Lobby, "resumed": e.Resumed}
	case client.Disconnected:
		text := ""
		if e.Err != nil {
			text = e.Err.Error()
		}
		return map[string]any{"type": "disconnected", "text": text, "again_ms": e.Again.Milliseconds()}
	case client.Joined:
		return map[string]any{"type": "joined", "room": e.Room, "seq": e.Seq, "count": e.Count}
	case client.Parted:
		return map[string]any{"type": "parted", "room": e.Room}
	case client.Came:
		return map[string]any{"type": "came", "room": e.Room, "name": e.Name}
	case client.Left:
		return map[string]any{"type": "left", "room": e.Room, "name": e.Name, "why": e.Why}
	case client.Renamed:
		return map[string]any{"type": "renamed", "old": e.Old, "new": e.New, "own": e.Own}
	case client.Missed:
		return map[string]any{"type": "missed", "room": e.Room, "count": e.Count}
	case client.Notice:
		return map[string]any{"type": "notice", "text": e.Text}
	}
	return nil
}

// lineOf is the number of the line of a post, which is asked for once.
func (f *jsonFace) lineOf(id uint64) int {
	n := f.lines[id]
	delete(f.lines, id)
	return n
}

func (f *jsonFace) write(v any) error {
	b, err := marshalLine(v)
	if err != nil {
		return err
	}
	return writeOutput(f.out, b)
}

// marshalLine is v as JSON and a line feed, with < > & as they are.
func marshalLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
