package jetstream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"
)

// The files of the stream in a store. nats-server names them so.
func streamDir(store string) string {
	return filepath.Join(store, "jetstream", "$G", "streams", streamName)
}
func blockDir(store string) string { return filepath.Join(streamDir(store), "msgs") }
func blockFile(store string, n int) string {
	return filepath.Join(blockDir(store), strconv.Itoa(n)+".blk")
}
func metaFile(store, extension string) string {
	return filepath.Join(streamDir(store), "meta."+extension)
}

// blocks are the numbers of the block files of a store, in order.
func blocks(store string) ([]int, error) {
	entries, err := os.ReadDir(blockDir(store))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var numbers []int
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".blk"); ok {
			if n, err := strconv.Atoi(name); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// A survey is what the files of a store hold.
type survey struct {
	rooms       map[string]*roomSurvey // by subject
	records     int
	bytes       int64
	first, last uint64 // of records with a message; 0 if there are none
	firstTime   time.Time
	lastTime    time.Time
	tomb        uint64 // the largest sequence of a record without one
	holes       []hole // sequences between first and last that are not there
	bad         map[int][]badBytes
	meta        error // what is wrong with the description of the stream
}

// A roomSurvey is what the files hold of one room.
type roomSurvey struct {
	seqs []uint64
	last time.Time
}

// A hole is a run of sequences that are not there.
type hole struct{ first, last uint64 }

func (h hole) String() string {
	if h.first == h.last {
		return fmt.Sprint(h.first)
	}
	return fmt.Sprintf("%d to %d", h.first, h.last)
}

func (h hole) count() uint64 { return h.last - h.first + 1 }

// surveyFiles reads all files of a store, and calls each for every message.
func surveyFiles(store string, each func(blockRecord)) (*survey, error) {
	s := &survey{rooms: make(map[string]*roomSurvey), bad: make(map[int][]badBytes), meta: checkMeta(store)}
	numbers, err := blocks(store)
	if err != nil {
		return nil, err
	}
	var last uint64
	for _, n := range numbers {
		b, err := os.ReadFile(blockFile(store, n))
		if err != nil {
			return nil, err
		}
		last = scanBlock(b, blockHash(streamName, n), last,
			func(r blockRecord) {
				s.add(r)
				if each != nil && !r.tomb {
					each(r)
				}
			},
			func(b badBytes) { s.bad[n] = append(s.bad[n], b) })
	}
	return s, nil
}

func (s *survey) add(r blockRecord) {
	if r.tomb {
		s.tomb = max(s.tomb, r.seq)
		return
	}
	if s.records > 0 && r.seq <= s.last { // written again, by a server that was recovering
		return
	}
	if s.records == 0 {
		s.first, s.firstTime = r.seq, r.at
	} else if r.seq > s.last+1 {
		s.holes = append(s.holes, hole{s.last + 1, r.seq - 1})
	}
	s.records++
	s.bytes += int64(len(r.raw))
	s.last, s.lastTime = r.seq, r.at
	room := s.rooms[string(r.subject)]
	if room == nil {
		room = new(roomSurvey)
		s.rooms[string(r.subject)] = room
	}
	room.seqs, room.last = append(room.seqs, r.seq), r.at
}

// checkMeta checks the description of the stream, without which the server does
// not find its messages. That there is none is no error.
func checkMeta(store string) error {
	meta, err := os.ReadFile(metaFile(store, "inf"))
	if errors.Is(err, fs.ErrNotExist) {
		if numbers, _ := blocks(store); len(numbers) > 0 {
			return errors.New("meta.inf is missing")
		}
		return nil
	}
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(metaFile(store, "sum"))
	if err != nil {
		return err
	}
	key := sha256.Sum256([]byte(streamName))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		return err
	}
	h.Write(meta)
	if hex.EncodeToString(h.Sum(nil)) != string(sum) || !json.Valid(meta) {
		return errors.New("meta.inf is not as it was written")
	}
	return nil
}
