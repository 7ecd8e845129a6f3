package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
)

// fakeResolver answers from its maps and records what it was asked.
type fakeResolver struct {
	addrs map[string][]string // by network/host
	ports map[string]int      // by network/service
	asked []string
}

func (f *fakeResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	key := network + "/" + host
	f.asked = append(f.asked, key)
	list, ok := f.addrs[key]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var addrs []netip.Addr
	for _, a := range list {
		if a == "" {
			addrs = append(addrs, netip.Addr{})
			continue
		}
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, ctx.Err()
}

func (f *fakeResolver) LookupPort(ctx context.Context, network, service string) (int, error) {
	key := network + "/" + service
	f.asked = append(f.asked, key)
	if port, ok := f.ports[key]; ok {
		return port, ctx.Err()
	}
	return 0, &net.DNSError{Err: "unknown port", Name: key, IsNotFound: true}
}

func newFakeResolver() *fakeResolver {
	return &fakeResolver{
		addrs: map[string][]string{
			"ip/both":   {"2001:db8::1", "192.0.2.1", "2001:db8::2"},
			"ip4/both":  {"192.0.2.1"},
			"ip6/both":  {"2001:db8::1", "2001:db8::2"},
			"ip/mapped": {"::ffff:192.0.2.1", "192.0.2.1", "", "192.0.2.2"},
			"ip/local":  {"fe80::1%eth0", "fe80::1%eth1"},
			"ip4/liar":  {"2001:db8::1"},
			"ip6/liar":  {"192.0.2.1", "::ffff:192.0.2.2", "2001:db8::1"},
			"ip/empty":  {},
		},
		ports: map[string]int{"tcp/daytime": 1013, "udp/daytime": 2013, "tcp/own": 4000, "udp/own": 5000},
	}
}

func TestResolve(t *testing.T) {
	tests := []struct {
		in    string
		want  []string
		asked []string
	}{
		{"tcp://192.0.2.9:7?connect=1s", []string{"tcp://192.0.2.9:7?connect=1s"}, nil},
		{"tcp://[fe80::1%eth0]:7", []string{"tcp://[fe80::1%eth0]:7"}, nil},
		{"tcp://:7", []string{"tcp://:7"}, nil},
		{"tcp://:own", []string{"tcp://:4000"}, []string{"tcp/own"}},
		{"tcp://both:7?nodelay", []string{"tcp://[2001:db8::1]:7?nodelay", "tcp://192.0.2.1:7?nodelay", "tcp://[2001:db8::2]:7?nodelay"}, []string{"ip/both"}},
		{"tcp4://both:7", []string{"tcp4://192.0.2.1:7"}, []string{"ip4/both"}},
		{"udp4://both:7", []string{"udp4://192.0.2.1:7"}, []string{"ip4/both"}},
		{"udp6://both:own", []string{"udp6://[2001:db8::1]:5000", "udp6://[2001:db8::2]:5000"}, []string{"udp/own", "ip6/both"}},
		{"tcp6://liar:7", []string{"tcp6://[2001:db8::1]:7"}, []string{"ip6/liar"}},
		{"tcp://mapped:7", []string{"tcp://192.0.2.1:7", "tcp://192.0.2.2:7"}, []string{"ip/mapped"}},
		{"udp://local:7", []string{"udp://[fe80::1%eth0]:7", "udp://[fe80::1%eth1]:7"}, []string{"ip/local"}},
		{"tls://mapped:own", []string{"tls://192.0.2.1:4000", "tls://192.0.2.2:4000"}, []string{"tcp/own", "ip/mapped"}},
		{"wss://mapped/chat", []string{"wss://192.0.2.1:443/chat", "wss://192.0.2.2:443/chat"}, []string{"ip/mapped"}},
		{"ip://mapped?proto=253", []string{"ip://192.0.2.1?proto=253", "ip://192.0.2.2?proto=253"}, []string{"ip/mapped"}},
		{"ip://", []string{"ip://"}, nil},
		{"unix:/run/x?mode=0600", []string{"unix:/run/x?mode=0600"}, nil},
		{"fd:3", []string{"fd:3"}, nil},
		{"mem:both", []string{"mem:both"}, nil},
	}
	for _, tt := range tests {
		r := newFakeResolver()
		got, err := MustParse(tt.in).Resolve(t.Context(), r)
		if err != nil {
			t.Errorf("Resolve(%s): %v, want %v", tt.in, err, tt.want)
			continue
		}
		var texts []string
		for _, e := range got {
			texts = append(texts, e.String())
		}
		if !slices.Equal(texts, tt.want) {
			t.Errorf("Resolve(%s) = %v, want %v", tt.in, texts, tt.want)
		}
		if !slices.Equal(r.asked, tt.asked) {
			t.Errorf("Resolve(%s) asked %v, want %v", tt.in, r.asked, tt.asked)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct {
		e    Endpoint
		want string
	}{
		{MustParse("tcp://nowhere:7"), `lookup nowhere: no such host`},
		{MustParse("tcp://empty:7"), `lookup empty: no address for tcp`},
		{MustParse("tcp4://liar:7"), `lookup liar: no address for tcp4`},
		{MustParse("tcp://both:nothing-near"), `lookup tcp/nothing-near: unknown port`},
		{MustParse("udp://both:daytiem"), `lookup udp/daytiem: unknown port; nearest is "daytime"`},
		{Endpoint{Scheme: "tcp4", Host: "::1", Port: "7"}, `lookup ::1: no address for tcp4`},
	}
	for _, tt := range tests {
		got, err := tt.e.Resolve(t.Context(), newFakeResolver())
		if err == nil || err.Error() != tt.want || got != nil {
			t.Errorf("Resolve(%s) = %v, %v, want error %q", tt.e, got, err, tt.want)
		}
		var notFound *net.DNSError
		if !errors.As(err, &notFound) || !notFound.IsNotFound {
			t.Errorf("Resolve(%s): error %#v, want a *net.DNSError that says not found", tt.e, err)
		}
	}
}

func TestResolvePort(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{"tcp://:0", 0},
		{"tcp://:65535", 65535},
		{"tcp://:daytime", 1013}, // the resolver's, not the table's
		{"udp://:daytime", 2013}, // another protocol, another port
		{"tls://:daytime", 1013},
		{"ws://:daytime", 1013},
		{"wss://:daytime", 1013},
		{"tcp6://:daytime", 1013},
		{"udp4://:daytime", 2013},
		{"tcp://:echo", 7}, // the table's, where the resolver knows none
		{"tcp://:discard", 9},
		{"udp://:chargen", 19},
		{"udp://:TIME", 37},
		{"udp://:ntp", 123},
		{"ws://:http", 80},
		{"wss://host", 443},
	}
	for _, tt := range tests {
		got, err := MustParse(tt.in).ResolvePort(t.Context(), newFakeResolver())
		if got != tt.want || err != nil {
			t.Errorf("ResolvePort(%s) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		e    Endpoint
		want string
	}{
		{Endpoint{}, `"" has no port`},
		{MustParse("unix:/x?mode=0600"), `"unix:/x" has no port`},
		{MustParse("ip://127.0.0.1"), `"ip://127.0.0.1" has no port`},
		{Endpoint{Scheme: "tcp", Host: "h", Port: "65536"}, `port "65536" is not in 0 to 65535`},
		{MustParse("tcp://:ntp"), `lookup tcp/ntp: unknown port`}, // udp only
	} {
		if got, err := tt.e.ResolvePort(t.Context(), newFakeResolver()); err == nil || err.Error() != tt.want {
			t.Errorf("ResolvePort(%s) = %d, %v, want error %q", tt.e, got, err, tt.want)
		}
	}
}

// TestResolveEnded has a context that has ended: it stops lookups, not what
// needs none.
func TestResolveEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for in, want := range map[string]error{
		"tcp://192.0.2.1:7":   nil,
		"tcp://:7":            nil,
		"unix:/x":             nil,
		"tcp://both:7":        context.Canceled,
		"tcp://192.0.2.1:own": context.Canceled,
	} {
		if _, err := MustParse(in).Resolve(ctx, newFakeResolver()); !errors.Is(err, want) {
			t.Errorf("Resolve(%s) after cancel: error %v, want %v", in, err, want)
		}
	}
}

func TestResolveUnknownScheme(t *testing.T) {
	if got, err := (Endpoint{Scheme: "tcpp", Host: "both", Port: "7"}).Resolve(t.Context(), newFakeResolver()); err == nil {
		t.Errorf("Resolve of scheme tcpp = %v, want an error", got)
	}
}

// TestDefaultResolver asks the system for a service, which reads a file or the
// table and sends nothing.
func TestDefaultResolver(t *testing.T) {
	got, err := MustParse("udp://127.0.0.1:ntp").Resolve(t.Context(), nil)
	if want := MustParse("udp://127.0.0.1:123"); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("Resolve(udp://127.0.0.1:ntp) with the default resolver = %v, %v, want %v", got, err, want)
	}
}

func ExampleEndpoint_Resolve() {
	e := MustParse("tcp://127.0.0.1:echo")
	list, err := e.Resolve(context.Background(), nil)
	fmt.Println(list, err)
	// Output: [tcp://127.0.0.1:7] <nil>
}
