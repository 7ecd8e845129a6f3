package jetstream

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// The size of what is stored together. A server takes at most 1000 messages in an
// atomic batch.
const (
	maxBatch      = 1000
	maxBatchBytes = 4 << 20
	minBatch      = 12 // an atomic batch is staged in files of its own, which takes as long as about ten syncs
)

// A commit stores posts and collects the answers of the stream.
type commit struct {
	link    *link
	timeout time.Duration
	settle  func(p *post, seq uint64, err error)
}

// An answer is what the stream says to a published message.
type answer struct {
	Seq   uint64 `json:"seq"`
	Count int    `json:"count"` // of an atomic batch
	Error *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

var (
	errNoAnswer = errors.New("no answer in time")
	errNoStream = errors.New("no server answers for the stream")
)

// codeConflict is the answer to a message that is the same as one that is being
// stored right now.
const codeConflict = 10158

// together stores posts as one batch, whole or not at all, synced once. It reports
// whether it has settled them: not when the stream refused the batch, as it does
// when one of them is stored already.
func (c *commit) together(posts []post) bool {
	id := nuid.Next()
	from := c.link.acks.renew()
	for i := range posts {
		m := posts[i].msg()
		m.Header["Nats-Batch-Id"] = []string{id}
		m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
		if i == len(posts)-1 {
			m.Header["Nats-Batch-Commit"] = []string{"1"}
			m.Reply = from + "0"
		}
		if err := c.link.nc.PublishMsg(m); err != nil {
			c.settleAll(posts, 0, notStored(unreachable(err))) // nothing is committed without the last
			return true
		}
	}
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	a, _, err := c.link.acks.next(c.link, timer.C)
	switch {
	case err != nil:
		c.settleAll(posts, 0, unknown(err))
	case a.Error != nil:
		return false
	case a.Count != len(posts) || a.Seq < uint64(len(posts)):
		c.settleAll(posts, 0, unknown(fmt.Errorf("the stream stored %d of a batch of %d", a.Count, len(posts))))
	default:
		c.settleAll(posts, a.Seq-uint64(len(posts))+1, nil)
	}
	return true
}

// settleAll tells all posts how it went; with no error they have the Seqs from
// first on.
func (c *commit) settleAll(posts []post, first uint64, err error) {
	for i := range posts {
		c.settle(&posts[i], first+uint64(i), err)
	}
}

// singly stores posts one by one, without waiting for one before the next is
// published.
func (c *commit) singly(posts []post) {
	from := c.link.acks.renew()
	published := len(posts)
	var failed error
	for i := range posts {
		m := posts[i].msg()
		m.Reply = from + strconv.Itoa(i)
		if failed = c.link.nc.PublishMsg(m); failed != nil {
			published = i
			break
		}
	}
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	settled := make([]bool, len(posts))
	for left := published; left > 0; {
		a, i, err := c.link.acks.next(c.link, timer.C)
		if err != nil {
			c.settleRest(posts[:published], settled, unknown(err))
			break
		}
		if i < published && !settled[i] {
			settled[i] = true
			left--
			c.settleOne(&posts[i], a)
		}
	}
	c.settleRest(posts, settled, notStored(unreachable(failed)))
}

func (c *commit) settleOne(p *post, a answer) {
	switch {
	case a.Error == nil:
		c.settle(p, a.Seq, nil)
	case a.Error.Code == codeConflict:
		c.settle(p, 0, unknown(errors.New(a.Error.Description)))
	default:
		c.settle(p, 0, notStored(errors.New(a.Error.Description)))
	}
}

func (c *commit) settleRest(posts []post, settled []bool, err error) {
	for i := range posts {
		if !settled[i] {
			settled[i] = true
			c.settle(&posts[i], 0, err)
		}
	}
}

// msg is p as it is published.
func (p *post) msg() *nats.Msg {
	return &nats.Msg{
		Subject: p.subject,
		Header:  nats.Header{"Nats-Msg-Id": {p.id}},
		Data:    p.payload,
	}
}

// acks receives the answers of the stream. The committer alone uses it.
type acks struct {
	inbox string
	turn  uint64
	from  string // answers to this turn come here, and a number
	sub   *nats.Subscription
	ch    chan *nats.Msg
}

func newAcks(nc *nats.Conn) (*acks, error) {
	a := &acks{inbox: nc.NewInbox() + ".", ch: make(chan *nats.Msg, 2*maxBatch)}
	var err error
	a.sub, err = nc.ChanSubscribe(a.inbox+"*.*", a.ch)
	return a, err
}

// renew is the prefix of reply subjects for a new turn. Answers to earlier ones
// are not heeded any more.
func (a *acks) renew() string {
	a.turn++
	a.from = a.inbox + strconv.FormatUint(a.turn, 10) + "."
	return a.from
}

// next is the next answer of this turn, and the number it is for.
func (a *acks) next(k *link, timeout <-chan time.Time) (answer, int, error) {
	for {
		var msg *nats.Msg
		select { // what has come counts, whatever happened then
		case msg = <-a.ch:
		default:
			select {
			case msg = <-a.ch:
			case <-k.broken():
				return answer{}, 0, cmp.Or(k.err(), errNoServer) // it may be back already
			case <-timeout:
				return answer{}, 0, errNoAnswer
			}
		}
		number, ok := strings.CutPrefix(msg.Subject, a.from)
		if !ok {
			continue
		}
		i, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		return parseAnswer(msg), i, nil
	}
}

// parseAnswer reads an answer. One that is none counts as a refusal, as it comes
// from the connection when nobody heard the message.
func parseAnswer(msg *nats.Msg) (a answer) {
	if err := json.Unmarshal(msg.Data, &a); err != nil || a.Seq == 0 && a.Error == nil {
		a.refuse(errNoStream.Error())
		if len(msg.Data) > 0 {
			a.refuse("the stream answers " + strconv.Quote(string(msg.Data)))
		}
	}
	return a
}

func (a *answer) refuse(why string) {
	a.Error = &struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	}{Description: why}
}
