package jetstream

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"github.com/minio/highwayhash"
)

// The files in which nats-server keeps the messages of a stream, N.blk, are
// records one after the other (writeMsgRecordLocked in its filestore.go, unchanged
// since 2.0; all numbers little-endian):
//
//	0  4  length of the record; the highest bit says that it has headers
//	4  8  sequence; the two highest bits say erased, and deleted elsewhere
//	12 8  nanoseconds since 1970
//	20 2  length of the subject
//	22    subject, [4 length of the headers, headers,] payload
//	-8 8  HighwayHash-64 of 4 to 20, subject, headers and payload
//
// When it finds a record that is not whole, it cuts the file there without a
// word to clients, and with it all that follows. So the files are checked before a
// server is started on them.
const (
	recordHead   = 22
	recordHash   = 8
	hasHeaders   = 1 << 31
	recordErased = 1 << 63
	recordTomb   = 1 << 62
	maxRecord    = 32 << 20
)

// A blockRecord is a record of a block file. Its bytes are valid during the
// call that gets it only.
type blockRecord struct {
	seq     uint64
	tomb    bool // there is no message seq; or it is in another record, and deleted
	at      time.Time
	subject []byte
	payload []byte
	raw     []byte
}

// A badBytes is a part of a block file that is no record.
type badBytes struct {
	offset, length int
	after          uint64 // the sequence of the last good record before, in any file
}

// blockHash is the keyed hash of the records in block n of a stream.
func blockHash(stream string, n int) hash.Hash64 {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, n))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is right
	}
	return h
}

// scanBlock calls good for each record in the bytes of a block file, and bad for
// what is between them. last is the sequence of the last good record before; it
// returns the one after.
func scanBlock(b []byte, h hash.Hash64, last uint64, good func(blockRecord), bad func(badBytes)) uint64 {
	for at := 0; at < len(b); {
		r, n := parseRecord(b[at:], h)
		if n == 0 {
			skipped := nextRecord(b[at+1:], h) + 1
			bad(badBytes{offset: at, length: skipped, after: last})
			at += skipped
			continue
		}
		if r.seq > last {
			last = r.seq
		}
		good(r)
		at += n
	}
	return last
}

// nextRecord is where in b the next whole record of a message begins, or its
// length.
func nextRecord(b []byte, h hash.Hash64) int {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte(subjectPrefix))
		if i < 0 {
			return len(b)
		}
		at += i
		if start := at - recordHead; start >= 0 {
			if _, n := parseRecord(b[start:], h); n > 0 {
				return start
			}
		}
	}
}

// parseRecord reads the record at the beginning of b, and its length; 0 if there
// is none that is whole.
func parseRecord(b []byte, h hash.Hash64) (blockRecord, int) {
	if len(b) < recordHead+recordHash {
		return blockRecord{}, 0
	}
	length := binary.LittleEndian.Uint32(b)
	n, subjectLen := int(length&^hasHeaders), int(binary.LittleEndian.Uint16(b[20:]))
	if n > len(b) || n > maxRecord || n < recordHead+subjectLen+recordHash {
		return blockRecord{}, 0
	}
	body := b[recordHead : n-recordHash]
	subject, rest := body[:subjectLen], body[subjectLen:]
	hashed := rest
	if length&hasHeaders != 0 {
		if len(rest) < 4 {
			return blockRecord{}, 0
		}
		headers := int(binary.LittleEndian.Uint32(rest))
		hashed, rest = rest[4:], rest[4:]
		if headers > len(rest) {
			return blockRecord{}, 0
		}
		rest = rest[headers:]
	}
	h.Reset()
	h.Write(b[4:20])
	h.Write(subject)
	h.Write(hashed)
	var sum [recordHash]byte
	if !bytes.Equal(h.Sum(sum[:0]), b[n-recordHash:n]) {
		return blockRecord{}, 0
	}
	seq := binary.LittleEndian.Uint64(b[4:])
	return blockRecord{
		seq:     seq &^ (recordErased | recordTomb),
		tomb:    seq&(recordErased|recordTomb) != 0 || subjectLen == 0,
		at:      time.Unix(0, int64(binary.LittleEndian.Uint64(b[12:]))),
		subject: subject,
		payload: rest,
		raw:     b[:n],
	}, n
}

// appendTomb appends a record that says that the sequence seq was used.
func appendTomb(b []byte, h hash.Hash64, seq uint64, at time.Time) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, recordHead+recordHash)
	b = binary.LittleEndian.AppendUint64(b, seq|recordTomb)
	b = binary.LittleEndian.AppendUint64(b, uint64(at.UnixNano()))
	b = binary.LittleEndian.AppendUint16(b, 0)
	h.Reset()
	h.Write(b[start+4 : start+20])
	return h.Sum(b)
}
