package ntpserver

import (
	"sync"

	"parley/clock/ntp"
)

// A memory knows when the answers to recent requests left: what the interleaved mode
// tells with the next answer. Its key is the moment at which the request arrived, which
// the client gives back; no two that are kept are the same. So it needs no table of
// clients. It has a fixed size; the oldest are forgotten.
type memory struct {
	parts [memoryParts]memoryPart
}

const (
	memoryParts = 64  // each with a lock of its own
	memoryWays  = 512 // answers in a part
)

type memoryPart struct {
	mu   sync.Mutex
	next int
	list [memoryWays]kept
	at   map[ntp.Timestamp]int // index in list, by received
}

type kept struct{ received, left ntp.Timestamp }

// part is where received belongs: by bits that differ between requests.
func (m *memory) part(received ntp.Timestamp) *memoryPart {
	return &m.parts[uint64(received)*0x9E3779B97F4A7C15>>58] // Fibonacci hashing: 2^64 by the golden ratio
}

// note keeps that the answer to what was received then leaves at left, and returns the
// moment under which it is kept: received, or a little later where that is taken.
func (m *memory) note(received, left ntp.Timestamp) ntp.Timestamp {
	for {
		p := m.part(received)
		if p.note(received, left) {
			return received
		}
		received += 2
	}
}

func (p *memoryPart) note(received, left ntp.Timestamp) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = make(map[ntp.Timestamp]int, memoryWays)
	}
	if _, taken := p.at[received]; taken {
		return false
	}
	if old := p.list[p.next]; old.received != 0 {
		delete(p.at, old.received)
	}
	p.list[p.next] = kept{received, left}
	p.at[received] = p.next
	p.next = (p.next + 1) % memoryWays
	return true
}

// correct replaces what was kept for received by a better moment.
func (m *memory) correct(received, left ntp.Timestamp) {
	p := m.part(received)
	p.mu.Lock()
	defer p.mu.Unlock()
	if i, ok := p.at[received]; ok {
		p.list[i].left = left
	}
}

// find returns when the answer to what was received then left.
func (m *memory) find(received ntp.Timestamp) (left ntp.Timestamp, ok bool) {
	p := m.part(received)
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.at[received]
	if !ok {
		return 0, false
	}
	return p.list[i].left, true
}

func (m *memory) clear() {
	for i := range m.parts {
		p := &m.parts[i]
		p.mu.Lock()
		clear(p.at)
		p.list, p.next = [memoryWays]kept{}, 0
		p.mu.Unlock()
	}
}
