package jetstream

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"parley/chat/wire"
)

func verify(t *testing.T, c Config) Report {
	t.Helper()
	r, err := Verify(testContext(t), c)
	if err != nil {
		t.Fatalf("Verify(%s): %v", c.where(), err)
	}
	return r
}

func TestVerify(t *testing.T) {
	dir := stored(t)
	c := Config{Store: dir, Bytes: smallBlocks}
	r := verify(t, c)
	if !r.OK() || r.Messages != 200 || len(r.Rooms) != 10 || r.First != 1 || r.Last != 200 || len(r.Gaps) != 0 {
		t.Errorf("Verify of a whole store: %+v", r)
	}
	if room := r.Rooms[3]; room.Name != "room-3" || room.Messages != 20 || room.First != 4 || room.Last != 194 || time.Since(room.LastTime) > time.Minute {
		t.Errorf("Verify: room-3 is %+v", room)
	}
	if text := r.String(); !strings.Contains(text, "200 messages in 10 rooms") || !strings.Contains(text, "\nok: ") {
		t.Errorf("Report of a whole store:\n%s", text)
	}

	edit(t, blockFile(dir, 1), flip(10_000))
	before := blockBytes(t, dir)
	r = verify(t, c)
	if r.OK() || r.Messages != 199 || len(r.Damage) != 1 || r.Missing() != 1 {
		t.Errorf("Verify of a store with a flipped bit: %+v", r)
	}
	if text := r.String(); !strings.Contains(text, "\nmissing: ") || !strings.Contains(text, "\ndamage: 1.blk has ") || !strings.Contains(text, "\nnot ok: 1 missing") {
		t.Errorf("Report of a store with a flipped bit:\n%s", text)
	} else {
		t.Log("\n" + text)
	}
	if blockBytes(t, dir) != before {
		t.Error("Verify has changed the store")
	}

	c.AcceptLoss = true
	closeLog(t, open(t, c))
	if r = verify(t, c); !r.OK() || len(r.Gaps) != 1 || r.Gaps[0].Why != GapAccepted {
		t.Errorf("Verify after the loss was accepted: %+v", r)
	}
}

// TestVerifyFaults stores what a log never would.
func TestVerifyFaults(t *testing.T) {
	for _, external := range []bool{false, true} {
		c := Config{Store: t.TempDir()}
		if external {
			s := startServer(t, t.TempDir(), -1)
			defer stopServer(s)
			c = Config{URL: s.ClientURL()}
		}
		l := open(t, c)
		fill(t, l, 20)
		nc, _ := l.conn()
		payload, err := json.Marshal(record{Author: "0123456789ab", ID: 7, Text: "again"})
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{payload, []byte("no message")} {
			if _, err := nc.RequestMsg(&nats.Msg{Subject: subject("room-1"), Data: data}, 5*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if page := readAll(t, l, "room-1"); len(page) != 3 {
			t.Errorf("%d messages that can be read, want 3", len(page))
		}
		if !external {
			closeLog(t, l)
		}
		r := verify(t, c)
		if r.OK() || r.Messages != 22 || len(r.Duplicates) != 1 || r.Duplicates[0].ID != 7 || len(r.Unreadable) != 1 || len(r.Gaps) != 0 {
			t.Errorf("Verify of %s: %+v", c.where(), r)
		}
		if text := r.String(); !strings.Contains(text, "duplicate: 0123456789ab.7 at [7 21]") || !strings.Contains(text, "unreadable: message 22") {
			t.Errorf("Report:\n%s", text)
		}
	}
}

// TestVerifyGaps removes messages by limits and otherwise.
func TestVerifyGaps(t *testing.T) {
	s := startServer(t, t.TempDir(), -1)
	defer stopServer(s)
	c := Config{URL: s.ClientURL(), RoomMessages: 10}
	setup := open(t, c)
	_, js := setup.conn()
	config := c.streamConfig()
	config.DenyDelete = false
	if err := js.DeleteStream(testContext(t), streamName); err != nil {
		t.Fatal(err)
	}
	stream := recreate(t, js, config)
	l := open(t, c)
	for id := range uint64(30) {
		room := "busy"
		if id%10 == 5 || id >= 25 {
			room = "quiet"
		}
		if _, err := appendWait(l, wire.Message{Room: room, Author: "a", ID: id + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if r := verify(t, c); !r.OK() || len(r.Gaps) == 0 || r.Gaps[0].Why != GapLimit {
		t.Errorf("Verify of rooms at their limit: %+v", r)
	}
	if err := stream.DeleteMsg(testContext(t), 28); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, c); r.OK() || r.Missing() == 0 {
		t.Errorf("Verify with a deleted message: %+v", r)
	}
}

func TestVerifyErrors(t *testing.T) {
	empty := t.TempDir()
	if _, err := Verify(testContext(t), Config{Store: empty}); err == nil || !strings.Contains(err.Error(), "not a store") {
		t.Errorf("Verify of an empty directory: %v, want an error", err)
	}
	if _, err := Verify(testContext(t), Config{Store: empty + "/none"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Verify of no directory: %v, want %v", err, os.ErrNotExist)
	}
	dir := t.TempDir()
	l := open(t, Config{Store: dir})
	if _, err := Verify(testContext(t), Config{Store: dir}); !errors.Is(err, ErrLocked) {
		t.Errorf("Verify of an open store: %v, want %v", err, ErrLocked)
	}
	closeLog(t, l)
	if r := verify(t, Config{Store: dir}); !r.OK() || r.Messages != 0 {
		t.Errorf("Verify of a store without messages: %+v", r)
	}
}
