package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"parley/endpoint"
)

// The checks of single values. None repeats the value: the caller does.

func checkMode(value string) error {
	if _, err := parseMode(value); err != nil {
		return err
	}
	return nil
}

// parseMode reads permission bits in octal.
func parseMode(value string) (uint32, error) {
	n, err := strconv.ParseUint(value, 8, 32)
	if err != nil || n > 0o777 {
		return 0, errors.New("want permission bits in octal, as in 660")
	}
	return uint32(n), nil
}

func checkSource(value string) error {
	_, err := parseSource(value)
	return err
}

// parseSource reads ADDR, ADDR:PORT or :PORT. Without an address the result's
// Addr is not valid.
func parseSource(value string) (netip.AddrPort, error) {
	if port, ok := strings.CutPrefix(value, ":"); ok && !strings.Contains(port, ":") {
		n, err := strconv.ParseUint(port, 10, 16)
		if err == nil {
			return netip.AddrPortFrom(netip.Addr{}, uint16(n)), nil
		}
	}
	if ap, err := netip.ParseAddrPort(value); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	if inside, ok := strings.CutPrefix(value, "["); ok && strings.HasSuffix(inside, "]") {
		value = strings.TrimSuffix(inside, "]")
	}
	if addr, err := netip.ParseAddr(value); err == nil {
		return netip.AddrPortFrom(addr.Unmap(), 0), nil
	}
	return netip.AddrPort{}, errors.New("want ADDRESS, ADDRESS:PORT or :PORT, in numbers")
}

func checkALPN(value string) error {
	if len(value) > 255 {
		return errors.New("a protocol name has at most 255 bytes")
	}
	return nil
}

func checkPin(value string) error {
	_, err := parsePin(value)
	return err
}

func checkOrigin(value string) error {
	if _, err := path.Match(value, ""); err != nil {
		return fmt.Errorf("%q is no host pattern", value)
	}
	return nil
}

// maxFixed is parley.MaxFixed, which this package cannot import.
const maxFixed = 1 << 30

func checkFrame(value string) error {
	switch value {
	case "raw", "line", "text", "len32", "nul":
		return nil
	}
	digits, ok := strings.CutPrefix(value, "fixed:")
	if n, err := strconv.ParseUint(digits, 10, 32); !ok || err != nil || n < 1 || n > maxFixed {
		return errors.New("want raw, line, text, len32, nul or fixed:N")
	}
	return nil
}

func checkPrefix(value string) error {
	if _, err := netip.ParseAddr(value); err == nil {
		return nil
	}
	if _, err := netip.ParsePrefix(value); err != nil {
		return fmt.Errorf("%q is no address and no prefix like 10.0.0.0/8", value)
	}
	return nil
}

// checkTogether reports options that are missing, or do not go together with
// each other or with the address.
func checkTogether(e endpoint.Endpoint, dir direction) error {
	if err := checkSourceFamily(e); err != nil {
		return err
	}
	if _, ok := e.Option("proto"); !ok && e.Scheme == "ip" {
		return optionErrorf("proto", "", "option proto is missing: which protocol, as in proto=253")
	}
	if mode, ok := e.Option("mode"); ok && strings.HasPrefix(e.Path, "@") {
		return optionErrorf("mode", mode, "option mode=%s: an abstract socket has no file", mode)
	}
	_, cert := e.Option("cert")
	if key, ok := e.Option("key"); ok && !cert {
		return optionErrorf("key", key, "option key=%s: there is no cert= that it is the key of", key)
	}
	return checkZone(e)
}

func checkSourceFamily(e endpoint.Endpoint) error {
	value, ok := e.Option("source")
	if !ok {
		return nil
	}
	source, err := parseSource(value)
	if err != nil || !source.IsValid() {
		return nil
	}
	if e.Scheme == "ip" && source.Port() != 0 {
		return optionErrorf("source", value, "option source=%s: ip has no ports", value)
	}
	host, err := netip.ParseAddr(e.Host)
	if err != nil {
		switch {
		case strings.HasSuffix(e.Scheme, "4") && source.Addr().Is6():
			return optionErrorf("source", value, "option source=%s: %s is IPv4 only", value, e.Scheme)
		case strings.HasSuffix(e.Scheme, "6") && source.Addr().Is4():
			return optionErrorf("source", value, "option source=%s: %s is IPv6 only", value, e.Scheme)
		}
		return nil
	}
	if host.Unmap().Is4() != source.Addr().Is4() {
		return optionErrorf("source", value, "option source=%s: not of the same family as %s", value, e.Host)
	}
	return nil
}

// checkZone refuses an interface named twice with different names.
func checkZone(e endpoint.Endpoint) error {
	iface, ok := e.Option("iface")
	_, zone, has := strings.Cut(e.Host, "%")
	if ok && has && iface != zone {
		return optionErrorf("iface", iface, "option iface=%s: the address is in zone %s", iface, zone)
	}
	return nil
}
