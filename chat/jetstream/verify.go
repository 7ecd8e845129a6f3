package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Verify reads everything that a log holds and reports what it found. It changes
// nothing. A store that a process has open is an error that matches [ErrLocked]; so
// that none is opened meanwhile, Verify locks it. That the log is damaged is no
// error but in the Report.
func Verify(ctx context.Context, c Config) (Report, error) {
	var r Report
	var err error
	if c.Store != "" {
		r, err = verifyStore(ctx, &c)
	} else {
		r, err = verifyURL(ctx, &c)
	}
	if err != nil {
		return r, fmt.Errorf("chat log %s: verify: %w", c.where(), err)
	}
	r.Where = c.where()
	return r, nil
}

// verifyStore reads the files of a store.
func verifyStore(ctx context.Context, c *Config) (Report, error) {
	if info, err := os.Stat(c.Store); err != nil {
		return Report{}, errors.Unwrap(err)
	} else if !info.IsDir() {
		return Report{}, errors.New("not a directory")
	}
	held, err := lock(c.Store)
	if err != nil {
		return Report{}, err
	}
	defer held.Close()
	m, err := storedMark(c.Store)
	if err != nil {
		return Report{}, err
	}
	accepted, err := acceptedLosses(c.Store)
	if err != nil {
		return Report{}, err
	}
	v := newVerifier()
	s, err := surveyFiles(c.Store, func(r blockRecord) { v.see(&r) })
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Report{}, err
	}
	if m.last == 0 && s.records == 0 && s.tomb == 0 {
		if _, err := os.Stat(filepath.Join(c.Store, "jetstream")); err != nil {
			return Report{}, errors.New("not a store of messages")
		}
	}
	j := s.judge(m, c, accepted, time.Now())
	r := v.report(s, m.rooms)
	r.Replicas = 1
	r.judged(&j, s, accepted)
	return r, nil
}

// storedMark is what the mark of a store says, without opening it for writing.
func storedMark(store string) (markState, error) {
	f, err := os.Open(filepath.Join(store, "stored"))
	if errors.Is(err, fs.ErrNotExist) {
		return markState{}, nil
	}
	if err != nil {
		return markState{}, err
	}
	defer f.Close()
	state, _, err := readMark(f)
	return state, err
}

// verifyPage is how many messages of a server are read at a time.
const verifyPage = 500

// verifyURL reads the stream of a server elsewhere.
func verifyURL(ctx context.Context, c *Config) (Report, error) {
	k, err := connectExternal(ctx, c)
	if err != nil {
		return Report{}, err
	}
	defer k.close()
	stream, err := k.js.Stream(ctx, streamName)
	if err != nil {
		return Report{}, err
	}
	info := stream.CachedInfo()
	s := &survey{rooms: make(map[string]*roomSurvey)}
	v := newVerifier()
	if err := readStream(ctx, k, info.State.LastSeq, func(r blockRecord) {
		s.add(r)
		v.see(&r)
	}); err != nil {
		return Report{}, err
	}
	m := markState{last: info.State.LastSeq, rooms: max(info.Config.MaxMsgsPerSubject, 0), age: info.Config.MaxAge}
	s.tomb = info.State.LastSeq
	j := s.judge(m, c, nil, time.Now())
	r := v.report(s, m.rooms)
	r.Replicas = info.Config.Replicas
	r.judged(&j, s, nil)
	return r, nil
}

// readStream calls see for all messages up to last, as replicas have them: what
// one that lags has not yet is asked for again.
func readStream(ctx context.Context, k *link, last uint64, see func(blockRecord)) error {
	for from := uint64(1); from <= last; {
		request := getRequest{Seq: from, NextFor: allRooms, Batch: verifyPage, MaxBytes: 1 << 20}
		msgs, _, err := k.gets.many(ctx, &request)
		if errors.Is(err, errNone) {
			msg, err := k.fromLeader(ctx, allRooms, from)
			if err != nil || msg == nil {
				return err
			}
			msgs = append(msgs, msg)
		} else if err != nil {
			return err
		}
		for _, msg := range msgs {
			seq, err := number(msg, "Nats-Sequence")
			if err != nil {
				return err
			}
			at, err := time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
			if err != nil {
				return err
			}
			see(blockRecord{seq: seq, at: at, subject: []byte(msg.Header.Get("Nats-Subject")), payload: msg.Data})
			from = seq + 1
		}
	}
	return nil
}

// A verifier looks at all messages, one after the other.
type verifier struct {
	authors    map[string][]identity
	unreadable []string
}

// An identity is an author's own number of a message, and where it is.
type identity struct{ id, seq uint64 }

func newVerifier() *verifier { return &verifier{authors: make(map[string][]identity)} }

func (v *verifier) see(r *blockRecord) {
	m, err := decode(string(r.subject), r.seq, r.at, r.payload)
	if err != nil {
		v.unreadable = append(v.unreadable, err.Error())
		return
	}
	v.authors[m.Author] = append(v.authors[m.Author], identity{m.ID, r.seq})
}

// report is what was seen. No room has more messages than its limit: what a
// file holds beyond them is only not removed yet.
func (v *verifier) report(s *survey, limit int64) Report {
	r := Report{First: s.first, Last: s.last, FirstTime: s.firstTime, LastTime: s.lastTime, Unreadable: v.unreadable}
	for subject, room1 := range s.rooms {
		name, err := room(subject)
		if err != nil {
			name = strconv.Quote(subject)
		}
		seqs := room1.seqs
		if over := int64(len(seqs)) - limit; limit > 0 && over > 0 {
			seqs = seqs[over:]
		}
		r.Messages += len(seqs)
		r.Rooms = append(r.Rooms, RoomReport{Name: name, Messages: len(seqs), First: seqs[0], Last: seqs[len(seqs)-1], LastTime: room1.last})
	}
	slices.SortFunc(r.Rooms, func(a, b RoomReport) int { return cmp.Compare(a.Name, b.Name) })
	for author, ids := range v.authors {
		r.Duplicates = append(r.Duplicates, duplicates(author, ids)...)
	}
	slices.SortFunc(r.Duplicates, func(a, b Duplicate) int { return cmp.Compare(a.Seqs[0], b.Seqs[0]) })
	return r
}

// duplicates are the messages of an author that are stored more than once. It
// sorts ids.
func duplicates(author string, ids []identity) (found []Duplicate) {
	slices.SortFunc(ids, func(a, b identity) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.seq, b.seq)) })
	for i := 0; i < len(ids); {
		next := i + 1
		for next < len(ids) && ids[next].id == ids[i].id {
			next++
		}
		if next-i > 1 {
			d := Duplicate{Author: author, ID: ids[i].id}
			for _, same := range ids[i:next] {
				d.Seqs = append(d.Seqs, same.seq)
			}
			found = append(found, d)
		}
		i = next
	}
	return found
}
