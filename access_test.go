package parley

import (
	"net/netip"
	"strings"
	"testing"
)

// slowHolds is the oracle of a prefix: it compares bit by bit.
func slowHolds(p netip.Prefix, a netip.Addr) bool {
	x, y := p.Addr().AsSlice(), a.AsSlice()
	if len(x) != len(y) {
		return false
	}
	for bit := range p.Bits() {
		mask := byte(0x80 >> (bit % 8))
		if x[bit/8]&mask != y[bit/8]&mask {
			return false
		}
	}
	return true
}

func FuzzParsePrefixes(f *testing.F) {
	f.Add("10.0.0.0/8,192.168.0.1", "10.2.3.4")
	f.Add("fe80::1%lo,2001:db8::/32", "2001:db8::1")
	f.Add("::ffff:10.0.0.1", "10.0.0.1")
	f.Fuzz(func(t *testing.T, list, addr string) {
		prefixes, err := parsePrefixes(list)
		if err != nil {
			return
		}
		var words []string
		for _, p := range prefixes {
			if !p.IsValid() {
				t.Fatalf("parsePrefixes(%q) gave the invalid %v", list, p)
			}
			words = append(words, p.String())
		}
		again, err := parsePrefixes(strings.Join(words, ","))
		if err != nil || len(again) != len(prefixes) {
			t.Fatalf("parsePrefixes(%q) = %v, which reads as %v, %v", list, prefixes, again, err)
		}
		a, err := netip.ParseAddr(addr)
		if err != nil {
			return
		}
		a = a.Unmap().WithZone("")
		want := false
		for _, p := range prefixes {
			want = want || slowHolds(p, a)
		}
		if got := (access{allow: prefixes}).admits(a); got != want {
			t.Errorf("allow=%s admits %v: %v, want %v", list, a, got, want)
		}
		if got := (access{deny: prefixes}).admits(a); got == want {
			t.Errorf("deny=%s admits %v: %v, want %v", list, a, got, !want)
		}
	})
}
