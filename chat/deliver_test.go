package chat

import (
	"testing"

	"parley/chat/wire"
)

// TestDeliverAllocatesNothing counts what a message costs in a room of many who
// are gone, whose Send is the cheapest.
func TestDeliverAllocatesNothing(t *testing.T) {
	h := &Hub{}
	r := &room{hub: h, name: "lobby"}
	for i := range 100 {
		p := h.newPerson(newAuthor(), "")
		if i%2 == 0 {
			p.token = wire.NewToken()
		}
		m := &member{hub: h, proof: &proof{}} // which may be sent nothing
		r.seats = append(r.seats, &seat{person: p, room: r, plain: p.plain(), member: m, live: true})
	}
	m := wire.Message{Room: "lobby", Name: "ada", Author: newAuthor(), Kind: wire.Say, Text: "hello"}
	n := testing.AllocsPerRun(100, func() {
		m.Seq++
		r.deliver(&m)
	})
	if n != 0 {
		t.Errorf("a message to 100 members makes %v allocations, want none", n)
	}
}

func TestGuests(t *testing.T) {
	var g guests
	for i := range 3 {
		if n := g.take(); n != i+1 {
			t.Errorf("take() = %d, want %d", n, i+1)
		}
	}
	g.free(2)
	g.free(1)
	for _, want := range []int{1, 2, 4} {
		if n := g.take(); n != want {
			t.Errorf("take() = %d, want %d", n, want)
		}
	}
}

// TestPlainFraming cuts at every byte, and compares with all at once.
func TestPlainFraming(t *testing.T) {
	f := plainFraming{}
	data := make([]byte, 3*maxPlain+10)
	for i := range data {
		data[i] = 'x'
	}
	data[5], data[len(data)-3] = '\n', '\n'
	var sizes []int
	for len(data) > 0 {
		msg, n, err := f.Split(data, 64<<10, true)
		if err != nil || n == 0 || n != len(msg) {
			t.Fatalf("Split of %d bytes: %d, %v", len(data), n, err)
		}
		sizes = append(sizes, n)
		data = data[n:]
	}
	if len(sizes) != 6 || sizes[0] != 6 || sizes[1] != maxPlain || sizes[2] != maxPlain || sizes[5] != 2 {
		t.Errorf("cut into %v", sizes)
	}
	if _, _, err := f.Split(make([]byte, 200), 100, false); err == nil {
		t.Error("a line longer than the limit is no error")
	}
	if _, n, _ := f.Split([]byte("half"), 1000, false); n != 0 {
		t.Error("half a line is a message before the peer pauses")
	}
}
