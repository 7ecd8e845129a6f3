package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// connectTimeout is how long one NATS server may take to answer.
const connectTimeout = 5 * time.Second

// connectExternal connects to the server or cluster at c.URL. Once it has been
// reached it is tried again for ever, and what is published meanwhile fails at once.
func connectExternal(_ context.Context, c *Config) (*link, error) {
	k := newLink()
	log := c.log()
	options := []nats.Option{
		nats.Name("parley chat"),
		nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err == nil { // closed by us
				k.fail(errNoServer)
				return
			}
			k.fail(fmt.Errorf("%w: %w", errNoServer, err))
			log.Warn("chat log: the NATS server is lost", "error", err)
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			k.recover()
			log.Info("chat log: the NATS server is back", "url", redact(nc.ConnectedUrl()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("chat log: NATS", "error", err)
		}),
	}
	if c.Credentials != "" {
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	if c.CA != "" {
		options = append(options, nats.RootCAs(c.CA))
	}
	nc, err := nats.Connect(c.URL, options...)
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return nil, errNoServer
	case err != nil:
		return nil, err
	}
	k.nc = nc
	return k.ready()
}

// redact takes the passwords out of a list of URLs.
func redact(urls string) string {
	list := strings.Split(urls, ",")
	for i, u := range list {
		u = strings.TrimSpace(u)
		if parsed, err := url.Parse(u); err == nil && parsed.User != nil {
			u = parsed.Redacted()
		}
		list[i] = u
	}
	return strings.Join(list, ",")
}
