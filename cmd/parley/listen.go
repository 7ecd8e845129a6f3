package main

import (
	"context"
	"errors"
	"net"

	"github.com/spf13/cobra"

	"parley/endpoint"
	"parley/transport"
)

const listenLong = `listen waits at ENDPOINT for one peer and has a conversation with it on standard
input and output, as dial does. It prints "listening ENDPOINT", with the real
address and port, to stderr.

On streams the listener is closed when the conversation begins. A TLS or WebSocket
peer has 10 seconds for its handshake; one that fails does not end the listener, and
does not delay others. On datagrams the conversation is with the peer that sends
first; what others send waits. It ends --linger (1s) after the last datagram once
standard input has ended, and never before the first.

With --keep the next peer is served after it, until a signal. Standard input goes on
where it was; once at its end it stays there, so that later peers get a half-close
at once. A conversation that fails is said and does not end the listener.

Of a listener's options, idle and total are the flags of that name, allow and deny
say which addresses may come, and maxmessage bounds messages; frame is for serve.`

const listenExample = `  parley listen udp://:5000
  parley listen :0 > received </dev/null
  parley listen --keep --hex unix:/run/look.sock
  parley listen tls://:9443`

func newListen(e *env) *cobra.Command {
	var keep bool
	f := new(talkFlags)
	cmd := &cobra.Command{
		Use:     "listen [flags] ENDPOINT",
		Short:   "have a conversation with the first peer that comes, on stdin and stdout",
		Long:    listenLong,
		Example: listenExample,
		Args:    exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return listen(cmd, e, f, keep, args[0])
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&keep, "keep", false, "serve the next peer after it, and so on")
	return cmd
}

// listen is the verb.
func listen(cmd *cobra.Command, e *env, f *talkFlags, keep bool, arg string) error {
	at, err := endpoint.Parse(arg)
	if err != nil {
		return usageError{err: err}
	}
	if err := notWithin(cmd, at); err != nil {
		return err
	}
	if err := transport.CheckListen(at); err != nil {
		return usageError{err: err}
	}
	t, err := f.talk(cmd, at)
	if err == nil {
		err = checkConversation(at)
	}
	if err == nil {
		err = t.options(at)
	}
	if err != nil {
		return err
	}
	t.next = keep
	if at.Scheme == "fd" {
		if at, err = e.listenFDs().resolve(at); err != nil {
			return err
		}
	}
	p, ctx := newParty(cmd.Context(), e, t)
	defer p.close()
	l := &listening{party: p, at: at, keep: keep}
	if err := l.open(ctx); err != nil {
		return err
	}
	defer l.close()
	l.announce()
	return l.run()
}

// checkConversation refuses the options that mean nothing to a conversation.
func checkConversation(at endpoint.Endpoint) error {
	if _, ok := at.Option("frame"); ok {
		return usageError{err: errors.New("option frame is for parley serve; a conversation has --frame on datagrams and messages")}
	}
	if _, ok := at.Option("maxmessage"); ok && !hasMessages(at) {
		return usageError{err: errors.New("option maxmessage is for messages; a conversation at " + at.Scheme + " is a stream of bytes")}
	}
	return nil
}

// listening is the verb at work.
type listening struct {
	*party
	at      endpoint.Endpoint
	keep    bool
	pin     string
	peers   *transport.PeerListener // of datagrams, else nil
	queue   int                     // datagrams that wait of one peer, 0 is the default
	callers *callers
}

// open opens the listener. A signal ends the lookup of names.
func (l *listening) open(ctx context.Context) error {
	ln, pc, err := transport.Open(ctx, l.at)
	if err != nil {
		if l.stop.stopped() {
			return l.stop.err
		}
		return err
	}
	if pc != nil {
		l.peers = transport.Peers(pc, transport.PeerLimits{Queue: l.queue})
		ln = l.peers
	}
	access, err := accessOf(l.at)
	if err != nil {
		ln.Close()
		return usageError{err: err}
	}
	if p, ok := ln.(transport.Pinner); ok {
		l.pin = p.Pin()
	}
	l.at = l.at.WithAddr(ln.Addr())
	l.callers = newCallers(ln, access)
	return nil
}

func (l *listening) close() { l.callers.close() }

// announce says where it listens, and what a person wants to know about it.
func (l *listening) announce() {
	l.env.plain("listening %s", printed(l.at))
	if everywhere(l.at) {
		l.env.note("that is every interface of this machine")
	}
	if _, cert := l.at.Option("cert"); l.pin != "" && !cert {
		l.env.note("the key was made for this run; dial it with: %s", dialCommand("", printed(l.at), l.pin))
	}
}

// run has one conversation, or with keep one after another.
func (l *listening) run() error {
	for {
		conn, err := l.next()
		if err != nil {
			return err
		}
		if !l.keep && l.peers == nil {
			l.callers.close()
		}
		err = l.converse(conn)
		if !l.keep {
			return errors.Join(err, l.untaken())
		}
		var exit exitError
		if l.stop.stopped() || errors.As(err, &exit) || errors.Is(err, errStdoutClosed) {
			return err
		}
		if err != nil {
			l.env.error(err)
		}
	}
}

func (l *listening) converse(conn net.Conn) error {
	c := newConversation(l.party, "listen", l.at, conn)
	c.peer = peerName(conn)
	if l.chatty && c.peer != "" {
		l.env.note("conversation with %s", c.peer)
	}
	return c.run()
}

// peerName is the peer's address, or "" when it has none worth a word.
func peerName(conn net.Conn) string {
	remote := conn.RemoteAddr()
	if remote == nil {
		return ""
	}
	if name := remote.String(); name != "@" {
		return name
	}
	return ""
}

// next waits for a peer. A caller that was turned away, or whose handshake
// failed, is said.
func (l *listening) next() (net.Conn, error) {
	l.callers.want()
	for {
		select {
		case c := <-l.callers.ready:
			return c.conn, c.err
		case err := <-l.callers.turned:
			l.env.note("%v; waiting for the next peer", err)
		case <-l.stop.first:
			return nil, l.stop.err
		}
	}
}
