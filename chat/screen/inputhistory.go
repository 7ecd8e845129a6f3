package screen

// inputLines is how many lines that were typed are kept.
const inputLines = 500

// An inputHistory is what was typed before, and the line that was being typed
// when its user went up into it. Its zero value is empty.
type inputHistory struct {
	lines []string
	back  int    // how far up the user is; 0 is the line being typed
	draft string // that line
}

// add remembers a line that was entered and goes back to the end.
func (h *inputHistory) add(line string) {
	h.back, h.draft = 0, ""
	if line == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > inputLines {
		h.lines = append(h.lines[:0:0], h.lines[1:]...)
	}
}

// move goes up by one line, or down by one if step is -1, and returns what is to
// stand in the input, now being what stands there.
func (h *inputHistory) move(step int, now string) (line string, moved bool) {
	to := h.back + step
	if to < 0 || to > len(h.lines) {
		return now, false
	}
	if h.back == 0 {
		h.draft = now
	}
	h.back = to
	if to == 0 {
		return h.draft, true
	}
	return h.lines[len(h.lines)-to], true
}
