package screen

import (
	"slices"
	"strings"
	"time"

	"parley/chat/text"
)

// A room is what is shown of one. Its places are numbered from above: 0 is its
// beginning, a line that says whether there is more, then come the items, then what is
// pending.
type room struct {
	name    string // "" before the first one is joined
	items   []*item
	pending []*item // of our own, stored or not, until they come as messages
	most    int     // how many items are kept

	members []member // by key
	known   bool     // members are all who are here
	count   int      // how many, where that is not known

	unread int
	called bool  // one of the unread has our name in it
	first  *item // where the unread begin, when the room was last looked at

	scroll scroll
	older  older
}

// A member is somebody who is in a room.
type member struct{ key, name string }

// presence is what a notice of coming and going is made of.
type presence struct {
	came, gone []string
	words      int
}

// presenceMost is how many names one such notice has, and presenceTime how long
// it is added to.
const (
	presenceMost = 12
	presenceTime = time.Minute
)

// size is how many places there are.
func (r *room) size() int { return 1 + len(r.items) + len(r.pending) }

// item returns the item at a place after the first.
func (r *room) item(at int) *item {
	if at <= len(r.items) {
		return r.items[at-1]
	}
	return r.pending[at-1-len(r.items)]
}

// place returns where an item is, 0 if it is not there.
func (r *room) place(it *item) int {
	if it == nil {
		return 0
	}
	if i := slices.Index(r.items, it); i >= 0 {
		return 1 + i
	}
	if i := slices.Index(r.pending, it); i >= 0 {
		return 1 + len(r.items) + i
	}
	return 0
}

// append adds an item behind the others. Who reads further up goes on reading
// the same lines.
func (r *room) append(it *item) {
	if r.scroll.up {
		if r.scroll.at > len(r.items) {
			r.scroll.at++
		}
		r.scroll.below++
	}
	r.items = append(r.items, it)
	r.trim()
}

// land makes the last of the items one that is pending.
func (r *room) land(it *item) {
	i := slices.Index(r.pending, it)
	if i < 0 {
		return
	}
	if read := r.scroll.at - 1 - len(r.items); r.scroll.up && read >= 0 && read <= i {
		if read == i {
			r.scroll.at -= i // it is what is read
		} else {
			r.scroll.at++
		}
	}
	r.pending = slices.Delete(r.pending, i, i+1)
	r.items = append(r.items, it)
	r.trim()
}

// moveTo is land in another room perhaps: what was said before any room was
// joined is shown in one and may belong to another.
func (r *room) moveTo(other *room, it *item) {
	if r == other {
		r.land(it)
		return
	}
	r.pending = slices.DeleteFunc(r.pending, func(p *item) bool { return p == it })
	other.append(it)
}

// trim drops the oldest items if they are too many.
func (r *room) trim() {
	for len(r.items) > r.most {
		r.items[0] = nil
		r.items = r.items[1:]
		r.older.done = false
		if r.scroll.up {
			r.scroll.at = max(r.scroll.at-1, 0)
		}
	}
}

// prepend adds items before the others, the newest of them if not all have room.
// It returns how many.
func (r *room) prepend(its []*item) int {
	its = its[max(len(its)-(r.most-len(r.items)), 0):]
	if len(its) == 0 {
		return 0
	}
	r.items = slices.Insert(r.items, 0, its...)
	if r.scroll.up {
		r.scroll.at += len(its)
	}
	return len(its)
}

// settle gives what was stored before seq, and did not come as a message, its
// place.
func (r *room) settle(seq uint64) {
	for len(r.pending) > 0 {
		it := r.pending[0]
		if it.mark != markSent || it.seq == 0 || it.seq >= seq {
			return
		}
		r.land(it)
	}
}

// oldest is the Seq of the oldest message that is here, 0 if there is none.
func (r *room) oldest() uint64 {
	for _, it := range r.items {
		if it.seq > 0 {
			return it.seq
		}
	}
	return 0
}

// saw counts a message of somebody else that is not looked at.
func (r *room) saw(it *item) {
	if r.unread == 0 {
		r.startAt(it)
	}
	r.unread++
	r.called = r.called || it.mention
}

// startAt makes the unread begin with it, or nowhere if it is nil.
func (r *room) startAt(it *item) {
	if r.first != nil {
		r.first.first = false
	}
	r.first = it
	if it != nil {
		it.first = true
	}
}

// setMembers replaces who is here.
func (r *room) setMembers(names []string) {
	r.members = r.members[:0]
	for _, n := range names {
		r.members = append(r.members, newMember(n))
	}
	slices.SortFunc(r.members, func(a, b member) int { return strings.Compare(a.key, b.key) })
	r.members = slices.CompactFunc(r.members, func(a, b member) bool { return a.key == b.key })
	r.known, r.count = true, len(r.members)
}

func newMember(name string) member {
	name = text.Clean(name)
	return member{text.Fold(name), name}
}

func (r *room) find(m member) (int, bool) {
	return slices.BinarySearchFunc(r.members, m.key, func(a member, key string) int { return strings.Compare(a.key, key) })
}

// came adds a member and reports whether they are new here.
func (r *room) came(name string) bool {
	m := newMember(name)
	i, here := r.find(m)
	if here {
		r.members[i] = m
		return false
	}
	r.members = slices.Insert(r.members, i, m)
	r.count = max(r.count+1, len(r.members))
	return true
}

// left takes a member away and reports whether they were here, as far as is known.
func (r *room) left(name string) bool {
	i, here := r.find(newMember(name))
	if here {
		r.members = slices.Delete(r.members, i, i+1)
	}
	if here || !r.known {
		r.count = max(r.count-1, len(r.members))
		return true
	}
	return false
}

// announce tells of somebody who came or went, in the last notice if that is
// about the same and not full.
func (m *model) announce(r *room, came, gone string) {
	var it *item
	if n := len(r.items); n > 0 {
		it = r.items[n-1]
	}
	if it == nil || it.presence == nil || it.presence.words >= presenceMost || m.o.now().Sub(it.at) > presenceTime {
		it = m.notice("")
		it.presence = &presence{}
		r.append(it)
	}
	p := it.presence
	if came != "" {
		p.came = append(p.came, text.Clean(came))
	} else {
		p.gone = append(p.gone, text.Clean(gone))
	}
	p.words++
	var says []string
	if len(p.came) > 0 {
		says = append(says, strings.Join(p.came, ", ")+" came")
	}
	if len(p.gone) > 0 {
		says = append(says, strings.Join(p.gone, ", ")+" left")
	}
	it.text = strings.Join(says, "; ")
}
