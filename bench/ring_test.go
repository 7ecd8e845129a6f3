package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRingIsAQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	const most = 256
	var r ring[int]
	var model []int
	for i := range 100_000 {
		if grows := i/5000%2 == 0; random.IntN(3) < 2 == grows {
			want := len(model) < most
			if got := r.push(i, most); got != want {
				t.Fatalf("push with %d in it = %v, want %v", len(model), got, want)
			}
			if want {
				model = append(model, i)
			}
		} else if len(model) > 0 {
			r.drop()
			model = model[1:]
		}
		if r.len() != len(model) {
			t.Fatalf("len() = %d, want %d", r.len(), len(model))
		}
		if i%97 == 0 {
			var got []int
			for k := range r.len() {
				got = append(got, *r.at(k))
			}
			if !slices.Equal(got, model) {
				t.Fatalf("after %d steps it holds %v, want %v", i, got, model)
			}
		}
	}
	if len(r.buf) > most {
		t.Errorf("its memory is of %d entries, want at most %d", len(r.buf), most)
	}
}

func TestBacklogOfASession(t *testing.T) {
	for _, c := range []struct{ sessions, depth, want int }{
		{1, 1, mostBacklog},
		{1000, 1, 1 << 14},
		{10_000, 1, 1 << 10},
		{1 << 20, 1, leastBacklog},
		{1 << 20, 64, 64},
		{1 << 20, 65, 128},
		{1 << 20, 1 << 16, 1 << 16},
	} {
		p := &plan{load: Load{Sessions: c.sessions, Depth: c.depth}}
		got := p.backlog()
		if got != c.want {
			t.Errorf("backlog with %d sessions of depth %d = %d, want %d", c.sessions, c.depth, got, c.want)
		}
		if c.depth == 1 && c.sessions <= 10_000 && got*c.sessions > mostBacklog {
			t.Errorf("%d sessions have %d entries in all, want at most %d", c.sessions, got*c.sessions, mostBacklog)
		}
	}
}
