package screen

import (
	"slices"
	"strings"

	"parley/chat/command"
	"parley/chat/text"
)

// A completion is the word that Tab completes, and what it may become. Tab again
// goes on to the next.
type completion struct {
	active   bool
	from, to int // the word, in bytes of the input, as it stands there now
	words    []string
	at       int
}

// completeNext completes the word before the cursor, or takes the next candidate.
func (m *model) completeNext(step int) {
	c := &m.complete
	if !c.active {
		*c = m.candidates()
		if len(c.words) == 0 {
			*c = completion{}
			m.flash = "nothing to complete"
			return
		}
		if step < 0 {
			c.at = len(c.words) - 1
		}
	} else {
		c.at = (c.at + step + len(c.words)) % len(c.words)
	}
	word := c.words[c.at]
	m.input.replace(c.from, c.to, word)
	c.active, c.to = true, c.from+len(word)
	if len(c.words) > 1 {
		m.flash = c.says()
	} else {
		*c = completion{}
	}
}

// says lists the candidates, the one that was taken in brackets.
func (c *completion) says() string {
	var b strings.Builder
	for i, w := range c.words {
		w = strings.TrimRight(w, ": ")
		if i == c.at {
			w = "[" + w + "]"
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

// candidates finds what the word before the cursor may become: a command at the
// start, a room or a name where a command wants it, else a name.
func (m *model) candidates() completion {
	head := m.input.text[:m.input.at]
	from := strings.LastIndexByte(head, ' ') + 1
	word := head[from:]
	c := completion{from: from, to: len(head)}
	verb, _, _ := strings.Cut(head, " ")
	switch {
	case from == 0 && strings.HasPrefix(word, "/") && !strings.HasPrefix(word, "//"):
		c.words = commands(word)
	case word == "":
	case verb == "/join" || verb == "/part" || verb == "/who" || strings.HasPrefix(word, "#"):
		hash := word[:len(word)-len(strings.TrimPrefix(word, "#"))]
		c.words = complete(word[len(hash):], m.roomNames(), hash, " ")
	default:
		at := word[:len(word)-len(strings.TrimPrefix(word, "@"))]
		end := " "
		if from == 0 {
			end = ": "
		}
		c.words = complete(word[len(at):], m.names(), at, end)
	}
	return c
}

func commands(word string) []string {
	var words []string
	for _, c := range command.List {
		if strings.HasPrefix("/"+c.Name, strings.ToLower(word)) {
			words = append(words, "/"+c.Name+" ")
		}
	}
	return words
}

// complete returns the words that begin with prefix, however it is written.
func complete(prefix string, words []string, before, end string) []string {
	var out []string
	key := text.Fold(prefix)
	for _, w := range words {
		if w = text.Clean(w); strings.HasPrefix(text.Fold(w), key) && !slices.Contains(out, before+w+end) {
			out = append(out, before+w+end)
		}
	}
	return out
}

// names are those who may be meant: who spoke last first, then who is here.
func (m *model) names() []string {
	const look = 200
	var names []string
	r := m.current
	for i := len(r.items) - 1; i >= max(len(r.items)-look, 0); i-- {
		if it := r.items[i]; it.name != "" && !it.own && !slices.Contains(names, it.name) {
			names = append(names, it.name)
		}
	}
	for _, m := range r.members {
		names = append(names, m.name)
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == m.name })
}

func (m *model) roomNames() []string {
	var names []string
	for _, r := range m.rooms {
		if r.name != "" {
			names = append(names, r.name)
		}
	}
	return append(names, m.listed...)
}
