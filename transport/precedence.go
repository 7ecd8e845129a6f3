package transport

import "net/netip"

// policy is the precedence column of RFC 6724, section 2.1, longest prefix
// first. IPv4 is looked up as ::ffff:0:0/96.
var policy = []struct {
	prefix     netip.Prefix
	precedence int
}{
	{netip.MustParsePrefix("::1/128"), 50},
	{netip.MustParsePrefix("::/96"), 1},
	{netip.MustParsePrefix("2001::/32"), 5},
	{netip.MustParsePrefix("2002::/16"), 30},
	{netip.MustParsePrefix("3ffe::/16"), 1},
	{netip.MustParsePrefix("fec0::/10"), 1},
	{netip.MustParsePrefix("fc00::/7"), 3},
	{netip.MustParsePrefix("::/0"), 40},
}

// precedence decides which family a race begins with. Within a family the
// resolver has sorted already. The rules of RFC 6724 that look at source
// addresses are left out: they spare at most an attempt that fails at once.
func precedence(addr netip.Addr) int {
	if addr.Unmap().Is4() {
		return 35
	}
	for _, p := range policy {
		if p.prefix.Contains(addr.WithZone("")) {
			return p.precedence
		}
	}
	return 0
}
