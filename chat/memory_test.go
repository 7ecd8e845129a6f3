package chat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/chat"
	"parley/chat/wire"
)

// fill posts n messages of a room.
func fill(l *chat.Memory, room string, from, n int, text string) {
	for i := range n {
		l.Append(wire.Message{Room: room, Author: "a", ID: uint64(from + i), Text: text}, func(uint64, error) {})
	}
}

// stored are the IDs of what is kept of a room.
func stored(l *chat.Memory, room string) string {
	page, more, _ := l.Read(context.Background(), chat.Query{Room: room})
	if len(page) == 0 {
		return fmt.Sprint("none ", more)
	}
	return fmt.Sprintf("%d-%d %t", page[0].ID, page[len(page)-1].ID, more)
}

func TestMemoryForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		few := &chat.Memory{Messages: 3}
		fill(few, "a", 1, 1000, "x")
		if got, want := stored(few, "a"), "998-1000 false"; got != want {
			t.Errorf("of 1000 messages %s are kept, want %s", got, want)
		}
		small := &chat.Memory{Bytes: 100}
		fill(small, "a", 1, 50, strings.Repeat("x", 30))
		if got, want := stored(small, "a"), "48-50 false"; got != want {
			t.Errorf("of 50 messages of 30 bytes %s are kept, want %s", got, want)
		}
		fill(small, "a", 51, 1, strings.Repeat("x", 300))
		if got, want := stored(small, "a"), "51-51 false"; got != want {
			t.Errorf("after a long message %s are kept, want %s", got, want)
		}
		young := &chat.Memory{Age: time.Hour}
		fill(young, "a", 1, 2, "x")
		time.Sleep(40 * time.Minute)
		fill(young, "a", 3, 2, "x")
		time.Sleep(40 * time.Minute)
		if got, want := stored(young, "a"), "3-4 false"; got != want {
			t.Errorf("after an hour %s are kept, want %s", got, want)
		}
		rooms := &chat.Memory{MaxRooms: 2}
		for i, room := range []string{"a", "b", "a", "c"} {
			fill(rooms, room, i, 1, "x")
		}
		if all, _ := rooms.Rooms(context.Background()); len(all) != 2 || all["a"] != 3 || all["c"] != 4 {
			t.Errorf("rooms %v are kept, want a and c", all)
		}
		if last, _ := young.Last(context.Background(), "a"); last != 4 {
			t.Errorf("Last = %d, want 4", last)
		}
	})
}

func TestMemoryFollowedOnce(t *testing.T) {
	var l chat.Memory
	ctx, cancel := context.WithCancel(context.Background())
	got := 0
	l.Follow(ctx, func(wire.Message) { got++ })
	if l.Follow(ctx, func(wire.Message) {}) == nil {
		t.Error("the second Follow succeeded")
	}
	fill(&l, "a", 1, 2, "x")
	fill(&l, "a", 1, 2, "x") // again
	cancel()
	fill(&l, "a", 3, 2, "x")
	if got != 2 {
		t.Errorf("%d messages were delivered, want 2", got)
	}
}
