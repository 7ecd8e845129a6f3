package endpoint

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Resolver is the part of *net.Resolver that is used here.
type Resolver interface {
	// LookupNetIP looks a host up; network is "ip", "ip4" or "ip6".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupPort looks a service up; network is "tcp" or "udp".
	LookupPort(ctx context.Context, network, service string) (int, error)
}

// services are the well-known ports of what parley serves, for systems without
// a file of services. They are not modified.
var services = map[string]map[string]int{
	"tcp": {"echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "time": 37, "http": 80, "https": 443},
	"udp": {"echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "time": 37, "ntp": 123},
}

// Resolve returns e once for each address of its host, host and port being
// numeric, in the order of the resolver and without repetition. tcp4 and udp4
// have IPv4 addresses only, tcp6 and udp6 IPv6. A host "" stays "". An endpoint
// without a host and a port, such as of unix, is returned as it is. What needs
// no lookup succeeds even if ctx has ended.
//
// A nil r is net.DefaultResolver. ctx bounds the lookups. A name that is not
// found is a *net.DNSError.
func (e Endpoint) Resolve(ctx context.Context, r Resolver) ([]Endpoint, error) {
	s, ok := findScheme(e.Scheme)
	if !ok {
		return nil, fmt.Errorf("unknown scheme %q", e.Scheme)
	}
	if s.form == formPath {
		return []Endpoint{e}, nil
	}
	if s.form != formHost {
		port, err := e.ResolvePort(ctx, r)
		if err != nil {
			return nil, err
		}
		e.Port = strconv.Itoa(port)
	}
	if e.Host == "" {
		return []Endpoint{e}, nil
	}
	addrs, err := e.addrs(ctx, r, s.family)
	if err != nil {
		return nil, err
	}
	list := make([]Endpoint, len(addrs))
	for i, a := range addrs {
		list[i] = e
		list[i].Host = a.String()
	}
	return list, nil
}

// addrs returns the addresses of the host that are of the family, at least one.
func (e Endpoint) addrs(ctx context.Context, r Resolver, family int) ([]netip.Addr, error) {
	network := "ip"
	if family != 0 {
		network += strconv.Itoa(family)
	}
	// Not left to the resolver, which need not keep the zone.
	literal, err := netip.ParseAddr(e.Host)
	found := []netip.Addr{literal}
	if err != nil {
		if found, err = orDefault(r).LookupNetIP(ctx, network, e.Host); err != nil {
			return nil, err
		}
	}
	var addrs []netip.Addr
	for _, a := range found {
		// net.Resolver has returned IPv4 addresses in their IPv6 form.
		a = a.Unmap()
		if a.IsValid() && (family == 0 || familyOf(a) == family) && !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no address for " + e.Scheme, Name: e.Host, IsNotFound: true}
	}
	return addrs, nil
}

// ResolvePort returns the number of the port, 0 to 65535. The name of a service
// is asked for with the scheme's protocol (tls, ws and wss: tcp); a small
// built-in table is asked when the resolver fails. A nil r is
// net.DefaultResolver. A name that is not found is a *net.DNSError, with the
// nearest name in the table after it; an endpoint that has no port is an error.
func (e Endpoint) ResolvePort(ctx context.Context, r Resolver) (int, error) {
	s, _ := findScheme(e.Scheme)
	if s.protocol == "" || e.Port == "" {
		return 0, fmt.Errorf("%q has no port", e.Bare().String())
	}
	if allDigits(e.Port) {
		n, err := strconv.ParseUint(e.Port, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("port %q is not in 0 to 65535", e.Port)
		}
		return int(n), nil
	}
	n, err := orDefault(r).LookupPort(ctx, s.protocol, e.Port)
	if err == nil {
		return n, nil
	}
	table := services[s.protocol]
	if n, ok := table[strings.ToLower(e.Port)]; ok {
		return n, nil
	}
	if near := Nearest(e.Port, slices.Sorted(maps.Keys(table))); near != "" && ctx.Err() == nil {
		return 0, fmt.Errorf("%w; nearest is %q", err, near)
	}
	return 0, err
}

func orDefault(r Resolver) Resolver {
	if r == nil {
		return net.DefaultResolver
	}
	return r
}
