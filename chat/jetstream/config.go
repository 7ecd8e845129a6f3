package jetstream

import (
	"errors"
	"log/slog"
	"time"
)

// A Config says where a log is and how much it keeps. One of Store and URL is
// set. It is not modified after it was handed over.
type Config struct {
	// Store is the directory of an embedded server, made if it is missing. One
	// process at a time has it open.
	Store string

	// URL is a NATS server elsewhere, or several with commas between:
	// nats://host:4222, tls://user:password@host:4222.
	URL string

	// Credentials is the file of NATS credentials for URL, or empty.
	Credentials string

	// CA is a file of certificates by which the server at URL is verified; empty
	// is the system's.
	CA string

	Age          time.Duration // how long messages are kept; 0 is DefaultAge, negative for ever
	RoomMessages int64         // how many of each room; 0 is DefaultRoomMessages, negative no limit
	Bytes        int64         // size of all rooms together; 0 is DefaultBytes, negative no limit

	// Replicas is how many servers of a cluster shall keep each message; 0 is 3,
	// fewer if the cluster has not as many. See [Log.Replicas].
	Replicas int

	// Timeout is how long a message may take to be stored before its outcome
	// counts as unknown; 0 is 10 s, on external servers 4 s.
	Timeout time.Duration

	// AcceptLoss opens a store that is damaged with what can be read of it. What is
	// damaged is kept beside it.
	AcceptLoss bool

	// Log is told of trouble and of a stream that differs from the Config; nil
	// is no log.
	Log *slog.Logger
}

// The limits of a log, unless its Config says otherwise.
const (
	DefaultAge          = 365 * 24 * time.Hour
	DefaultRoomMessages = 100_000
	DefaultBytes        = 1 << 30
)

// What is named on the NATS server.
const (
	streamName    = "PARLEY_CHAT"
	subjectPrefix = "parley.chat.room." // and a room's token
	allRooms      = subjectPrefix + ">"
)

const (
	dedupWindow     = 10 * time.Minute // in which an Author and ID are known again
	defaultReplicas = 3
	defaultTimeout  = 10 * time.Second

	// When the leader of a stream dies with a post under way, its answer never
	// comes: who posted says it again, under the same ID, after this time.
	externalTimeout = 4 * time.Second
)

// Errors of Open, with more of the cause in their text.
var (
	// ErrLocked is matched when another process has the store open.
	ErrLocked = errors.New("the store is in use")

	// ErrCorrupt is matched when messages that were stored are gone or cannot be
	// read. The store was not touched.
	ErrCorrupt = errors.New("the store is damaged")
)

// errClosed is what operations on a closed Log return.
var errClosed = errors.New("the log is closed")

func (c *Config) age() time.Duration  { return limit(c.Age, DefaultAge) }
func (c *Config) roomMessages() int64 { return limit(c.RoomMessages, DefaultRoomMessages) }
func (c *Config) bytes() int64        { return limit(c.Bytes, DefaultBytes) }
func (c *Config) replicas() int       { return max(1, limit(c.Replicas, defaultReplicas)) }
func (c *Config) timeout() time.Duration {
	if c.URL != "" {
		return max(limit(c.Timeout, externalTimeout), 0)
	}
	return max(limit(c.Timeout, defaultTimeout), 0)
}

func (c *Config) log() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	return slog.New(slog.DiscardHandler)
}

// limit is the effective value of a field whose zero is a default; a negative one
// stays negative.
func limit[T int | int64 | time.Duration](v, zero T) T {
	if v == 0 {
		return zero
	}
	return v
}

// where names the log in errors.
func (c *Config) where() string {
	if c.Store != "" {
		return c.Store
	}
	return redact(c.URL)
}
