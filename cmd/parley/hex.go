package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// direction is which way bytes went.
type direction int

const (
	outward direction = iota // from us to the peer
	inward
)

// hexDump writes what is sent and received, with the time and the direction:
//
//	15:04:05.123456 > 6 bytes
//	00000000  68 65 6c 6c 6f 0a                                 |hello.|
//
// '>' is to the peer, '<' from it. Offsets go on through a stream; each message
// begins at 0. One write to w for each chunk. It is safe for concurrent use, and
// a nil *hexDump writes nothing.
type hexDump struct {
	w        io.Writer
	messages bool             // each chunk is a message
	now      func() time.Time // nil is time.Now

	mu     sync.Mutex // guards what follows
	offset [2]int64   // by direction
	buf    []byte
}

func (h *hexDump) dump(d direction, b []byte) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now
	if h.now != nil {
		now = h.now
	}
	mark := [2]byte{'>', '<'}[d]
	h.buf = fmt.Appendf(h.buf[:0], "%s %c %s\n", now().Format("15:04:05.000000"), mark, count(int64(len(b)), "byte"))
	offset := h.offset[d]
	for i := 0; i < len(b); i += hexRow {
		h.buf = appendHexRow(h.buf, offset+int64(i), b[i:min(i+hexRow, len(b))])
	}
	if !h.messages {
		h.offset[d] += int64(len(b))
	}
	h.w.Write(h.buf)
}

const hexRow = 16 // bytes

// appendHexRow appends one row of at most hexRow bytes, laid out as hexdump -C
// does.
func appendHexRow(dst []byte, offset int64, row []byte) []byte {
	dst = fmt.Appendf(dst, "%08x ", offset)
	for i := range hexRow {
		if i%8 == 0 {
			dst = append(dst, ' ')
		}
		if i < len(row) {
			dst = fmt.Appendf(dst, "%02x ", row[i])
		} else {
			dst = append(dst, "   "...)
		}
	}
	dst = append(dst, " |"...)
	for _, c := range row {
		if c < ' ' || c > '~' {
			c = '.'
		}
		dst = append(dst, c)
	}
	return append(dst, "|\n"...)
}

// count is a number with its unit: "1 byte", "2 bytes".
func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
