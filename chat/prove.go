package chat

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"strings"
	"sync"
	"time"

	"parley"
)

// A proof is what the peer of a datagram session has to do before it is sent
// more than three times what it sent: send back a word. Until then anybody may
// have put its address on its datagrams.
type proof struct {
	mu     sync.Mutex // guards what follows
	done   bool
	budget int    // bytes that may still be sent
	word   string // short, for people; that of a client goes on with rest
	rest   string
	asked  bool // it was sent the word
	wrong  int  // datagrams since then that were not the word
	once   bool // what came in this datagram is counted

	kept string // the first plain line, said when the proof is there; of Serve only
}

const (
	amplification = 3
	proveTries    = 5
	proveTime     = 10 * time.Second // for how long an address may be silent that has not
	proveKeeps    = 512              // bytes of a first line that is kept for it
)

// proveLetters have no look-alikes among them.
const proveLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// newProof is what the peer of c has to do; nil is nothing.
func newProof(c *parley.Conn) *proof {
	a, ok := c.RemoteAddr().(*net.UDPAddr)
	if !ok || a.IP.IsLoopback() {
		return nil
	}
	var b [plainWord + clientWord]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = proveLetters[b[i]%byte(len(proveLetters))]
	}
	return &proof{word: string(b[:plainWord]), rest: string(b[plainWord:])}
}

// The letters of a word, of 5 bits each: what people have to say, which they may
// miss a few times only, and how much longer that of a client is, which nobody
// can guess however often.
const (
	plainWord  = 4
	clientWord = 16
)

// earn adds what a datagram of n bytes allows to send.
func (p *proof) earn(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.once = false
	if !p.done {
		p.budget += amplification * n
	}
}

// spend reports whether n bytes may be sent, and takes them off.
func (p *proof) spend(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return true
	}
	if n > p.budget {
		return false
	}
	p.budget -= n
	return true
}

// proved reports whether m may be sent whatever there is.
func (m *member) proved() bool {
	if m.proof == nil {
		return true
	}
	m.proof.mu.Lock()
	defer m.proof.mu.Unlock()
	return m.proof.done
}

// prove takes what a plain peer said, or proveClient what a client did, for the
// proof, if it is the word.
func (m *member) prove(said string) bool {
	return m.proof == nil || m.proveBy(said, m.proof.word)
}

func (m *member) proveClient(said string) bool {
	return m.proof == nil || m.proveBy(said, m.proof.word+m.proof.rest)
}

func (m *member) proveBy(said, word string) bool {
	p := m.proof
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done && subtle.ConstantTimeCompare([]byte(strings.ToUpper(said)), []byte(word)) == 1 {
		p.done = true
		m.conn.Trust()
	}
	return p.done
}

// ask sends a plain peer the word, or ends the session of one that was sent it
// and says something else again and again.
func (m *member) ask() {
	p := m.proof
	p.mu.Lock()
	if p.asked && !p.once {
		p.wrong++
	}
	p.once = true
	wrong := p.wrong
	p.mu.Unlock()
	if wrong >= proveTries {
		m.conn.End()
		return
	}
	if m.write([]byte("say "+p.word+"\n")) == nil {
		p.mu.Lock()
		p.asked = true
		p.mu.Unlock()
	}
}
