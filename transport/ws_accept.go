package transport

import (
	"net"
	"strings"

	"parley/endpoint"
)

// wsListener accepts WebSocket connections on a TCP or TLS listener.
type wsListener struct {
	net.Listener
	e       endpoint.Endpoint
	path    string   // that a request must ask for
	origins []string // patterns of hosts that pages may come from, beside the listener's own
}

// wssListener is a wsListener on a listener with a key.
type wssListener struct {
	*wsListener
	Pinner
}

// listenWS accepts the WebSocket connections of e on l, which it owns. It is a
// Pinner if l is.
func listenWS(l net.Listener, e endpoint.Endpoint) net.Listener {
	ws := &wsListener{Listener: l, e: e, path: wsPath(e)}
	if hosts, ok := e.Option("origin"); ok {
		ws.origins = strings.Split(hosts, ",")
	}
	if pinner, ok := l.(Pinner); ok {
		return wssListener{ws, pinner}
	}
	return ws
}

// Accept returns at once; the conn is a Handshaker.
func (l *wsListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newWSConn(raw, l.e, l), nil
}

// wsPath is the resource that e names.
func wsPath(e endpoint.Endpoint) string {
	if e.Path == "" {
		return "/"
	}
	return e.Path
}
