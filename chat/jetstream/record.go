package jetstream

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/chat/wire"
)

// A record is the payload of a message in the stream. Its room is the subject,
// its Seq and Time are the stream's.
type record struct {
	Name   string    `json:"name"`
	Author string    `json:"author"`
	ID     uint64    `json:"id"`
	Kind   wire.Kind `json:"kind,omitempty"` // none is wire.Say
	Text   string    `json:"text"`
}

// encode is the payload of m.
func encode(m *wire.Message) ([]byte, error) {
	r := record{Name: m.Name, Author: m.Author, ID: m.ID, Kind: m.Kind, Text: m.Text}
	if r.Kind == wire.Say {
		r.Kind = ""
	}
	return json.Marshal(r)
}

// decode is the message that was stored as payload.
func decode(subject string, seq uint64, at time.Time, payload []byte) (wire.Message, error) {
	name, err := room(subject)
	if err != nil {
		return wire.Message{}, err
	}
	var r record
	if err := json.Unmarshal(payload, &r); err != nil {
		return wire.Message{}, fmt.Errorf("message %d: %w", seq, err)
	}
	if r.Kind == "" {
		r.Kind = wire.Say
	}
	return wire.Message{
		Room: name, Seq: seq, Time: at.UTC().Truncate(time.Millisecond),
		Name: r.Name, Author: r.Author, ID: r.ID, Kind: r.Kind, Text: r.Text,
	}, nil
}

// messageID is by what the stream knows m again.
func messageID(m *wire.Message) string { return fmt.Sprintf("%s.%d", m.Author, m.ID) }
