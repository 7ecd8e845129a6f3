package jetstream

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"time"
)

// A mark is a small file that says how far an embedded store has got, so that
// messages that were acknowledged and are gone are missed. It is written after
// what it speaks of was synced, and not synced itself: the end of the process does
// not hurt it, and lost power leaves at worst an older one, which expects less.
//
// It has two places of 64 bytes, written in turn, so that one is whole whatever
// happens; numbers are little-endian:
//
//	0  8 "PARLEY01"
//	8    the fields of markState, 8 bytes each
//	48   reserved, 0
//	60 4 CRC-32 (IEEE) of the 60 bytes before
type mark struct {
	mu    sync.Mutex
	f     *os.File
	state markState
	turn  int64 // the place that is written next
}

// A markState is what a mark says.
type markState struct {
	last      uint64        // Seq of the last message acknowledged
	first     uint64        // Seq of the first message at the last opening or closing, 0 if there was none
	firstTime time.Time     // when it was stored
	rooms     int64         // the smallest limit of a room there ever was, 0 if none
	age       time.Duration // the limit of age then, 0 if none
}

const (
	markMagic = "PARLEY01"
	markSize  = 64
	markSum   = markSize - 4
)

// openMark opens or makes the file. One that cannot be read counts as new.
func openMark(name string) (*mark, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m := &mark{f: f}
	if m.state, m.turn, err = readMark(f); err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// readMark reads what a mark says, and which place is older.
func readMark(f io.ReaderAt) (state markState, turn int64, err error) {
	var b [2 * markSize]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && err != io.EOF {
		return state, 0, err
	}
	for place := range int64(2) {
		if int(place+1)*markSize > n {
			break
		}
		if s, ok := parseMark(b[place*markSize:][:markSize]); ok && s.last >= state.last {
			state, turn = s, 1-place
		}
	}
	return state, turn, nil
}

func parseMark(b []byte) (s markState, ok bool) {
	if string(b[:8]) != markMagic || crc32.ChecksumIEEE(b[:markSum]) != binary.LittleEndian.Uint32(b[markSum:]) {
		return s, false
	}
	field := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*(i+1):]) }
	s = markState{last: field(0), first: field(1), rooms: int64(field(3)), age: time.Duration(field(4))}
	if nano := int64(field(2)); nano != 0 {
		s.firstTime = time.Unix(0, nano)
	}
	return s, true
}

func (s *markState) append(b []byte) []byte {
	start := len(b)
	var nano int64
	if !s.firstTime.IsZero() {
		nano = s.firstTime.UnixNano()
	}
	b = append(b, markMagic...)
	for _, v := range []uint64{s.last, s.first, uint64(nano), uint64(s.rooms), uint64(s.age)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = append(b, make([]byte, start+markSum-len(b))...)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// get is what the mark says.
func (m *mark) get() markState {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// advance says that the message seq is stored. That it cannot be written is not
// the caller's to mind: the mark is then older.
func (m *mark) advance(seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq > m.state.last {
		s := m.state
		s.last = seq
		m.writeLocked(s)
	}
}

// begin says what the store holds, and its limits from now on.
func (m *mark) begin(last, first uint64, firstTime time.Time, rooms int64, age time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := markState{last: max(m.state.last, last), first: first, firstTime: firstTime, rooms: m.state.rooms, age: age}
	if rooms > 0 && (s.rooms == 0 || rooms < s.rooms) {
		s.rooms = rooms
	}
	m.writeLocked(s)
}

func (m *mark) writeLocked(s markState) {
	var b [markSize]byte
	if _, err := m.f.WriteAt(s.append(b[:0]), m.turn*markSize); err == nil {
		m.state, m.turn = s, 1-m.turn
	}
}

// close syncs and closes the file. A nil mark is closed.
func (m *mark) close() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.f.Sync()
	if closeErr := m.f.Close(); err == nil {
		err = closeErr
	}
	return err
}
