//go:build !unix

package probe

// freeDescriptors knows no limit: on Windows sockets are bounded by memory alone.
func freeDescriptors() (free int, limited bool) { return 0, false }
