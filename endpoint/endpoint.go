// Package endpoint names the places where parley listens and dials.
//
// An endpoint is a line of text, the same on a command line, in a file of
// services and in Go:
//
//	tcp://HOST:PORT?option=value&option=value
//	ws://HOST:PORT/RESOURCE?option=value
//	ip://HOST?option=value
//	unix:/PATH?option=value
//
// The schemes are tcp tcp4 tcp6 udp udp4 udp6 tls (host and port); ws wss (host,
// port and resource; the port may be left out); ip (host); unix unixgram
// unixpacket (a path, or @name for an abstract socket); fd (the number or name
// of an inherited descriptor) and mem (a name). HOST is a name, an IPv4 address
// or an IPv6 address in brackets, with its zone after a percent sign; without
// one, an endpoint is every interface for a listener and loopback for a dialer.
// PORT is a number or the name of a service.
//
// Short forms are :PORT, HOST:PORT and [IPV6]:PORT for tcp, and /PATH, ./PATH
// and ../PATH for unix.
//
// Paths, resources and options are percent-encoded as in a URL: a question mark
// in a path is %3F, an ampersand in the value of an option %26. A plus sign is a
// plus sign. The host is not encoded.
//
// A [Target] is a service at an endpoint: echo@tcp://:7.
//
// Nothing here does I/O but [Endpoint.Resolve] and [Endpoint.ResolvePort]. Which
// options there are, and which schemes they belong to, is not known here.
package endpoint

import (
	"iter"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// An Endpoint is a place to listen or dial. It is a value: two endpoints that
// [Parse] has read are equal (==) when they mean the same text, whatever the
// order of their options, the case of their host or the form of their address.
// The zero Endpoint is no place.
//
// The fields hold decoded text. An Endpoint that is put together by hand and
// not read by Parse is not checked until something reads its String.
type Endpoint struct {
	Scheme string // one of Schemes, lower case
	Host   string // name or address without brackets, IPv6 zone after '%'; "" is every interface to a listener, loopback to a dialer
	Port   string // decimal or a service name; "" where the scheme has none
	Path   string // unix*: socket path, with a leading '@' an abstract name; ws, wss: resource, begins with '/'; fd: number or name; mem: name

	query string // canonical, see query.go; a string so that == compares it
}

// A form is what stands between the scheme and the options.
type form int

const (
	formPort     form = iota // //host:port
	formResource             // //host:port/path, the port may be left out
	formHost                 // //host
	formPath                 // path
)

// A scheme says how an endpoint of that name is written.
type scheme struct {
	name     string
	form     form
	protocol string // asked for service names: "tcp", "udp" or ""
	family   int    // 4, 6, or 0 for either
	datagram bool
	port     string // when left out
	path     string // formPath: what the path is, for errors
}

// schemes is in the order of the documentation. It is not modified.
var schemes = []scheme{
	{name: "tcp", protocol: "tcp"},
	{name: "tcp4", protocol: "tcp", family: 4},
	{name: "tcp6", protocol: "tcp", family: 6},
	{name: "udp", protocol: "udp", datagram: true},
	{name: "udp4", protocol: "udp", family: 4, datagram: true},
	{name: "udp6", protocol: "udp", family: 6, datagram: true},
	{name: "unix", form: formPath, path: "a socket path"},
	{name: "unixgram", form: formPath, path: "a socket path", datagram: true},
	{name: "unixpacket", form: formPath, path: "a socket path"},
	{name: "tls", protocol: "tcp"},
	{name: "ws", form: formResource, protocol: "tcp", port: "80"},
	{name: "wss", form: formResource, protocol: "tcp", port: "443"},
	{name: "ip", form: formHost, datagram: true},
	{name: "fd", form: formPath, path: "the number or name of a descriptor"},
	{name: "mem", form: formPath, path: "a name"},
}

// findScheme returns the scheme of that name, which is in lower case.
func findScheme(name string) (scheme, bool) {
	for _, s := range schemes {
		if s.name == name {
			return s, true
		}
	}
	return scheme{}, false
}

// Schemes returns the names of all schemes, in the order of the documentation.
func Schemes() []string {
	names := make([]string, len(schemes))
	for i, s := range schemes {
		names[i] = s.name
	}
	return names
}

// String returns the canonical text: the scheme written out, options in the
// order of their names. Parse reads it back to the same Endpoint, if Parse or a
// method has made it. The zero Endpoint is "".
func (e Endpoint) String() string {
	if e.IsZero() {
		return ""
	}
	text := e.Scheme + "://" + e.authority() + escape(e.Path, pathSafe)
	if s, _ := findScheme(e.Scheme); s.form == formPath {
		text = e.Scheme + ":" + opaque(e.Path)
	}
	if e.query != "" {
		text += "?" + e.query
	}
	return text
}

// authority returns host:port with the brackets of an IPv6 address, or the host
// alone where there is no port.
func (e Endpoint) authority() string {
	host := e.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if e.Port == "" {
		return host
	}
	return host + ":" + e.Port
}

// opaque encodes the path of a scheme that has no host. Parse takes two slashes
// after the colon off, as in unix:///run/x; so a path that begins with two of
// its own has them put before it.
func opaque(path string) string {
	text := escape(path, pathSafe)
	if strings.HasPrefix(text, "//") {
		text = "//" + text
	}
	return text
}

// IsZero reports whether e is the zero Endpoint.
func (e Endpoint) IsZero() bool { return e == Endpoint{} }

// Datagram reports whether the scheme sends datagrams: udp, udp4, udp6, unixgram
// or ip. What an fd is, is not known before it is opened: it reports false.
func (e Endpoint) Datagram() bool {
	s, _ := findScheme(e.Scheme)
	return s.datagram
}

// KeepsMessages reports whether what is sent at once arrives as one message: of the
// datagrams, unixpacket, ws and wss. What an fd is, is not known: it reports false.
func (e Endpoint) KeepsMessages() bool {
	switch e.Scheme {
	case "unixpacket", "ws", "wss":
		return true
	}
	return e.Datagram()
}

// Address returns what net.Dial and net.Listen take: host:port, with brackets
// around an IPv6 address; the host alone for ip; the path for unix, unixgram,
// unixpacket, fd and mem.
func (e Endpoint) Address() string {
	switch s, _ := findScheme(e.Scheme); s.form {
	case formPath:
		return e.Path
	case formHost:
		return e.Host
	}
	return net.JoinHostPort(e.Host, e.Port)
}

// WithAddr returns the same endpoint at the real address a, such as the one of
// its listener: scheme, resource and options are kept; the host, and a port that
// was 0 or a name, become those of a. An address of another kind than the
// scheme's, or of none that is known, leaves e as it is.
func (e Endpoint) WithAddr(a net.Addr) Endpoint {
	s, _ := findScheme(e.Scheme)
	switch a := a.(type) {
	case *net.TCPAddr:
		if a != nil && s.protocol != "" {
			e.Host, e.Port = hostOf(a.IP, a.Zone), strconv.Itoa(a.Port)
		}
	case *net.UDPAddr:
		if a != nil && s.protocol != "" {
			e.Host, e.Port = hostOf(a.IP, a.Zone), strconv.Itoa(a.Port)
		}
	case *net.IPAddr:
		if a != nil && s.name != "" && s.form == formHost {
			e.Host = hostOf(a.IP, a.Zone)
		}
	case *net.UnixAddr:
		// A socket without a name has "" or "@".
		if a != nil && a.Net == s.name && a.Name != "" && a.Name != "@" {
			e.Path = a.Name
		}
	default:
		// An address of internal/memnet.
		if a != nil && a.Network() == "mem" && s.name == "mem" && a.String() != "" {
			e.Path = a.String()
		}
	}
	return e
}

// hostOf returns the text of an address as Parse has it; none is "".
func hostOf(ip net.IP, zone string) string {
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return ""
	}
	return addr.Unmap().WithZone(zone).String()
}

