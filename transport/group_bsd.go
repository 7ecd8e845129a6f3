//go:build unix && !linux

package transport

// hearOwnGroupsOnly: a socket hears a group on the interfaces on which it has
// joined it, and no others, on these systems anyway.
func (s socket) hearOwnGroupsOnly(bool) error { return nil }
