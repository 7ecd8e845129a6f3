package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"parley/endpoint"
)

const lookupLong = `lookup finds the addresses of a name and the port of a service, and prints each
as an endpoint on a line of its own: every family, in the order of the resolver.

HOST:SERVICE is asked for tcp, or for what --proto says: a service may have another
port on udp. With --json it prints one object: query, endpoints (endpoint, address,
port, family), and error when there is none.

Exit status: 0 found; 1 not found; 2 usage, or stdout failed.`

func newLookup(e *env) *cobra.Command {
	proto := choiceFlag{"", []string{"tcp", "udp"}}
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "lookup [flags] ENDPOINT-OR-HOST:SERVICE",
		Short:   "turn names and service names into endpoints",
		Long:    lookupLong,
		Example: "  parley lookup localhost:daytime --proto udp\n  parley lookup --json wss://example.org",
		Args:    exactArgs("ENDPOINT-OR-HOST:SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := queryOf(cmd, args[0], proto.value)
			if err != nil {
				return err
			}
			return e.lookup(cmd.Context(), at, args[0], asJSON)
		},
	}
	cmd.Flags().Var(&proto, "proto", "the protocol that HOST:SERVICE is of")
	completeChoices(cmd, "proto", proto.choices...)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// queryOf reads the argument. --proto gives a short form its scheme, and keeps the
// family of one that is written out.
func queryOf(cmd *cobra.Command, arg, proto string) (endpoint.Endpoint, error) {
	at, err := endpoint.Parse(arg)
	if err != nil {
		return at, usageError{err: err}
	}
	written := strings.HasPrefix(arg, at.Scheme+":")
	switch {
	case proto == "":
	case at.Scheme == "tcp" && !written:
		at.Scheme = proto
	case !strings.HasPrefix(at.Scheme, proto):
		return at, usageErrorf(cmd, "--proto %s and %s do not go together", proto, at.Scheme)
	}
	return at, nil
}

// answer is what --json prints. Fields are only added.
type lookupAnswer struct {
	Query     string           `json:"query"`
	Endpoints []lookupEndpoint `json:"endpoints"`
	Error     string           `json:"error,omitempty"`
}

type lookupEndpoint struct {
	Endpoint endpoint.Endpoint `json:"endpoint"`
	Address  string            `json:"address"` // of the host, or the path
	Port     int               `json:"port"`    // 0 where there is none
	Family   string            `json:"family"`  // ipv4, ipv6, any (no host), unix, or the scheme
}

// lookup is the verb.
func (e *env) lookup(ctx context.Context, at endpoint.Endpoint, query string, asJSON bool) error {
	stop, ctx := newStopper(ctx, e.signals)
	defer stop.close()
	found, err := at.Resolve(ctx, nil)
	if stop.stopped() {
		return stop.err
	}
	if err != nil {
		err = &lookupError{at, err}
	}
	if asJSON {
		if err := e.printJSON(query, found, err); err != nil {
			return err
		}
		return err
	}
	for _, one := range found {
		if err := writeOutput(e.stdout, []byte(one.String()+"\n")); err != nil {
			return err
		}
	}
	return err
}

func (e *env) printJSON(query string, found []endpoint.Endpoint, failure error) error {
	a := lookupAnswer{Query: query, Endpoints: []lookupEndpoint{}}
	if failure != nil {
		a.Error = failure.Error()
	}
	for _, one := range found {
		port, _ := strconv.Atoi(one.Port)
		address := one.Host
		if one.Host == "" {
			address = one.Path
		}
		a.Endpoints = append(a.Endpoints, lookupEndpoint{one, address, port, familyOf(one)})
	}
	return writeJSON(e, a)
}

// familyOf is the address family of an endpoint in numbers.
func familyOf(e endpoint.Endpoint) string {
	addr, err := netip.ParseAddr(e.Host)
	switch {
	case err == nil && addr.Unmap().Is4():
		return "ipv4"
	case err == nil:
		return "ipv6"
	case strings.HasPrefix(e.Scheme, "unix"):
		return "unix"
	case e.Port != "" || e.Scheme == "ip":
		return "any"
	}
	return e.Scheme
}

// lookupError is a name that was not found, or could not be looked up.
type lookupError struct {
	at  endpoint.Endpoint
	err error
}

func (e *lookupError) Error() string {
	text := e.err.Error()
	var dns *net.DNSError
	if errors.As(e.err, &dns) {
		text = fmt.Sprintf("%s: %s", dns.Name, dns.Err)
	}
	return "lookup " + printed(e.at).String() + ": " + text
}

func (e *lookupError) Unwrap() error { return e.err }
