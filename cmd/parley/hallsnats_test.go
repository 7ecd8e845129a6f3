package main

import (
	"net"
	"regexp"
	"syscall"
	"testing"

	nats "github.com/nats-io/nats-server/v2/server"
)

// natsServer runs a NATS server of its own and returns its URL.
func natsServer(t *testing.T) string {
	t.Helper()
	s, err := nats.NewServer(&nats.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(testPatience) {
		t.Fatal("the NATS server is not ready")
	}
	return s.ClientURL()
}

// Two servers on one NATS share rooms and names. Each says that there is one copy.
func TestServeChatOnNATS(t *testing.T) {
	url := natsServer(t)
	one, two := serveOnNATS(t, url), serveOnNATS(t, url)
	for _, p := range []*process{one, two} {
		p.stderr.await(t, "(?m)^parley: warning: "+regexp.QuoteMeta(url)+" keeps one copy of each message: ")
	}
	ada, ben := one.natsPeer(), two.natsPeer()
	ada.say("/nick ada\n", `ada`)
	ben.say("/nick ada\n", `taken`)
	ada.say("hello\n", "")
	ben.read.await(t, `(?m)^ada: hello$`)
	for _, p := range []*process{one, two} {
		p.signal(syscall.SIGTERM)
		p.expect(statusOK)
	}
}

func serveOnNATS(t *testing.T, url string) *process {
	t.Helper()
	p := startParley(t, nil, nil, "serve", "chat?nats="+url+"@tcp://127.0.0.1:0")
	p.stdout.await(t, `(?m)^listening chat@(\S+)$`)
	return p
}

// A natsPeer is a plain peer of a server.
type natsPeer struct {
	t    *testing.T
	conn *net.TCPConn
	read *record
}

func (p *process) natsPeer() *natsPeer {
	p.t.Helper()
	c := dialTCP(p.t, p.stdout.await(p.t, `(?m)^listening chat@(\S+)$`))
	r := newRecord()
	done := make(chan struct{})
	go func() { // ends with the conn
		defer close(done)
		c.WriteTo(r)
	}()
	p.t.Cleanup(func() { c.Close(); <-done })
	return &natsPeer{p.t, c, r}
}

// say sends text and waits for an answer.
func (p *natsPeer) say(text, answer string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
	if answer != "" {
		p.read.await(p.t, answer)
	}
}
