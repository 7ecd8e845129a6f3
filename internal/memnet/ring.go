package memnet

const (
	capacity   = 64 << 10 // bytes a direction holds at most
	firstChunk = 4 << 10  // bytes of a ring's first array; it doubles from there
)

// ring is a byte queue of at most capacity bytes. The zero value is empty and holds no memory:
// thousands of idle connections cost little.
type ring struct {
	array []byte // length is 0 or a power of two from firstChunk to capacity
	start int    // of the oldest byte
	count int
}

func (r *ring) len() int { return r.count }

// write takes as much of p as there is room for and returns how much.
func (r *ring) write(p []byte) int {
	n := min(len(p), capacity-r.count)
	r.grow(r.count + n)
	for done := 0; done < n; {
		at := (r.start + r.count) % len(r.array)
		k := copy(r.array[at:], p[done:n])
		done += k
		r.count += k
	}
	return n
}

// read moves bytes to p and returns how many.
func (r *ring) read(p []byte) int {
	n := min(len(p), r.count)
	for done := 0; done < n; {
		k := copy(p[done:n], r.array[r.start:])
		done += k
		r.start = (r.start + k) % len(r.array)
	}
	r.count -= n
	if r.count == 0 {
		r.start = 0
	}
	return n
}

// grow makes the array hold need bytes, need <= capacity.
func (r *ring) grow(need int) {
	if need <= len(r.array) {
		return
	}
	size := max(firstChunk, len(r.array))
	for size < need {
		size *= 2
	}
	bigger := ring{array: make([]byte, size), count: r.count}
	r.read(bigger.array[:r.count])
	*r = bigger
}
