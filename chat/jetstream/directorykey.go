package jetstream

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"parley/chat"
	"parley/chat/text"
)

// A presence is the value of a name's key, and of a hub's, which has only Hub.
type presence struct {
	Hub    string   `json:"hub"`
	Name   string   `json:"name,omitempty"`
	Author string   `json:"author,omitempty"`
	Rooms  []string `json:"rooms,omitempty"`
	Claim  uint64   `json:"claim,omitempty"` // revision of the claim; 0 is this one
	Again  bool     `json:"again,omitempty"` // claimed again by a hub that came back
	Why    string   `json:"why,omitempty"`   // in what erases a key
}

func (p *presence) chat() chat.Presence {
	return chat.Presence{Name: p.Name, Author: p.Author, Rooms: p.Rooms}
}

// The keys of the bucket.
const (
	nameKeys = "name."
	hubKeys  = "hub."
)

func hubKey(id string) string { return hubKeys + id }

// nameKey is the key of a name: as names are compared, with each byte but
// letters, digits, _ and - written as = and two hexadecimal digits.
func nameKey(name string) string {
	var b strings.Builder
	b.WriteString(nameKeys)
	for _, c := range []byte(text.Fold(name)) {
		if plain(c) || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// locks are locks of keys whose holders may be waited for no longer than a
// context lasts.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock takes a key until unlock is called.
func (l *locks) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		other := l.held[key]
		if other == nil {
			mine := make(chan struct{})
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			l.held[key] = mine
			l.mu.Unlock()
			return func() { l.unlock(key, mine) }, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *locks) unlock(key string, mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, key)
	close(mine)
}
