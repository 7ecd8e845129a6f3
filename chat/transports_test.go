package chat_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"parley/chat"
)

// TestTransports lets plain peers and clients of every transport talk in one
// room.
func TestTransports(t *testing.T) {
	dir := t.TempDir()
	schemes := []string{"tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix:" + filepath.Join(dir, "s"), "ws://127.0.0.1:0/chat", "unixgram:" + filepath.Join(dir, "g")}
	r := serve(t, &chat.Hub{Hello: -1}, schemes...)
	var clients []*peer
	for i := range schemes {
		name := string(rune('a'+i)) + "da"
		c := r.dialAt(i, name)
		c.hello(name)
		c.say("JOIN lobby")
		c.want("~LIVE lobby [0-9]+ [0-9]+")
		for _, before := range clients {
			before.want("HERE lobby " + name)
		}
		clients = append(clients, c)
	}
	for i := range schemes {
		p := r.dialAt(i, "plain")
		p.say("hello from " + schemes[i])
		for _, c := range clients {
			c.want("~HERE lobby guest-1", "~MSG lobby .* guest-1 .* :hello from "+schemes[i])
		}
		p.want("* you are guest-1 in lobby, 6 here; /help lists the commands, q leaves")
		p.say("q")
		for _, c := range clients {
			c.want("GONE lobby guest-1 :left")
		}
	}
	for i, c := range clients {
		c.say("POST 1 lobby say :" + schemes[i])
		for j, d := range clients {
			d.want("~MSG lobby .* :" + schemes[i])
			if i == j {
				d.want("~ACK 1 .*")
			}
		}
	}
}

// TestPipeIntoTCP is printf 'hi\nthere' | ncat: the lines of a peer that ends at
// once are said. (One that closes both directions may reset the connection by what it
// is sent, and takes its unfinished line along.)
func TestPipeIntoTCP(t *testing.T) {
	r := serve(t, &chat.Hub{}, "tcp://127.0.0.1:0")
	c := r.client("ada")
	c.say("JOIN lobby")
	c.want("LIVE lobby 0 1")
	p := r.dial("nc")
	io.WriteString(p.conn, "hi\nthere")
	p.conn.(interface{ CloseWrite() error }).CloseWrite()
	c.want("HERE lobby guest-1", "~MSG .* :hi", "~MSG .* :there", "~GONE lobby guest-1 :left")
}

// TestPasteOverTCP sends many lines at once over a real socket.
func TestPasteOverTCP(t *testing.T) {
	r := serve(t, &chat.Hub{}, "tcp://127.0.0.1:0")
	c := r.client("ada")
	c.say("JOIN lobby")
	c.want("LIVE lobby 0 1")
	p := r.plain("p")
	c.want("HERE lobby guest-1")
	io.WriteString(p.conn, strings.Repeat("a line of a paste\n", 300))
	for range 300 {
		c.want("~MSG .* :a line of a paste")
	}
}