// Option returns the value of an option, and whether it is there. An option
// without "=", as in ?insecure, has the value "".
func (e Endpoint) Option(name string) (value string, ok bool) {
	return queryGet(e.query, name)
}

// Options yields the options in the order of their names.
func (e Endpoint) Options() iter.Seq2[string, string] {
	return queryAll(e.query)
}

// With returns e with an option set to value, in place of the value it had. The
// name "" is no option's: e is returned as it is.
func (e Endpoint) With(name, value string) Endpoint {
	if name == "" {
		return e
	}
	e.query = querySet(e.query, name, value)
	return e
}

// Without returns e without the named options. Those that it has not are
// ignored.
func (e Endpoint) Without(names ...string) Endpoint {
	e.query = queryDelete(e.query, func(name string) bool { return slices.Contains(names, name) })
	return e
}

// Bare returns e without options: what to print where an option may hold a
// secret.
func (e Endpoint) Bare() Endpoint {
	e.query = ""
	return e
}

// MarshalText returns the String of e. It implements encoding.TextMarshaler and
// never fails.
func (e Endpoint) MarshalText() ([]byte, error) {
	return []byte(e.String()), nil
}

// UnmarshalText sets e to what Parse reads. Empty text is the zero Endpoint. It
// implements encoding.TextUnmarshaler; an error leaves e as it was.
func (e *Endpoint) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*e = Endpoint{}
		return nil
	}
	read, err := Parse(string(text))
	if err != nil {
		return err
	}
	*e = read
	return nil
}
